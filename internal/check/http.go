package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netsonde"
)

var (
	errNotHTTP = errors.New("answer is not HTTP")
	errTLSHere = errors.New("answer is TLS, not HTTP")
)

// checkHTTP asks for a page, the head of the root page unless the parameters
// say otherwise, and reads the answer's status and Server header (RFC 9110,
// RFC 9112).
func checkHTTP(ctx context.Context, x *exchange) {
	method, body := cmp.Or(x.asked.Method, http.MethodGet), ""
	if method == http.MethodPost {
		// RFC 9110, section 8.6: said though there is no body.
		body = "Content-Length: 0\r\n"
	}
	request := method + " " + cmp.Or(x.asked.Path, "/") + " HTTP/1.1\r\n" +
		"Host: " + hostHeader(x.host, x.service.Port, x.service.Kind.Port()) + "\r\n" +
		"User-Agent: netsonde\r\n" + body +
		"Connection: close\r\n\r\n"
	// A failed write is no answer yet: a server of another protocol may have
	// said its banner and hung up. Reading tells.
	_, _ = io.WriteString(x.conn, request)

	var parser responseParser
	err := x.receive(parser.feed)
	response, ok := parser.response()
	switch {
	case ok:
		x.service.State = netsonde.ServiceOpen
		x.service.Code = response.code
		x.service.Server = response.server
		if wanted := x.asked.Status; len(wanted) > 0 && !slices.Contains(wanted, response.code) {
			x.refuse(fmt.Sprintf("status %d, wanted %s", response.code, listed(wanted)))
		}
	case err != nil:
		x.fail(ctx, err)
	case parser.looksLikeTLS():
		x.fail(ctx, errTLSHere)
	default:
		x.fail(ctx, errNotHTTP)
	}
}

// listed writes numbers with commas between them.
func listed(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.Itoa(number)
	}
	return strings.Join(texts, ", ")
}

// hostHeader is the value of the Host header (RFC 9110, section 7.2): the host
// as typed, IPv6 literals in brackets and without their zone, which means
// nothing to others; the port when it is not the usual one.
func hostHeader(host string, port, usual uint16) string {
	addr, err := netip.ParseAddr(host)
	literal6 := err == nil && addr.Is6()
	if literal6 {
		host, _, _ = strings.Cut(host, "%")
	}
	switch {
	case port != usual:
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	case literal6:
		return "[" + host + "]"
	default:
		return host
	}
}

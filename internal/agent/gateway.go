package agent

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// gatewayName is the name under which systemd's resolver, and we, know the
// default gateway (nss-myhostname(8)).
const gatewayName = "_gateway"

// The flags of a route, from Linux's include/uapi/linux/route.h.
const (
	routeUp      = 0x1
	routeGateway = 0x2
	routeReject  = 0x200
)

// defaultRoute is a default route through a gateway.
type defaultRoute struct {
	gateway netip.Addr
	metric  uint64
}

// gateways returns the default gateways that the kernel's tables under proc
// name, IPv4 first, then by metric. A table that cannot be read has none.
func gateways(proc fs.FS) []netip.Addr {
	var addresses []netip.Addr
	for _, table := range []struct {
		path  string
		parse func(fields []string) (defaultRoute, bool)
	}{
		{"net/route", parseRoute4},
		{"net/ipv6_route", parseRoute6},
	} {
		file, err := proc.Open(table.path)
		if err != nil {
			continue
		}
		for _, route := range parseRoutes(file, table.parse) {
			addresses = append(addresses, route.gateway)
		}
		file.Close()
	}
	return addresses
}

// parseRoutes returns the table's default routes, the least metric first.
// Lines that make no sense are skipped, and so is what follows an endless one.
func parseRoutes(table io.Reader, parse func([]string) (defaultRoute, bool)) []defaultRoute {
	var routes []defaultRoute
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if route, ok := parse(strings.Fields(lines.Text())); ok {
			routes = append(routes, route)
		}
	}
	slices.SortStableFunc(routes, func(a, b defaultRoute) int {
		switch {
		case a.metric < b.metric:
			return -1
		case a.metric > b.metric:
			return 1
		default:
			return 0
		}
	})
	return routes
}

// parseRoute4 reads a line of /proc/net/route: interface, destination,
// gateway, flags, references, uses, metric, mask, …. Addresses are hexadecimal
// words in the machine's byte order.
func parseRoute4(fields []string) (defaultRoute, bool) {
	if len(fields) < 8 {
		return defaultRoute{}, false
	}
	destination, err1 := strconv.ParseUint(fields[1], 16, 32)
	gateway, err2 := strconv.ParseUint(fields[2], 16, 32)
	flags, err3 := strconv.ParseUint(fields[3], 16, 32)
	metric, err4 := strconv.ParseUint(fields[6], 10, 32)
	mask, err5 := strconv.ParseUint(fields[7], 16, 32)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return defaultRoute{}, false
		}
	}
	if destination != 0 || mask != 0 || gateway == 0 || !throughGateway(flags) {
		return defaultRoute{}, false
	}
	var address [4]byte
	binary.NativeEndian.PutUint32(address[:], uint32(gateway))
	return defaultRoute{gateway: netip.AddrFrom4(address), metric: metric}, true
}

// parseRoute6 reads a line of /proc/net/ipv6_route: destination, its prefix
// length, source, its prefix length, next hop, metric, references, uses,
// flags, interface; all hexadecimal. A link-local next hop gets its zone.
func parseRoute6(fields []string) (defaultRoute, bool) {
	if len(fields) < 10 {
		return defaultRoute{}, false
	}
	length, err1 := strconv.ParseUint(fields[1], 16, 8)
	next, err2 := hex.DecodeString(fields[4])
	metric, err3 := strconv.ParseUint(fields[5], 16, 32)
	flags, err4 := strconv.ParseUint(fields[8], 16, 32)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return defaultRoute{}, false
		}
	}
	if length != 0 || strings.Trim(fields[0], "0") != "" || len(next) != 16 || !throughGateway(flags) {
		return defaultRoute{}, false
	}
	gateway := netip.AddrFrom16([16]byte(next))
	if gateway.IsUnspecified() {
		return defaultRoute{}, false
	}
	if gateway.IsLinkLocalUnicast() {
		gateway = gateway.WithZone(fields[9])
	}
	return defaultRoute{gateway: gateway, metric: metric}, true
}

func throughGateway(flags uint64) bool {
	return flags&(routeUp|routeGateway) == routeUp|routeGateway && flags&routeReject == 0
}

package check

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/lab"
)

// wantPhases fails the test unless the phases that were reached, and no
// others, have a duration, and the RTT is their sum.
func wantPhases(t *testing.T, s netsonde.Service, tls bool) {
	t.Helper()
	p := s.Phases
	if p.Connect <= 0 || (p.TLS > 0) != tls || p.FirstByte <= 0 || s.RTT != p.Connect+p.TLS+p.FirstByte {
		t.Errorf("RTT %v of phases %+v", s.RTT, p)
	}
}

func TestHTTP(t *testing.T) {
	tests := []struct {
		name   string
		handle func(net.Conn)
		code   int
		server string
	}{
		{"with Server", answers("HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\n\r\n"), 200, "nginx/1.24.0"},
		{"without", answers("HTTP/1.1 404 Not Found\r\n\r\n"), 404, ""},
		{"after a kilobyte", answers("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1200) + "\r\nServer: a\r\n\r\n"), 200, ""},
		{"keeps the connection", func(conn net.Conn) {
			answers("HTTP/1.1 200 OK\r\nServer: a\r\n\r\n")(conn)
			holds(conn)
		}, 200, "a"},
		{"closes at once", says("HTTP/1.1 503 Busy\r\nServer: a\r\n\r\n"), 503, "a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := checkPort(t, patience, netsonde.KindHTTP, serve(t, test.handle))
			if s.State != netsonde.ServiceOpen || s.Code != test.code || s.Server != test.server || s.Reason != "" {
				t.Errorf("got %+v", s)
			}
			wantPhases(t, s, false)
		})
	}
}

// The Server header is in: what follows it need not be waited for, and what
// was said before a stall is kept.
func TestHTTPStalls(t *testing.T) {
	for name, text := range map[string]string{
		"after the next field's first byte": "HTTP/1.1 200 OK\r\nServer: a\r\nD",
		"after the Server header":           "HTTP/1.1 200 OK\r\nServer: a\r\n",
	} {
		server := serve(t, func(conn net.Conn) {
			answers(text)(conn)
			holds(conn)
		})
		s := checkPort(t, 300*time.Millisecond, netsonde.KindHTTP, server)
		if s.State != netsonde.ServiceOpen || s.Code != 200 || s.Server != "a" {
			t.Errorf("%s: got %+v", name, s)
		}
	}
}

func TestHTTPRequest(t *testing.T) {
	requests := make(chan string, 1)
	server := serve(t, func(conn net.Conn) {
		requests <- readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	})
	port := strconv.Itoa(int(server.Port()))
	for host, header := range map[string]string{
		"Web.Test":        "Web.Test:" + port,
		"10.0.0.1":        "10.0.0.1:" + port,
		"fd77:10::1":      "[fd77:10::1]:" + port,
		"fe80::1%eth0":    "[fe80::1]:" + port,
		"xn--bcher.test.": "xn--bcher.test.:" + port,
	} {
		probe := netsonde.Probe{Kind: netsonde.KindHTTP, Port: server.Port()}
		checkOf(t, Options{}, patience, probe, host, server.Addr())
		want := "HEAD / HTTP/1.1\r\nHost: " + header + "\r\nUser-Agent: netsonde\r\nConnection: close\r\n\r\n"
		if got := <-requests; got != want {
			t.Errorf("request is %q, want %q", got, want)
		}
	}
}

func TestHTTPOverIPv6(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		lab.Skip(t, "no IPv6 on the loopback: "+err.Error())
	}
	server := serveOn(t, listener, answers("HTTP/1.1 200 OK\r\n\r\n"))
	if s := checkPort(t, patience, netsonde.KindHTTP, server); s.State != netsonde.ServiceOpen {
		t.Errorf("got %v, %q", s.State, s.Reason)
	}
}

func TestHostHeaderOnUsualPort(t *testing.T) {
	for host, want := range map[string]string{
		"web.test": "web.test", "10.0.0.1": "10.0.0.1", "::1": "[::1]", "fe80::1%eth0": "[fe80::1]",
	} {
		if got := hostHeader(host, 80, 80); got != want {
			t.Errorf("Host of %s is %q, want %q", host, got, want)
		}
	}
}

// A host that would add lines to the request is never sent.
func TestHostIsNotInjected(t *testing.T) {
	for _, host := range []string{"", "a\r\nX: y", "a b", "a\x00", "a\x7f"} {
		o := Options{DialContext: func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
			t.Errorf("connected for host %q", host)
			return nil, io.EOF
		}}
		s := checkOf(t, o, patience, netsonde.Probe{Kind: netsonde.KindHTTP}, host, netip.MustParseAddr("127.0.0.1"))
		if s.State != netsonde.ServiceFailed {
			t.Errorf("host %q: %+v", host, s)
		}
	}
}

func TestMySQL(t *testing.T) {
	const refusal = "Host '10.0.0.1' is not allowed to connect to this MySQL server"
	tests := []struct {
		name            string
		data            []byte
		version, reason string
		code            int
	}{
		{"MySQL", handshake10("8.0.36"), "8.0.36", "", 0},
		{"MariaDB", handshake10("5.5.5-10.11.6-MariaDB"), "10.11.6-MariaDB", "", 0},
		{"protocol 9", handshake9("3.20.32a"), "3.20.32a", "", 0},
		{"turned away", errorGreeting(1130, refusal), "", refusal, 1130},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			end := make(chan error, 1)
			server := serve(t, func(conn net.Conn) {
				conn.Write(test.data[:7])
				conn.Write(test.data[7:])
				n, err := conn.Read(make([]byte, 1))
				if n > 0 {
					t.Error("the check said something")
				}
				end <- err
			})
			s := checkPort(t, patience, netsonde.KindMySQL, server)
			if s.State != netsonde.ServiceOpen || s.Version != test.version || s.Code != test.code || s.Reason != test.reason {
				t.Errorf("got %+v", s)
			}
			wantPhases(t, s, false)
			if err := <-end; err != io.EOF {
				t.Errorf("the connection ended with %v, not normally", err)
			}
		})
	}
}

func TestWrongProtocol(t *testing.T) {
	const closedMidway = "connection closed in the middle of the answer"
	ssh := says("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n")
	plain := says("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n")
	reset := func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0) }
	// A server must not close on a request it has not read, or the reset may
	// overtake what it said.
	after := func(handle func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			handle(conn)
			holds(conn)
		}
	}
	tests := []struct {
		name   string
		kind   netsonde.Kind
		handle func(net.Conn)
		reason string
	}{
		{"SSH on http", netsonde.KindHTTP, after(ssh), "answer is not HTTP"},
		{"TLS on http", netsonde.KindHTTP, after(says("\x15\x03\x01\x00\x02\x02\x28")), "answer is TLS, not HTTP"},
		{"HTTP/0.9 on http", netsonde.KindHTTP, answers("<html></html>"), "answer is not HTTP"},
		{"nothing on http", netsonde.KindHTTP, answers(""), "connection closed without data"},
		{"half a status line on http", netsonde.KindHTTP, answers("HTTP/1.1 20"), closedMidway},
		{"only an interim response", netsonde.KindHTTP, answers("HTTP/1.1 100 Continue\r\n\r\n"), closedMidway},
		{"reset on http", netsonde.KindHTTP, reset, "[Errno 104] Connection reset by peer"},
		{"HTTP on https", netsonde.KindHTTPS, after(plain), "answer is not TLS"},
		{"SSH on https", netsonde.KindHTTPS, after(ssh), "answer is not TLS"},
		{"alert on https", netsonde.KindHTTPS, after(says("\x15\x03\x03\x00\x02\x02\x28")), "remote error: tls: handshake failure"},
		{"half a record on https", netsonde.KindHTTPS, func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, "\x16\x03\x03\x40")
		}, closedMidway},
		{"half a handshake message on https", netsonde.KindHTTPS, func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, "\x16\x03\x03\x00\x04\x02\x00\x00\x50")
		}, closedMidway},
		{"reset on https", netsonde.KindHTTPS, reset, "[Errno 104] Connection reset by peer"},
		{"SSH on mysql", netsonde.KindMySQL, ssh, "answer is not a MySQL greeting"},
		{"nothing on mysql", netsonde.KindMySQL, says(""), "connection closed without data"},
		{"half a greeting on mysql", netsonde.KindMySQL, says(string(handshake10("8.0.36")[:30])), closedMidway},
		{"not UTF-8 on mysql", netsonde.KindMySQL, says("\xfe\xff\x00\x80\x0a\xff\xff"), "answer is not a MySQL greeting"},
		{"version not UTF-8 on mysql", netsonde.KindMySQL, says(string(handshake10("8.0.36\xff"))), "answer is not a MySQL greeting"},
		{"blank version on mysql", netsonde.KindMySQL, says(string(handshake10("  "))), "answer is not a MySQL greeting"},
		{"reset on mysql", netsonde.KindMySQL, reset, "[Errno 104] Connection reset by peer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := checkPort(t, patience, test.kind, serve(t, test.handle))
			if s.State != netsonde.ServiceWrongProtocol || s.Reason != test.reason {
				t.Errorf("got %v, %q; want %q", s.State, s.Reason, test.reason)
			}
			if s.Code != 0 || s.Server != "" || s.Version != "" {
				t.Errorf("a slice of garbage: %+v", s)
			}
		})
	}
}

package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/lab"
)

func TestTCP(t *testing.T) {
	end := make(chan error, 1)
	server := serve(t, func(conn net.Conn) {
		n, err := conn.Read(make([]byte, 1))
		if n > 0 {
			t.Error("the check said something")
		}
		end <- err
	})
	s := checkPort(t, patience, netsonde.KindTCP, server)
	if s.State != netsonde.ServiceOpen || s.Reason != "" {
		t.Errorf("got %+v", s)
	}
	if p := s.Phases; s.RTT <= 0 || p != (netsonde.Phases{Connect: s.RTT}) {
		t.Errorf("RTT %v of phases %+v", s.RTT, p)
	}
	if err := <-end; err != io.EOF {
		t.Errorf("the connection ended with %v, not normally", err)
	}
}

func TestTCPClosed(t *testing.T) {
	s := checkPort(t, patience, netsonde.KindTCP, closedPort(t))
	if s.State != netsonde.ServiceClosed || s.Reason != "[Errno 111] Connection refused" || s.RTT != 0 {
		t.Errorf("got %+v", s)
	}
}

// The kernel answers for this machine at once; of others one has to wait.
func TestTCPWaits(t *testing.T) {
	s := checkPort(t, 100*time.Millisecond, netsonde.KindTCP, fullQueue(t))
	if s.State != netsonde.ServiceFiltered || s.Reason != "timed out" || s.RTT != 0 {
		t.Errorf("got %+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	server := fullQueue(t)
	probe := netsonde.Probe{Kind: netsonde.KindTCP, Port: server.Port()}
	s = New(Options{}).Check(ctx, &probe, "web.test", server.Addr())
	if s.State != netsonde.ServiceFailed || s.Reason != cancelled {
		t.Errorf("cancelled: got %+v", s)
	}
}

func TestTCPOverIPv6(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		lab.Skip(t, "no IPv6 on the loopback: "+err.Error())
	}
	server := serveOn(t, listener, holds)
	if s := checkPort(t, patience, netsonde.KindTCP, server); s.State != netsonde.ServiceOpen {
		t.Errorf("got %+v", s)
	}
}

func TestTCPSource(t *testing.T) {
	from := make(chan netip.Addr, 1)
	server := serve(t, func(conn net.Conn) {
		from <- netip.MustParseAddrPort(conn.RemoteAddr().String()).Addr()
	})
	probe := netsonde.Probe{Kind: netsonde.KindTCP, Port: server.Port(), Source: netip.MustParseAddr("127.0.0.2")}
	checkOf(t, Options{}, patience, probe, "web.test", server.Addr())
	if got := <-from; got != probe.Source {
		t.Errorf("connected from %v", got)
	}
	for _, wrong := range []string{"192.0.2.1", "::1"} {
		probe.Source = netip.MustParseAddr(wrong)
		if s := checkOf(t, Options{}, patience, probe, "web.test", server.Addr()); s.State != netsonde.ServiceFailed {
			t.Errorf("from %s: got %+v", wrong, s)
		}
	}
}

// A socket that the system connects with itself found no server.
func TestTCPReachedItself(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	itself := &socketConn{fd: fd}
	defer itself.Close()
	port := closedPort(t)
	own := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(port.Port())}
	if err := syscall.Bind(fd, own); err != nil {
		t.Fatal(err)
	}
	if err := itself.connect(t.Context(), netip.Addr{}, port); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
}

// A port that nobody named is no closed port.
func TestNoPort(t *testing.T) {
	o := Options{DialContext: func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
		t.Error("connected")
		return nil, io.EOF
	}}
	s := checkOf(t, o, patience, netsonde.Probe{Kind: netsonde.KindTCP}, "web.test", netip.MustParseAddr("127.0.0.1"))
	if s.State != netsonde.ServiceFailed || s.Reason != "no port to check: name one" {
		t.Errorf("got %v, %q", s.State, s.Reason)
	}
}

// closedPort is a port on which nobody listens.
func closedPort(t testing.TB) netip.AddrPort {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return netip.MustParseAddrPort(listener.Addr().String())
}

// What a sweep costs per port, the server's work included. It changes
// destinations, as a sweep does: ports to one of them run out.
func BenchmarkTCP(b *testing.B) {
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	for range 2 {
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
	}
	open := netip.MustParseAddrPort(listener.Addr().String()).Port()
	for name, port := range map[string]uint16{"open": open, "closed": closedPort(b).Port()} {
		b.Run(name, func(b *testing.B) {
			probe := netsonde.Probe{Kind: netsonde.KindTCP, Port: port}
			checker := New(Options{})
			addr := netip.MustParseAddr("127.0.0.1")
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if s := checker.Check(ctx, &probe, "web.test", addr); s.State.String() != name {
					b.Fatalf("got %+v", s)
				}
				addr = addr.Next()
			}
		})
	}
}

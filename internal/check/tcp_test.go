package check

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"

	"netsonde"
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

// What a sweep over open ports costs per port, the server's work included.
func BenchmarkTCP(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	open := netip.MustParseAddrPort(listener.Addr().String())
	for name, server := range map[string]netip.AddrPort{"open": open, "closed": closedPort(b)} {
		probe := netsonde.Probe{Kind: netsonde.KindTCP, Port: server.Port()}
		checker := New(Options{})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), patience)
				checker.Check(ctx, &probe, "web.test", server.Addr())
				cancel()
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.SetParallelism(64)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ctx, cancel := context.WithTimeout(b.Context(), patience)
					checker.Check(ctx, &probe, "web.test", server.Addr())
					cancel()
				}
			})
		})
	}
}

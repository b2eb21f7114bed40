package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/lab"
)

// resetting is a checker whose connections end with a reset, and what checks a
// port with it.
func resetting(t *testing.T) (*Checker, func(timeout time.Duration, source string, port netip.AddrPort) netsonde.Service) {
	checker := New(Options{Reset: true})
	t.Cleanup(func() {
		if err := checker.Close(); err != nil {
			t.Error(err)
		}
	})
	return checker, func(timeout time.Duration, source string, port netip.AddrPort) netsonde.Service {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		probe := netsonde.Probe{Kind: netsonde.KindTCP, Port: port.Port()}
		if source != "" {
			probe.Source = netip.MustParseAddr(source)
		}
		return checker.Check(ctx, &probe, "web.test", port.Addr())
	}
}

// wantSpares fails the test unless so many sockets of each family are kept.
func wantSpares(t *testing.T, c *Checker, four, six int) {
	t.Helper()
	if got := [2]int{len(c.spares.kept[0]), len(c.spares.kept[1])}; got != [2]int{four, six} {
		t.Errorf("%v sockets are kept, want %d and %d", got, four, six)
	}
}

// A reset leaves nothing behind on either side, also of a socket that has been
// used before, and each connection is one of its own.
func TestReset(t *testing.T) {
	type end struct {
		from string
		err  error
	}
	ends := make(chan end, 1)
	tell := func(conn net.Conn) {
		_, err := conn.Read(make([]byte, 1))
		ends <- end{conn.RemoteAddr().String(), err}
	}
	server, closed := serve(t, tell), closedPort(t)
	checker, check := resetting(t)
	ports := map[string]bool{}
	const checks = 4
	for range checks {
		if s := check(patience, "", server); s.State != netsonde.ServiceOpen || s.RTT <= 0 {
			t.Fatalf("got %+v", s)
		}
		end := <-ends
		if !errors.Is(end.err, syscall.ECONNRESET) {
			t.Errorf("the connection ended with %v", end.err)
		}
		ports[end.from] = true
		if s := check(patience, "", closed); s.State != netsonde.ServiceClosed || s.Reason != "[Errno 111] Connection refused" {
			t.Errorf("closed: got %+v", s)
		}
		wantSpares(t, checker, 1, 0)
	}
	if len(ports) != checks {
		t.Errorf("connections came from %v", ports)
	}
	// A socket that has an address of its own keeps it.
	if s := check(patience, "127.0.0.2", server); s.State != netsonde.ServiceOpen {
		t.Errorf("got %+v", s)
	}
	if end := <-ends; !errors.Is(end.err, syscall.ECONNRESET) || end.from[:len("127.0.0.2:")] != "127.0.0.2:" {
		t.Errorf("with a source: the connection of %s ended with %v", end.from, end.err)
	}
	wantSpares(t, checker, 1, 0)

	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		lab.Skip(t, "no IPv6 on the loopback: "+err.Error())
	}
	six := serveOn(t, listener, tell)
	for range checks {
		if s := check(patience, "", six); s.State != netsonde.ServiceOpen {
			t.Errorf("IPv6: got %+v", s)
		}
		if end := <-ends; !errors.Is(end.err, syscall.ECONNRESET) {
			t.Errorf("IPv6: the connection ended with %v", end.err)
		}
		wantSpares(t, checker, 1, 1)
	}
}

// A socket that has been waited for is as good as another, and one that was
// waited for in vain is not used again.
func TestResetAfterWaiting(t *testing.T) {
	t.Parallel()
	checker, check := resetting(t)
	server, listener := openFullQueue(t)
	// The kernel repeats its SYN after a second.
	room := time.AfterFunc(50*time.Millisecond, func() {
		if fd, _, err := syscall.Accept(listener); err == nil {
			syscall.Close(fd)
		}
	})
	defer room.Stop()
	if s := check(patience, "", server); s.State != netsonde.ServiceOpen || s.RTT < 100*time.Millisecond {
		t.Fatalf("got %+v", s)
	}
	wantSpares(t, checker, 1, 0)
	if checker.spares.kept[0][0].file == nil {
		t.Error("nobody has waited")
	}
	if s := check(patience, "", serve(t, holds)); s.State != netsonde.ServiceOpen {
		t.Errorf("got %+v", s)
	}
	wantSpares(t, checker, 1, 0)
	if s := check(100*time.Millisecond, "", fullQueue(t)); s.State != netsonde.ServiceFiltered || s.Reason != timedOut {
		t.Errorf("got %+v", s)
	}
	wantSpares(t, checker, 0, 0)
}

// Nothing is left open, and nothing is kept that comes back afterwards.
func TestCloseClosesSpares(t *testing.T) {
	checker, check := resetting(t)
	server := serve(t, holds)
	check(patience, "", server)
	wantSpares(t, checker, 1, 0)
	fd := checker.spares.kept[0][0].fd
	if err := checker.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Getpeername(fd); !errors.Is(err, unix.EBADF) {
		t.Errorf("the socket: %v", err)
	}
	wantSpares(t, checker, 0, 0)
	if s := check(patience, "", server); s.State != netsonde.ServiceOpen {
		t.Errorf("got %+v", s)
	}
	wantSpares(t, checker, 0, 0)
}

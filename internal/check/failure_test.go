package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde"
)

// refuses is a network in which every connection fails with err.
func refuses(err error) Options {
	return Options{DialContext: func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
		return nil, err
	}}
}

func TestConnectFailures(t *testing.T) {
	connect := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	tests := []struct {
		err    error
		state  netsonde.ServiceState
		reason string
	}{
		{connect(syscall.ECONNREFUSED), netsonde.ServiceClosed, "[Errno 111] Connection refused"},
		{connect(syscall.EHOSTUNREACH), netsonde.ServiceFiltered, "[Errno 113] No route to host"},
		{connect(syscall.ENETUNREACH), netsonde.ServiceFiltered, "[Errno 101] Network is unreachable"},
		{connect(syscall.EACCES), netsonde.ServiceFiltered, "[Errno 13] Permission denied"},
		{connect(syscall.ETIMEDOUT), netsonde.ServiceFiltered, "[Errno 110] Connection timed out"},
		{connect(syscall.ENOPROTOOPT), netsonde.ServiceFiltered, "[Errno 92] Protocol not available"},
		{os.ErrDeadlineExceeded, netsonde.ServiceFiltered, "timed out"},
		{fmt.Errorf("dial: %w", context.DeadlineExceeded), netsonde.ServiceFiltered, "timed out"},
		{connect(syscall.ECONNRESET), netsonde.ServiceWrongProtocol, "[Errno 104] Connection reset by peer"},
		{connect(syscall.EADDRNOTAVAIL), netsonde.ServiceFailed, "[Errno 99] Cannot assign requested address"},
		{connect(syscall.ENOBUFS), netsonde.ServiceFailed, "[Errno 105] No buffer space available"},
		{connect(syscall.EPERM), netsonde.ServiceFailed, "[Errno 1] Operation not permitted"},
		{connect(syscall.EAFNOSUPPORT), netsonde.ServiceFailed, "[Errno 97] Address family not supported by protocol"},
		{errors.New("mismatched local address type"), netsonde.ServiceFailed, "mismatched local address type"},
		{errors.New(strings.Repeat("x", 1000)), netsonde.ServiceFailed, strings.Repeat("x", 256)},
	}
	for _, test := range tests {
		s := checkOf(t, refuses(test.err), patience, netsonde.Probe{Kind: netsonde.KindMySQL}, "web.test", netip.MustParseAddr("192.0.2.1"))
		if s.State != test.state || s.Reason != test.reason {
			t.Errorf("%v: got %v, %q; want %v, %q", test.err, s.State, s.Reason, test.state, test.reason)
		}
		if s.RTT != 0 || s.Phases != (netsonde.Phases{}) || s.Port != 3306 {
			t.Errorf("%v: %+v", test.err, s)
		}
	}
}

// The kernel itself refuses the first files: the process may have no more.
func TestWaitsForFiles(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
	var refused time.Time
	attempts := 0
	o := Options{DialContext: func(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
		if attempts++; attempts > 3 {
			return dialSystem(ctx, source, destination)
		}
		defer restore()
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1, Max: limit.Max}); err != nil {
			t.Error(err)
		}
		conn, err := dialSystem(ctx, source, destination)
		refused = time.Now()
		return conn, err
	}}
	server := serve(t, says(string(handshake10("8.0.36"))))
	probe := netsonde.Probe{Kind: netsonde.KindMySQL, Port: server.Port()}
	s := checkOf(t, o, patience, probe, "web.test", server.Addr())
	if s.State != netsonde.ServiceOpen || attempts != 4 {
		t.Errorf("%v, %q after %d attempts", s.State, s.Reason, attempts)
	}
	if s.Started.Before(refused) || s.RTT > time.Since(refused) {
		t.Errorf("started %v before the last refusal, RTT %v", refused.Sub(s.Started), s.RTT)
	}
	wantPhases(t, s, false)
}

func TestFilesNeverFree(t *testing.T) {
	for errno, reason := range map[syscall.Errno]string{
		syscall.EMFILE: "[Errno 24] Too many open files",
		syscall.ENFILE: "[Errno 23] Too many open files in system",
	} {
		o := refuses(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", errno)})
		s := checkOf(t, o, 50*time.Millisecond, netsonde.Probe{Kind: netsonde.KindMySQL}, "web.test", netip.MustParseAddr("192.0.2.1"))
		if s.State != netsonde.ServiceFailed || s.Reason != reason {
			t.Errorf("got %v, %q; want %q", s.State, s.Reason, reason)
		}
	}
}

func TestClosedPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := netip.MustParseAddrPort(listener.Addr().String())
	listener.Close()
	s := checkPort(t, patience, netsonde.KindHTTP, server)
	if s.State != netsonde.ServiceClosed || s.Reason != "[Errno 111] Connection refused" {
		t.Errorf("got %v, %q", s.State, s.Reason)
	}
}

func TestFilteredPort(t *testing.T) {
	s := checkPort(t, 300*time.Millisecond, netsonde.KindHTTP, fullQueue(t))
	if s.State != netsonde.ServiceFiltered || s.Reason != "timed out" || s.Phases.Connect != 0 {
		t.Errorf("got %+v", s)
	}
}

// fullQueue is a listener whose queue is full: it lets further connections
// wait unanswered, as a firewall does that drops.
func fullQueue(t *testing.T) netip.AddrPort {
	t.Helper()
	server, _ := openFullQueue(t)
	return server
}

// openFullQueue is fullQueue that also tells the descriptor that listens.
func openFullQueue(t *testing.T) (server netip.AddrPort, fd int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(
		syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
		syscall.Listen(fd, 0),
	); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	server = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*syscall.SockaddrInet4).Port))
	queued, err := net.Dial("tcp", server.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queued.Close() })
	return server, fd
}

func TestSilentServer(t *testing.T) {
	for _, kind := range []netsonde.Kind{netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL, netsonde.KindTLS, netsonde.KindSSH} {
		s := checkPort(t, 500*time.Millisecond, kind, serve(t, holds))
		if s.State != netsonde.ServiceWrongProtocol || s.Reason != "timed out" {
			t.Errorf("%v: got %v, %q", kind, s.State, s.Reason)
		}
		if s.Phases.Connect <= 0 || s.RTT != 0 {
			t.Errorf("%v: %+v", kind, s)
		}
	}
}

// A check that we end ourselves says nothing about the target.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(conn net.Conn) {
		readRequest(conn)
		cancel()
		holds(conn)
	})
	probe := netsonde.Probe{Kind: netsonde.KindHTTP, Port: server.Port()}
	for _, moment := range []string{"while it waits", "before it starts"} {
		s := New(Options{}).Check(ctx, &probe, "web.test", server.Addr())
		if s.State != netsonde.ServiceFailed || !strings.HasPrefix(s.Reason, "cancelled") {
			t.Errorf("%s: got %v, %q", moment, s.State, s.Reason)
		}
	}
}

func TestDeadlinePassedBeforeStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	probe := netsonde.Probe{Kind: netsonde.KindHTTP}
	s := New(Options{}).Check(ctx, &probe, "web.test", netip.MustParseAddr("127.0.0.1"))
	if s.State != netsonde.ServiceFailed {
		t.Errorf("got %v, %q", s.State, s.Reason)
	}
}

func TestNoServiceCheck(t *testing.T) {
	probe := netsonde.Probe{Kind: netsonde.KindPing}
	s := New(Options{}).Check(t.Context(), &probe, "web.test", netip.MustParseAddr("127.0.0.1"))
	if s.State != netsonde.ServiceFailed || s.Reason != "no such service check: ping" {
		t.Errorf("got %v, %q", s.State, s.Reason)
	}
}

func TestSource(t *testing.T) {
	from := make(chan string, 1)
	server := serve(t, func(conn net.Conn) {
		from <- netip.MustParseAddrPort(conn.RemoteAddr().String()).Addr().String()
		conn.Write(handshake10("8.0.36"))
	})
	probe := netsonde.Probe{Kind: netsonde.KindMySQL, Port: server.Port(), Source: netip.MustParseAddr("127.0.0.2")}
	if s := checkOf(t, Options{}, patience, probe, "web.test", server.Addr()); s.State != netsonde.ServiceOpen {
		t.Fatalf("got %v, %q", s.State, s.Reason)
	}
	if got := <-from; got != "127.0.0.2" {
		t.Errorf("connected from %s", got)
	}
	for _, wrong := range []string{"192.0.2.1", "::1"} {
		probe.Source = netip.MustParseAddr(wrong)
		if s := checkOf(t, Options{}, patience, probe, "web.test", server.Addr()); s.State != netsonde.ServiceFailed {
			t.Errorf("from %s: got %v, %q", wrong, s.State, s.Reason)
		}
	}
}

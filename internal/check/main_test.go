package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"netsonde"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every connection to a new port of the loopback with handle,
// until the test ends. It closes what handle leaves open.
func serve(t *testing.T, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, listener, handle)
}

// serveOn is serve on a listener, which it closes.
func serveOn(t *testing.T, listener net.Listener, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				// A test that takes all files from the process takes them from
				// its server too.
				continue
			}
			running.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { conn.Close() })()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		listener.Close()
		running.Wait()
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

// says is a server that says a text and closes.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) { io.WriteString(conn, text) }
}

// answers is a server that reads a request to its empty line, says a text and
// closes.
func answers(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, text)
	}
}

// readRequest reads up to the first empty line, or the end.
func readRequest(conn net.Conn) string {
	var request []byte
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			return string(request)
		}
		request = append(request, b[0])
		if n := len(request); n >= 4 && string(request[n-4:]) == "\r\n\r\n" {
			return string(request)
		}
	}
}

// holds is a server that says nothing and keeps the connection.
func holds(conn net.Conn) { io.Copy(io.Discard, conn) }

// patience is a deadline that a check which is answered never meets.
const patience = 20 * time.Second

// checkOf runs one check with a deadline and fails the test if it overstays.
func checkOf(t *testing.T, o Options, timeout time.Duration, probe netsonde.Probe, host string, addr netip.Addr) netsonde.Service {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	started := time.Now()
	service := New(o).Check(ctx, &probe, host, addr)
	// Scheduling on a busy machine may take long, a hang takes for ever.
	if over := time.Since(started) - timeout; over > 5*time.Second {
		t.Errorf("ended %v after its deadline", over)
	}
	if service.Probe != probe.ID || service.Kind != probe.Kind || service.Addr != addr || service.Started.Before(started) {
		t.Errorf("result does not name its check: %+v", service)
	}
	return service
}

// checkPort is checkOf against a server's port, with a probe's defaults.
func checkPort(t *testing.T, timeout time.Duration, kind netsonde.Kind, server netip.AddrPort) netsonde.Service {
	t.Helper()
	probe := netsonde.Probe{ID: 7, Kind: kind, Port: server.Port()}
	return checkOf(t, Options{}, timeout, probe, "web.test", server.Addr())
}

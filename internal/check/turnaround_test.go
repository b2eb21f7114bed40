package check

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"netsonde"
)

// starved is a connection of a process that sleeps before or after it reads.
type starved struct {
	*socketConn
	before, after time.Duration
}

func (s *starved) Read(p []byte) (int, error) {
	time.Sleep(s.before)
	n, err := s.socketConn.Read(p)
	time.Sleep(s.after)
	s.before, s.after = 0, 0
	return n, err
}

// starving has every check's process sleep so long.
func starving(before, after time.Duration) Options {
	return Options{DialContext: func(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
		conn, err := dialSystem(ctx, source, destination)
		if err != nil {
			return nil, err
		}
		return &starved{conn.(*socketConn), before, after}, nil
	}}
}

// A check whose process does not get to what the kernel has for it says nothing
// of the service; one whose server is silent does, however late it is noticed.
func TestUnservedChecksAreOurs(t *testing.T) {
	const timeout, asleep = 800 * time.Millisecond, 1100 * time.Millisecond
	certificate := newAuthority(t).issue(t, webTest(), newKey(t))
	secure := func(conn net.Conn) {
		server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
		_ = server.Handshake() // a client that is too late ends it
		holds(conn)
	}
	greets := func(conn net.Conn) {
		conn.Write(handshake10("8.4.0"))
		holds(conn)
	}
	half := func(conn net.Conn) {
		conn.Write(handshake10("8.4.0")[:7])
		holds(conn)
	}
	late := func(conn net.Conn) {
		time.Sleep(timeout + 100*time.Millisecond)
		greets(conn)
	}
	for _, test := range []struct {
		name          string
		kind          netsonde.Kind
		serve         func(net.Conn)
		before, after time.Duration
		state         netsonde.ServiceState
	}{
		{"an answer that stands unread", netsonde.KindMySQL, greets, asleep, 0, netsonde.ServiceStalled},
		{"an end that stands unread", netsonde.KindMySQL, says(""), asleep, 0, netsonde.ServiceStalled},
		{"our own words too late", netsonde.KindHTTPS, secure, 0, asleep, netsonde.ServiceStalled},
		{"silence", netsonde.KindMySQL, holds, asleep, 0, netsonde.ServiceWrongProtocol},
		{"silence after half an answer", netsonde.KindMySQL, half, 0, asleep, netsonde.ServiceWrongProtocol},
		{"an answer after the deadline", netsonde.KindMySQL, late, asleep, 0, netsonde.ServiceWrongProtocol},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, test.serve)
			probe := netsonde.Probe{Kind: test.kind, Port: server.Port()}
			s := checkOf(t, starving(test.before, test.after), timeout, probe, "web.test", server.Addr())
			if s.State != test.state {
				t.Errorf("got %v, %q; want %v", s.State, s.Reason, test.state)
			}
		})
	}
}

// A connection that was made in time and noticed too late is ours, a refusal
// that was noticed too late is one.
func TestOversleptConnections(t *testing.T) {
	const timeout = 200 * time.Millisecond
	listener := serve(t, holds)
	for name, test := range map[string]struct {
		to   netip.AddrPort
		want error
	}{"open": {listener, errUnserved}, "closed": {closedPort(t), errors.New("connect: connection refused")}} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		conn, err := openUnconnected(test.to)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		startConnect(conn.fd, test.to)
		<-ctx.Done()
		time.Sleep(timeout)
		if err := conn.overslept(ctx); err == nil || err.Error() != test.want.Error() {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	state, _ := connectFailure(t.Context(), errUnserved)
	if state != netsonde.ServiceStalled {
		t.Errorf("got %v, want stalled", state)
	}
}

// Package check runs the service checks: it connects to a port, speaks as
// little of the service's protocol as shows that it is spoken there, and says
// what was found and how long it took.
//
// Whatever a server does, a check ends soon after its context and reads at
// most [ReadLimit] bytes. What the server said is cut to length and otherwise
// handed on as it came, control bytes and invalid UTF-8 included: whoever
// prints it escapes it.
package check

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"netsonde"
)

// DialContext opens a connection to destination. A valid source is the local
// address to connect from. It must return soon after ctx ends, and its errors
// should wrap the syscall.Errno of the failure, by which closed, filtered and
// failed are told apart. Only of the system's network is it known whether a
// router said that there is no way, or this machine itself.
type DialContext func(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error)

// Options are what a Checker works with. The zero value is the system's network
// and its trusted authorities.
type Options struct {
	// DialContext opens TCP connections; nil dials through the system.
	DialContext DialContext
	// DialDatagram opens connected UDP sockets; nil dials through the system.
	DialDatagram DialContext
	// RootCAs are the authorities against which certificates are reported; nil
	// means the system's.
	RootCAs *x509.CertPool
	// Reset ends what only tells whether a port is open by a reset, which leaves
	// neither side with a connection that lingers. The service sees a reset
	// instead of an ordinary end.
	Reset bool
}

// Checker runs service checks. It may be used by many goroutines at once. With
// Options.Reset it keeps some sockets between checks, and nothing otherwise.
type Checker struct {
	dial         DialContext
	dialDatagram DialContext
	// attempt opens connections that are only closed again.
	attempt DialContext
	spares  spares
	roots   *x509.CertPool
	tls     *tls.Config
}

// New returns a checker.
func New(o Options) *Checker {
	c := &Checker{
		dial: o.DialContext, dialDatagram: o.DialDatagram, attempt: o.DialContext,
		roots: o.RootCAs, tls: clientConfig(),
	}
	if c.dial == nil {
		c.dial, c.attempt = dialSystem, attemptSystem
		if o.Reset {
			c.attempt = c.spares.attempt
		}
	}
	if c.dialDatagram == nil {
		c.dialDatagram = dialSystemDatagram
	}
	return c
}

// Close closes the sockets that are kept. Checks that still run close their own.
func (c *Checker) Close() error { return c.spares.close() }

// Check runs one check of the kind that the probe names, against its port, or
// the kind's own port if it is 0, and asks what the probe's parameters say.
// host is the name as typed: unless the parameters have another it goes into
// SNI and the Host header, and certificates are judged by it. The context must
// have a deadline, since nothing else bounds the time.
//
// The result tells everything, failures of this machine included, but its
// round, which the caller knows. A server that spoke its protocol and then
// stalled or hung up is open: what it had said until then is kept. One that
// spoke it but said something else than the parameters want is
// [netsonde.ServiceWrongAnswer]; what it said is kept there too.
//
// As long as this process has no file descriptor to spare, connecting waits
// for one until the context ends; the check starts with the attempt that had one.
//
// The connection is closed without lingering options and without TLS's
// close_notify: the service sees an ordinary end, or a reset if it had sent
// more than was needed. Options.Reset makes an exception.
//
// A check that ran out of time because this process did not get to what the
// kernel had for it is [netsonde.ServiceStalled]: that says nothing of the
// service, and the check may be run again.
func (c *Checker) Check(ctx context.Context, probe *netsonde.Probe, host string, addr netip.Addr) netsonde.Service {
	service := netsonde.Service{
		Probe: probe.ID, Kind: probe.Kind, Addr: addr, Port: probe.Port,
		Started: time.Now(), State: netsonde.ServiceFailed,
	}
	if service.Port == 0 {
		service.Port = probe.Kind.Port()
	}
	talk := c.conversation(probe.Kind)
	if service.Reason = refusal(probe, talk, &service, host); service.Reason != "" {
		return service
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		// Silence that nobody could have broken says nothing about the target.
		service.Reason = notRun
		return service
	}

	dial := c.dial
	switch probe.Kind {
	case netsonde.KindDNS:
		dial = c.dialDatagram
	case netsonde.KindTCP:
		dial = c.attempt
	}
	conn, err := connect(ctx, dial, probe.Source, &service)
	if err != nil {
		service.State, service.Reason = connectFailure(ctx, err)
		return service
	}
	defer conn.Close()
	now := time.Now()
	service.Phases.Connect = now.Sub(service.Started)
	if probe.Kind == netsonde.KindTCP {
		service.State, service.RTT = netsonde.ServiceOpen, service.Phases.Connect
		return service
	}

	defer endWith(ctx, conn)()
	limited := &limitedConn{Conn: conn, left: ReadLimit, turnaround: turnaroundOf(conn)}
	x := &exchange{conn: limited, transport: limited, service: &service, host: host, source: probe.Source, phase: now}
	if probe.Check != nil {
		x.asked = *probe.Check
		x.host = cmp.Or(probe.Check.ServerName, host)
	} else {
		x.asked.Method = http.MethodHead
	}
	talk(ctx, x)
	return service
}

// refusal says why a check cannot be run, "" when it can.
func refusal(probe *netsonde.Probe, talk conversation, service *netsonde.Service, host string) string {
	switch {
	case talk == nil && probe.Kind != netsonde.KindTCP:
		return "no such service check: " + probe.Kind.String()
	case service.Port == 0:
		return "no port to check: name one"
	case !speakable(host):
		return "host name holds white space or control characters"
	case probe.Source.IsValid() && probe.Source.Is4() != service.Addr.Is4():
		return "source address is not of the family of " + service.Addr.String()
	case probe.Check == nil:
		return ""
	default:
		return unspeakable(probe.Check)
	}
}

// endWith has all reads and writes of a connection fail once ctx ends, until
// it is told to stop.
func endWith(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		// A deadline in the past fails every read and write, also those that wait.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
}

// conversation is what is said to a service once there is a connection.
type conversation func(context.Context, *exchange)

// conversation returns the kind's, nil if nothing is said to it.
func (c *Checker) conversation(kind netsonde.Kind) conversation {
	switch kind {
	case netsonde.KindHTTP:
		return checkHTTP
	case netsonde.KindHTTPS:
		return c.checkHTTPS
	case netsonde.KindMySQL:
		return checkMySQL
	case netsonde.KindTLS:
		return c.checkTLS
	case netsonde.KindDNS:
		return c.checkDNS
	case netsonde.KindSSH:
		return checkSSH
	default:
		return nil
	}
}

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
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"netsonde"
)

// DialContext opens a TCP connection to destination. A valid source is the
// local address to connect from. It must return soon after ctx ends, and its
// errors should wrap the syscall.Errno of the failure, by which closed,
// filtered and failed are told apart.
type DialContext func(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error)

// Options are what a Checker works with. The zero value is the system's network
// and its trusted authorities.
type Options struct {
	// DialContext opens connections; nil dials through the system.
	DialContext DialContext
	// RootCAs are the authorities against which certificates are reported; nil
	// means the system's.
	RootCAs *x509.CertPool
}

// Checker runs service checks. It holds nothing between them and may be used
// by many goroutines at once.
type Checker struct {
	dial  DialContext
	roots *x509.CertPool
	tls   *tls.Config
}

// New returns a checker.
func New(o Options) *Checker {
	if o.DialContext == nil {
		o.DialContext = dialSystem
	}
	return &Checker{dial: o.DialContext, roots: o.RootCAs, tls: clientConfig()}
}

// Check runs one check of the kind that the probe names, against its port, or
// the kind's own port if it is 0. host is the name as typed: it goes into SNI
// and the Host header, and certificates are judged by it. The context must
// have a deadline, since nothing else bounds the time.
//
// The result tells everything, failures of this machine included, but its
// round, which the caller knows. A server that spoke its protocol and then
// stalled or hung up is open: what it had said until then is kept.
//
// As long as this process has no file descriptor to spare, connecting waits
// for one until the context ends; the check starts with the attempt that had one.
//
// The connection is closed without lingering options and without TLS's
// close_notify: the service sees an ordinary end, or a reset if it had sent
// more than was needed.
func (c *Checker) Check(ctx context.Context, probe *netsonde.Probe, host string, addr netip.Addr) netsonde.Service {
	service := netsonde.Service{
		Probe: probe.ID, Kind: probe.Kind, Addr: addr, Port: probe.Port,
		Started: time.Now(), State: netsonde.ServiceFailed,
	}
	if service.Port == 0 {
		service.Port = probe.Kind.Port()
	}
	talk := c.conversation(probe.Kind)
	switch {
	case talk == nil:
		service.Reason = "no such service check: " + probe.Kind.String()
		return service
	case !speakable(host):
		service.Reason = "host name holds white space or control characters"
		return service
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		// Silence that nobody could have broken says nothing about the target.
		service.Reason = "not run before its deadline"
		return service
	}

	conn, err := c.connect(ctx, probe.Source, &service)
	if err != nil {
		service.State, service.Reason = connectFailure(ctx, err)
		return service
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() {
		// A deadline in the past fails every read and write, also those that wait.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})()
	now := time.Now()
	service.Phases.Connect = now.Sub(service.Started)

	limited := &limitedConn{Conn: conn, left: ReadLimit}
	talk(ctx, &exchange{conn: limited, transport: limited, service: &service, phase: now}, host)
	return service
}

// filePause is the wait between attempts to get a file descriptor. Other
// checks, which hold them, take milliseconds.
const filePause = 5 * time.Millisecond

// connect dials until it fails for another reason than a lack of file
// descriptors, which says nothing about the service. The last attempt is where
// the check starts.
func (c *Checker) connect(ctx context.Context, source netip.Addr, service *netsonde.Service) (net.Conn, error) {
	for {
		service.Started = time.Now()
		conn, err := c.dial(ctx, source, netip.AddrPortFrom(service.Addr, service.Port))
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(filePause):
		}
	}
}

// conversation returns what is said to a service of this kind, nil if the kind
// is no service check.
func (c *Checker) conversation(kind netsonde.Kind) func(context.Context, *exchange, string) {
	switch kind {
	case netsonde.KindHTTP:
		return checkHTTP
	case netsonde.KindHTTPS:
		return c.checkHTTPS
	case netsonde.KindMySQL:
		return checkMySQL
	default:
		return nil
	}
}

// speakable reports whether a host name can stand in a request without
// breaking out of its line.
func speakable(host string) bool {
	for i := range len(host) {
		if host[i] <= ' ' || host[i] == 0x7f {
			return false
		}
	}
	return host != ""
}

// dialSystem connects through the system's network.
func dialSystem(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	// A connection that lives a second needs no keepalive.
	dialer := net.Dialer{KeepAlive: -1}
	if source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	return dialer.DialContext(ctx, "tcp", destination.String())
}

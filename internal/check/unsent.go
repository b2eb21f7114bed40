package check

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
)

// unsentError is why nothing has left this machine. It says nothing of the
// service.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

// owned marks an error of a connection of the system's that this machine had
// no way out for. The numbers are those of the ICMP errors that routers send,
// so the route is asked.
func owned(err error, source netip.Addr, destination netip.AddrPort) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && mayBeOurs(errno) && unrouted(source, destination) {
		return unsentError{err}
	}
	return err
}

// mayBeOurs reports whether Linux gives the error both where a route is missing
// or forbids to send and where a router says so of its own (icmp_err_convert,
// icmpv6_err_convert; ip-route(8) on unreachable, prohibit and throw).
func mayBeOurs(errno syscall.Errno) bool {
	return errno == syscall.ENETUNREACH || errno == syscall.EHOSTUNREACH || errno == syscall.EACCES
}

// unrouted reports whether this machine has no way to a destination. To connect
// a UDP socket looks up the route that TCP takes, and sends nothing.
func unrouted(source netip.Addr, destination netip.AddrPort) bool {
	conn, err := dialSystemDatagram(context.Background(), source, destination)
	if err != nil {
		// Without a file nothing was asked.
		return !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE)
	}
	// Nothing was written.
	_ = conn.Close()
	return false
}

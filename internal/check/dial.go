package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
)

// dialSystem connects through the system's network for a conversation.
func dialSystem(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	if foreign(source, destination) {
		return dialForeign(ctx, source, destination)
	}
	conn, err := openSocket(ctx, source, destination)
	if err != nil {
		// Not a nil pointer in an interface.
		return nil, err
	}
	// What is said goes out at once, as package net has it. A failure would only
	// make a check slower.
	_ = unix.SetsockoptInt(conn.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	conn.poll()
	return conn, nil
}

// dialForeign connects through package net.
func dialForeign(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	// A connection that lives a second needs no keepalive.
	dialer := net.Dialer{KeepAlive: -1}
	conn, err := dialer.DialTCP(ctx, "tcp", local(source), destination)
	if err != nil {
		// Not a nil pointer in an interface.
		return nil, owned(err, source, destination)
	}
	return conn, nil
}

// dialSystemDatagram opens a UDP socket of the system's that is connected, so
// that it receives from its destination only, and ICMP errors too.
func dialSystemDatagram(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialUDP(ctx, "udp", local(source), destination)
	if err != nil {
		return nil, unsentError{err}
	}
	return conn, nil
}

// local is a source address with any port, or nothing.
func local(source netip.Addr) netip.AddrPort {
	if !source.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(source, 0)
}

// filePause is the wait between attempts to get a file descriptor. Other
// checks, which hold them, take milliseconds.
const filePause = 5 * time.Millisecond

// connect dials until it fails for another reason than a lack of file
// descriptors, which says nothing about the service. The last attempt is where
// the check starts.
func connect(ctx context.Context, dial DialContext, source netip.Addr, service *netsonde.Service) (net.Conn, error) {
	for {
		service.Started = time.Now()
		conn, err := dial(ctx, source, netip.AddrPortFrom(service.Addr, service.Port))
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

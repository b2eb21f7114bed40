package doctor

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// tryTCP connects to a port of this machine that listens for it.
func tryTCP(ctx context.Context, to netip.Addr, wait time.Duration) (a Attempt) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", netip.AddrPortFrom(to, 0).String())
	if err != nil {
		a.OpenErrno = errnoOf(err)
		return a
	}
	defer listener.Close()
	start := time.Now()
	dialler := net.Dialer{Timeout: wait}
	connection, err := dialler.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return a // a firewall's refusal and its silence are one here
	}
	a.Answered, a.RTT = true, time.Since(start)
	connection.Close()
	return a
}

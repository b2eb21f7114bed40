package httpd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// The bounds of one request. Clients that are slower, or say more, are cut off.
const (
	headerTime  = 5 * time.Second
	readTime    = 10 * time.Second
	writeTime   = 30 * time.Second
	idleTime    = time.Minute
	headerBytes = 16 << 10
	// closingTime is how long requests that run at the end may take.
	closingTime = 2 * time.Second
)

// Listener is an open TCP port that does not answer yet.
type Listener struct {
	tcp  net.Listener
	name string
}

// Listen opens a port at "host:port"; the port 0 is any that is free. Close or
// Serve must be called. The error names the address.
func Listen(ctx context.Context, address string) (*Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: give it as host:port, such as 127.0.0.1:8080: %w", address, err)
	}
	var config net.ListenConfig
	tcp, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q (choose another port, or none): %w", address, err)
	}
	l := &Listener{tcp: tcp}
	if _, err := netip.ParseAddr(host); err != nil {
		l.name = host
	}
	return l, nil
}

// URL is where a browser on this machine finds the listener, "http://…/".
func (l *Listener) URL() string {
	at, err := netip.ParseAddrPort(l.tcp.Addr().String())
	if err != nil {
		return "http://" + l.tcp.Addr().String() + "/"
	}
	address := at.Addr().Unmap()
	if address.IsUnspecified() {
		// A listener on all addresses has this one as well.
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return "http://" + netip.AddrPortFrom(address, at.Port()).String() + "/"
}

// Loopback reports whether only this machine can reach the listener.
func (l *Listener) Loopback() bool {
	at, err := netip.ParseAddrPort(l.tcp.Addr().String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// Close closes a listener that was not served.
func (l *Listener) Close() error { return l.tcp.Close() }

// Serve answers with the handler, behind Guard, until ctx ends, and closes the
// listener. It returns nil when ctx ended it.
func (l *Listener) Serve(ctx context.Context, handler http.Handler) error {
	server := &http.Server{
		Handler:           Guard(handler, l.name),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l.tcp) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve HTTP on %s: %w", l.tcp.Addr(), err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err := server.Shutdown(closing)
	if err != nil {
		// What still runs is cut off.
		err = server.Close()
	}
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	if err != nil {
		return fmt.Errorf("close HTTP on %s: %w", l.tcp.Addr(), err)
	}
	return nil
}

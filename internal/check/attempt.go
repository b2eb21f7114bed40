package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// attemptSystem connects through the system's network for a check that only
// wants to know whether that works: the connection can be closed and nothing
// else. A sweep over thousands of ports pays for each; where the answer is
// there at once, as from this machine, package net's poller and the questions
// it asks of a socket cost as much as the connection.
func attemptSystem(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	if addr := destination.Addr(); addr.Zone() != "" || addr.Is4In6() || source.Zone() != "" {
		return dialSystem(ctx, source, destination)
	}
	family := unix.AF_INET6
	if destination.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	attempt := &socketAttempt{fd: fd}
	if err := attempt.connect(ctx, source, destination); err != nil {
		return nil, errors.Join(owned(err, source, destination), attempt.Close())
	}
	return attempt, nil
}

// socketAttempt is a connection of which only Close works.
type socketAttempt struct {
	net.Conn
	fd int
	// file owns fd once the runtime waits for it.
	file *os.File
}

// Close closes the socket.
func (a *socketAttempt) Close() error {
	if a.file != nil {
		return a.file.Close()
	}
	return os.NewSyscallError("close", unix.Close(a.fd))
}

// connect returns once there is a connection, or why there is none.
func (a *socketAttempt) connect(ctx context.Context, source netip.Addr, destination netip.AddrPort) error {
	if source.IsValid() {
		if err := unix.Bind(a.fd, socketAddress(netip.AddrPortFrom(source, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	err := unix.Connect(a.fd, socketAddress(destination))
	if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR) {
		if !decided(a.fd) {
			if err := a.wait(ctx); err != nil {
				return err
			}
		}
		err = nil
		if errno, failed := unix.GetsockoptInt(a.fd, unix.SOL_SOCKET, unix.SO_ERROR); failed != nil {
			err = failed
		} else if errno != 0 {
			err = unix.Errno(errno)
		}
	}
	if err == nil && a.reachedItself(destination) {
		err = unix.ECONNREFUSED
	}
	return os.NewSyscallError("connect", err)
}

// wait returns when the connection is decided, or with an error when ctx ends.
func (a *socketAttempt) wait(ctx context.Context) error {
	// The descriptor does not block, so the runtime's poller takes it.
	a.file = os.NewFile(uintptr(a.fd), "socket")
	defer context.AfterFunc(ctx, func() { _ = a.file.SetWriteDeadline(time.Unix(1, 0)) })()
	raw, err := a.file.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Write(func(fd uintptr) bool { return decided(int(fd)) })
}

// reachedItself reports whether the system chose the destination's port for
// our end, on which nobody listens: TCP then connects the socket with itself
// (RFC 9293, section 3.5, simultaneous open).
func (a *socketAttempt) reachedItself(destination netip.AddrPort) bool {
	switch name, _ := unix.Getsockname(a.fd); own := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(own.Addr), uint16(own.Port)) == destination
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(own.Addr), uint16(own.Port)) == destination
	default:
		return false
	}
}

// decided reports whether a connection is made or has failed.
func decided(fd int) bool {
	poll := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(poll[:], 0)
	return err == nil && n > 0
}

// socketAddress is an address as the system calls take it.
func socketAddress(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}

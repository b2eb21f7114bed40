package check

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attemptSystem connects through the system's network for a check that only
// wants to know whether that works: the connection can be closed and nothing
// else. A sweep over thousands of ports pays for each; where the answer is
// there at once, as from this machine, the runtime's poller and the questions
// that package net asks of a socket cost as much as the connection.
func attemptSystem(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	if foreign(source, destination) {
		return dialSystem(ctx, source, destination)
	}
	attempt, err := openSocket(ctx, source, destination)
	if err != nil {
		// Not a nil pointer in an interface.
		return nil, err
	}
	return attempt, nil
}

// foreign reports whether an address is one that only package net can write.
func foreign(source netip.Addr, destination netip.AddrPort) bool {
	addr := destination.Addr()
	return addr.Zone() != "" || addr.Is4In6() || source.Zone() != ""
}

// socketConn is a connection of the system's network. Unlike one of package
// net it tells at a deadline whether the kernel had an answer by then. Until
// poll has been called only Close works.
type socketConn struct {
	fd   int
	four bool
	// file owns fd once the runtime waits for it.
	file *os.File
	// spares gets the socket when it is closed, by a reset; nil for an ordinary end.
	spares *spares
	// spent tells that the socket is not to be connected again.
	spent bool
}

// openSocket returns a connection, or why there is none.
func openSocket(ctx context.Context, source netip.Addr, destination netip.AddrPort) (*socketConn, error) {
	conn, err := openUnconnected(destination)
	if err != nil {
		return nil, err
	}
	if err := conn.connect(ctx, source, destination); err != nil {
		return nil, errors.Join(owned(err, source, destination), conn.Close())
	}
	return conn, nil
}

// openUnconnected opens a socket that can be connected to a destination.
func openUnconnected(destination netip.AddrPort) (*socketConn, error) {
	family, four := unix.AF_INET6, destination.Addr().Is4()
	if four {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &socketConn{fd: fd, four: four}, nil
}

// poll has the runtime wait for the socket: the descriptor does not block.
func (c *socketConn) poll() {
	if c.file == nil {
		c.file = os.NewFile(uintptr(c.fd), "socket")
	}
}

// Close ends the connection, and gives the socket to the spares if it has some.
func (c *socketConn) Close() error {
	if c.spares != nil && disconnect(c.fd) && !c.spent && c.spares.put(c) {
		return nil
	}
	return c.release()
}

// release closes the socket.
func (c *socketConn) release() error {
	if c.file != nil {
		return c.file.Close()
	}
	return os.NewSyscallError("close", unix.Close(c.fd))
}

// Read reads as net.Conn does.
func (c *socketConn) Read(p []byte) (int, error) { return c.file.Read(p) }

// Write writes as net.Conn does.
func (c *socketConn) Write(p []byte) (int, error) { return c.file.Write(p) }

// SetDeadline bounds reads and writes as net.Conn does.
func (c *socketConn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SetReadDeadline bounds reads as net.Conn does.
func (c *socketConn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// SetWriteDeadline bounds writes as net.Conn does.
func (c *socketConn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// LocalAddr is our end, nil when the socket does not tell.
func (c *socketConn) LocalAddr() net.Addr { return tcpAddr(unix.Getsockname(c.fd)) }

// RemoteAddr is the other end, nil when the socket does not tell.
func (c *socketConn) RemoteAddr() net.Addr { return tcpAddr(unix.Getpeername(c.fd)) }

func tcpAddr(name unix.Sockaddr, err error) net.Addr {
	if err != nil {
		return nil
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port}
	default:
		return nil
	}
}

// SyscallConn gives access to the socket.
func (c *socketConn) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }

// connect returns once there is a connection, or why there is none.
func (c *socketConn) connect(ctx context.Context, source netip.Addr, destination netip.AddrPort) error {
	if source.IsValid() {
		c.spent = true // it keeps its address
		if err := unix.Bind(c.fd, socketAddress(netip.AddrPortFrom(source, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	errno := startConnect(c.fd, destination)
	if errno == unix.EINPROGRESS || errno == unix.EINTR {
		// Asked again the kernel tells what has become of it.
		errno = startConnect(c.fd, destination)
	}
	if errno == unix.EALREADY || errno == unix.EINTR {
		if err := c.wait(ctx); err != nil {
			return err
		}
		var err error
		if errno, err = socketError(c.fd); err != nil {
			return os.NewSyscallError("connect", err)
		}
	}
	if errno == 0 && c.reachedItself(destination) {
		errno = unix.ECONNREFUSED
	}
	if errno != 0 {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

// wait returns when the connection is decided, or with an error when ctx ends.
func (c *socketConn) wait(ctx context.Context) error {
	c.poll()
	stop := context.AfterFunc(ctx, func() { _ = c.file.SetWriteDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			// The deadline may still be set when another uses the socket.
			c.spent = true
		}
	}()
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Write(func(fd uintptr) bool { return decided(int(fd)) })
	if isTimeout(err) && ctx.Err() != nil && decided(c.fd) {
		return c.overslept(ctx)
	}
	return err
}

// overslept says what it means that a connection is decided which this process
// has not seen to in time. A refusal is one whenever it came.
func (c *socketConn) overslept(ctx context.Context) error {
	errno, err := socketError(c.fd)
	switch {
	case err != nil:
		return os.NewSyscallError("connect", err)
	case errno != 0:
		return os.NewSyscallError("connect", errno)
	}
	if info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil &&
		!cameBefore(ctx, time.Duration(info.Last_ack_recv)*time.Millisecond) {
		return context.DeadlineExceeded
	}
	return errUnserved
}

// socketError is the error that has ended an attempt to connect, 0 for none.
func socketError(fd int) (unix.Errno, error) {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	return unix.Errno(errno), err
}

// reachedItself reports whether the system chose the destination's port for
// our end, on which nobody listens: TCP then connects the socket with itself
// (RFC 9293, section 3.5, simultaneous open).
func (c *socketConn) reachedItself(destination netip.AddrPort) bool {
	switch name, _ := unix.Getsockname(c.fd); own := name.(type) {
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

// startConnect begins to connect a socket that does not block, and so neither
// does the call: the scheduler need not hear of it.
func startConnect(fd int, destination netip.AddrPort) unix.Errno {
	var port uint16
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&port))[:], destination.Port())
	var errno syscall.Errno
	if addr := destination.Addr(); addr.Is4() {
		to := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port, Addr: addr.As4()}
		_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	} else {
		to := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Addr: addr.As16()}
		_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	}
	return errno
}

// socketAddress is an address as the system calls take it.
func socketAddress(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}

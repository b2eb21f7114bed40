package socket

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// bufferSize is what is asked for as send and receive buffers, in bytes. An
// ordinary user gets less: net.core.rmem_max and wmem_max bound it.
const bufferSize = 8 << 20

// senderBuffer is what is asked for as the receive buffer of a socket that only
// sends. It is read after every unreadStamps messages, so it need not be large.
const senderBuffer = 1 << 20

// datagram is one socket that sends probes or receives answers, never blocking.
type datagram struct {
	fd  int
	six bool
	// identity is the identity that a ping socket's probes go by; the kernel
	// writes its own into the packets.
	identity uint16
	// whole tells that what is sent may not be cut.
	whole bool
	// headed tells that what is sent brings its IP header, and whether it may
	// be cut stands there.
	headed bool
	// declared is the protocol number that each message is said to have, 0 where
	// that of the socket is true.
	declared uint8
	// whence tells that what arrives shows its header, with its sender and TTL.
	whence bool
	// sendsOnly tells that answers come by another socket.
	sendsOnly bool
	// asleep tells that the socket has not been used yet.
	asleep bool
	stamping
}

func (d *datagram) domain() int {
	if d.six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// openDatagram opens a socket. The filter, unless nil, stands before anything
// else can arrive that is read.
func openDatagram(six bool, kind, protocol int, filter []bpf.Instruction) (d *datagram, err error) {
	d = &datagram{six: six}
	d.fd, err = unix.Socket(d.domain(), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			unix.Close(d.fd)
			d = nil
		}
	}()
	if filter != nil {
		if err = attach(d.fd, filter); err != nil {
			return d, err
		}
		d.discard()
	}
	return d, nil
}

// discard throws away what arrived before the filter stood.
func (d *datagram) discard() {
	var none [1]byte
	for {
		if _, _, err := unix.Recvfrom(d.fd, none[:], unix.MSG_DONTWAIT); err != nil && err != unix.EINTR {
			return
		}
	}
}

// reportErrors makes failed sends visible: without IP_RECVERR a packet that
// the queue of the interface drops counts as sent (ip(7)).
func (d *datagram) reportErrors() error {
	level, option := unix.SOL_IP, unix.IP_RECVERR
	if d.six {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVERR
	}
	if err := unix.SetsockoptInt(d.fd, level, option, 1); err != nil {
		return fmt.Errorf("socket error queue: %w", err)
	}
	return nil
}

// reportArrival asks for the kernel's stamp and the TTL of all that arrives.
// SO_TIMESTAMPING, not SO_TIMESTAMPNS: the latter makes up a stamp at the time
// of reading when the packet has none.
func (d *datagram) reportArrival() error {
	d.flags = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_RX_SOFTWARE
	if err := d.setStamps(d.flags); err != nil {
		return fmt.Errorf("kernel receive stamps: %w", err)
	}
	if d.whence {
		return nil
	}
	level, option := unix.SOL_IP, unix.IP_RECVTTL
	if d.six {
		level, option = unix.SOL_IPV6, unix.IPV6_RECVHOPLIMIT
	}
	if err := unix.SetsockoptInt(d.fd, level, option, 1); err != nil {
		return fmt.Errorf("TTL of answers: %w", err)
	}
	return nil
}

// enlarge asks for large buffers. What is granted is the system's decision.
func (d *datagram) enlarge() {
	d.askBuffer(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, bufferSize)
	d.askBuffer(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, bufferSize)
}

func (d *datagram) askBuffer(force, ask, size int) {
	if unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, force, size) != nil {
		// An error leaves the default, which serves.
		_ = unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, ask, size)
	}
}

// prepare sets up a socket that sends probes and receives answers.
func (d *datagram) prepare() error {
	d.enlarge()
	if err := d.reportErrors(); err != nil {
		return err
	}
	if err := d.reportArrival(); err != nil {
		return err
	}
	return d.setFragments(false)
}

// prepareToSend sets up a socket that only sends. What it receives is stamps
// and copies of ICMP errors.
func (d *datagram) prepareToSend() error {
	d.sendsOnly = true
	d.askBuffer(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, senderBuffer)
	d.askBuffer(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, bufferSize)
	if err := d.reportErrors(); err != nil {
		return err
	}
	return d.setFragments(false)
}

// prepareToReceive sets up a raw socket that never sends, and so has no errors.
func (d *datagram) prepareToReceive() error {
	d.whence = !d.six
	d.enlarge()
	return d.reportArrival()
}

// port returns the port, or the ping identity, that the socket is bound to.
func (d *datagram) port() (uint16, error) {
	name, err := unix.Getsockname(d.fd)
	if err != nil {
		return 0, fmt.Errorf("bound port: %w", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return uint16(name.Port), nil
	case *unix.SockaddrInet6:
		return uint16(name.Port), nil
	default:
		return 0, fmt.Errorf("bound port: %w", unix.EAFNOSUPPORT)
	}
}

// bind binds the socket to any address and the port, 0 for one of the kernel's choice.
func (d *datagram) bind(port uint16) error {
	if d.six {
		if err := unix.SetsockoptInt(d.fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return err
		}
		return unix.Bind(d.fd, &unix.SockaddrInet6{Port: int(port)})
	}
	return unix.Bind(d.fd, &unix.SockaddrInet4{Port: int(port)})
}

// bindBoth is bind, by which an IPv6 socket takes the port in IPv4 as well.
func (d *datagram) bindBoth(port uint16) error {
	if !d.six {
		return d.bind(port)
	}
	if err := unix.SetsockoptInt(d.fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 0); err != nil {
		return err
	}
	return unix.Bind(d.fd, &unix.SockaddrInet6{Port: int(port)})
}

func (d *datagram) close() error { return unix.Close(d.fd) }

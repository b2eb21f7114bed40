package socket

import (
	"fmt"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// segments is a raw TCP socket. The kernel copies to such a socket every
// segment that this machine receives, before any filter: on a busy server that
// costs more than the traces. So it sleeps until the first SYN.
type segments struct {
	*datagram
	asleep bool
}

func openSegments(six bool, ports []uint16) (s *segments, err error) {
	d, err := openDatagram(six, unix.SOCK_RAW, unix.IPPROTO_TCP, dropAll())
	if err != nil {
		return nil, fmt.Errorf("raw TCP socket: %w", err)
	}
	s = &segments{datagram: d}
	s.sleep()
	if err = d.prepare(); err == nil {
		err = attach(d.fd, filterTCP(six, ports))
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return s, nil
}

// sleep binds the socket to an address of this machine itself that nobody uses:
// it is then given only what comes for that. Where it cannot be, as with the
// loopback down, the socket stays awake.
func (s *segments) sleep() {
	var nobody unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 255, 255, 254}}
	if s.six {
		nobody = &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}
	}
	s.asleep = unix.Bind(s.fd, nobody) == nil
}

// wake binds the socket to any address, for good. Disconnecting it from a peer
// would not do: that takes a raw socket off the kernel's list.
func (s *segments) wake() syscall.Errno {
	if !s.asleep {
		return 0
	}
	var anywhere unix.Sockaddr = &unix.SockaddrInet4{}
	if s.six {
		anywhere = &unix.SockaddrInet6{}
	}
	if unix.Bind(s.fd, anywhere) != nil {
		return unix.EADDRNOTAVAIL
	}
	s.asleep = false
	return 0
}

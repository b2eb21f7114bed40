package socket

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// sleep binds a raw socket to an address of this machine itself that nobody uses:
// it is then given only what comes for that, and errors of what was sent from
// there. Where it cannot be, as with the loopback down, the socket stays awake.
func (d *datagram) sleep() {
	var nobody unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 255, 255, 254}}
	if d.six {
		nobody = &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}
	}
	d.asleep = unix.Bind(d.fd, nobody) == nil
}

// wake binds the socket to any address, for good. Disconnecting it from a peer
// would not do: that takes a raw socket off the kernel's list.
func (d *datagram) wake() syscall.Errno {
	if !d.asleep {
		return 0
	}
	var anywhere unix.Sockaddr = &unix.SockaddrInet4{}
	if d.six {
		anywhere = &unix.SockaddrInet6{}
	}
	if unix.Bind(d.fd, anywhere) != nil {
		return unix.EADDRNOTAVAIL
	}
	d.asleep = false
	return 0
}

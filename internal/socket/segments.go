package socket

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// openSegments opens a raw TCP socket. The kernel copies to such a socket every
// segment that this machine receives, before any filter: on a busy server that
// costs more than the traces. So it sleeps until the first SYN.
func openSegments(six bool, ports []uint16) (*datagram, error) {
	d, err := openDatagram(six, unix.SOCK_RAW, unix.IPPROTO_TCP, dropAll())
	if err != nil {
		return nil, fmt.Errorf("raw TCP socket: %w", err)
	}
	d.sleep()
	if err = d.prepare(); err == nil {
		err = attach(d.fd, filterTCP(six, ports))
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

package socket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// leaving reads the stamps of sockets that only send. All else that stands in
// their error queues comes as a packet elsewhere, and is thrown away.
type leaving struct {
	messages [receiveBatch]mmsghdr
	controls [receiveBatch]receiveControl
}

func newLeaving() *leaving {
	l := &leaving{}
	for i := range l.messages {
		l.messages[i].header.Control = (*byte)(unsafe.Pointer(&l.controls[i]))
	}
	return l
}

// read takes the next entries of a socket's error queue.
func (l *leaving) read(d *datagram) (int, error) {
	for i := range l.messages {
		l.messages[i].header.SetControllen(receiveControlSize)
	}
	for {
		n, errno := recvmmsg(d.fd, l.messages[:], unix.MSG_ERRQUEUE)
		switch {
		case errno == 0:
			return n, nil
		case errno == unix.EINTR:
			continue
		case fatal(errno):
			return 0, errno
		default:
			return 0, nil
		}
	}
}

// ancillary decodes an entry of the last read.
func (l *leaving) ancillary(i int) ancillary {
	control := (*[receiveControlSize]byte)(unsafe.Pointer(&l.controls[i]))
	return decodeControl(control[:min(l.messages[i].header.Controllen, receiveControlSize)])
}

package socket

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveBatch is how many messages are taken with one system call.
const receiveBatch = 32

// messageSize holds the largest IP datagram: an answer repeats its probe, and
// its checksum covers all of it. The odd page keeps the messages' first lines
// out of the same cache sets. Pages that no message reaches cost no memory.
const messageSize = 65536 + 4096 + 64

// message is one packet, or one entry of an error queue, as the kernel gave it.
type message struct {
	data []byte
	// from is the sender; of an error, the destination of the failed packet.
	from  netip.Addr
	port  uint16
	scope uint32
	ancillary
}

// incoming holds the buffers of one batch. It is reused and allocates nothing.
type incoming struct {
	messages [receiveBatch]mmsghdr
	vectors  [receiveBatch]unix.Iovec
	names    [receiveBatch]unix.RawSockaddrInet6
	controls [receiveBatch]receiveControl
	payload  []byte
}

func newIncoming() *incoming {
	in := &incoming{payload: make([]byte, receiveBatch*messageSize)}
	for i := range in.vectors {
		in.vectors[i].Base = &in.payload[i*messageSize]
		in.vectors[i].SetLen(messageSize)
	}
	return in
}

// receive takes up to limit messages from the socket, or with MSG_ERRQUEUE
// from its error queue. None and no error means that nothing is there.
func (in *incoming) receive(d *datagram, limit, flags int) (int, error) {
	limit = min(limit, receiveBatch)
	for i := range limit {
		header := &in.messages[i].header
		*header = unix.Msghdr{
			Iov:     &in.vectors[i],
			Control: (*byte)(unsafe.Pointer(&in.controls[i])),
		}
		if !d.whence {
			header.Name, header.Namelen = (*byte)(unsafe.Pointer(&in.names[i])), sizeofName
		}
		header.SetIovlen(1)
		header.SetControllen(receiveControlSize)
	}
	for {
		n, errno := recvmmsg(d.fd, in.messages[:limit], flags)
		switch {
		case errno == 0:
			return n, nil
		case errno == unix.EINTR:
			continue
		case fatal(errno):
			return 0, errno
		default:
			// An error that stood on the socket is gone with this read; packets
			// behind it make the next poll return at once.
			return 0, nil
		}
	}
}

// fatal reports whether an errno of a read means that the socket is of no more
// use. Everything else is about one packet or one moment.
func fatal(errno syscall.Errno) bool {
	return errno == unix.EBADF || errno == unix.EFAULT || errno == unix.EINVAL || errno == unix.ENOTSOCK
}

// message fills m with a message of the last receive. It reports false for one
// that was cut short.
func (in *incoming) message(i int, m *message) bool {
	received := &in.messages[i]
	if received.header.Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return false
	}
	*m = message{data: in.payload[i*messageSize:][:min(received.length, messageSize)]}
	if received.header.Namelen > 0 {
		m.from, m.port, m.scope = decodeName(&in.names[i])
	}
	control := (*[receiveControlSize]byte)(unsafe.Pointer(&in.controls[i]))
	m.ancillary = decodeControl(control[:min(received.header.Controllen, receiveControlSize)])
	return true
}

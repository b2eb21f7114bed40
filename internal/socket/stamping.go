package socket

import (
	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
)

// countedDepartures is how many messages of a socket that counts them may wait
// for their stamps.
const countedDepartures = 1 << 12

// unreadStamps is after how many messages the stamps of a socket are read
// though no answer asks for them: one costs the receive buffer some 768 bytes.
const unreadStamps = 128

// stamping is what a socket knows of the kernel's stamps of what it sends.
type stamping struct {
	flags int
	// protocol is that of the probes.
	protocol packet.Protocol
	// stamped tells that what is sent is stamped.
	stamped bool
	// counted, on kernels before 6.13, are the numbers of the last messages by
	// the kernel's count of them, next that of the next; nil when each message
	// bears its number.
	counted []uint32
	next    uint32
	// unread is how many messages have left since the stamps were last read.
	unread int
	// pass is that in which they were.
	pass int
}

// probeNumber is the number by which a message's stamp names its probe.
func probeNumber(identity, sequence uint16) uint32 { return uint32(identity)<<16 | uint32(sequence) }

// departureFlags ask for the time at which a message was given to the device,
// without the message (Linux, Documentation/networking/timestamping.rst).
const departureFlags = unix.SOF_TIMESTAMPING_SOFTWARE | unix.SOF_TIMESTAMPING_TX_SOFTWARE |
	unix.SOF_TIMESTAMPING_OPT_ID | unix.SOF_TIMESTAMPING_OPT_TSONLY

func (d *datagram) setStamps(flags int) error {
	return unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, flags)
}

// reportDepartures asks for stamps of what the socket sends. Where there are
// none, RTTs begin with our own reading.
func (d *datagram) reportDepartures() {
	if d.setStamps(d.flags|departureFlags) == nil {
		d.flags |= departureFlags
		d.stamped = true
	}
}

// countDepartures is for kernels that take no number with a message.
func (d *datagram) countDepartures() {
	if d.stamped {
		d.counted = make([]uint32, countedDepartures)
		d.recount()
	}
}

// recount sets the kernel's count of messages to 0.
func (d *datagram) recount() {
	d.next = 0
	err := d.setStamps(d.flags &^ unix.SOF_TIMESTAMPING_OPT_ID)
	if err == nil {
		err = d.setStamps(d.flags)
	}
	d.stamped = err == nil
}

// departed takes note of messages that have left with one call; all tells that
// the call had no others. Whether a message that failed was counted depends on
// the errno and the kernel, so after one the count begins anew. A stamp from
// before that takes the place of none: what bears its number now left later,
// and its own stamp comes before any answer.
func (d *datagram) departed(probes []*packet.Probe, all bool) {
	d.unread += len(probes)
	if d.counted == nil {
		return
	}
	for _, p := range probes {
		d.counted[d.next%countedDepartures] = probeNumber(p.Identity, p.Sequence)
		d.next++
	}
	if !all {
		d.recount()
	}
}

// numbers reports whether each message bears its number.
func (d *datagram) numbers() bool { return d.stamped && d.counted == nil }

// numbered is the number of the probe that a stamp's own number means.
func (d *datagram) numbered(number uint32) (uint32, bool) {
	if d.counted == nil {
		return number, true
	}
	if back := d.next - number; back == 0 || back > countedDepartures {
		return 0, false
	}
	return d.counted[number%countedDepartures], true
}

package socket

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// sendBatch is how many probes leave with one system call, and sendBytes how
// many bytes, unless one probe alone has more. Both are small because the
// probes share one reading of the clocks: what those before it cost the kernel,
// some 2 µs each and more for long ones, is in the RTT of the last. Where the
// kernel stamps what leaves that does not matter, and more leave together.
const (
	sendBatch    = 4
	stampedBatch = 16
	sendBytes    = 1500
)

// sendTries is how often a send is tried when each failure may belong to an
// earlier packet. One retry is enough unless errors arrive in between, as they do
// on another processor in a burst of traces: with 3 tries, 1 send of 10,000 failed
// by them. A packet that really cannot be sent costs some 10 µs.
const sendTries = 16

// outgoing is a batch of probes being put together for one socket. It is
// reused, so that sending allocates nothing once its payload has grown.
type outgoing struct {
	messages [stampedBatch]mmsghdr
	vectors  [stampedBatch]unix.Iovec
	names    [stampedBatch]unix.RawSockaddrInet6
	controls [stampedBatch]sendControl
	probes   [stampedBatch]*packet.Probe
	ends     [stampedBatch]int
	payload  []byte
	n        int
	// numbered tells that the socket takes a number with each message, headed
	// that a message brings its header; declared is the protocol number that each
	// is said to have, 0 for the socket's.
	numbered, headed bool
	declared         uint8
}

// takes reports whether a probe may leave with those that are there, at most
// limit together.
func (o *outgoing) takes(p *packet.Probe, limit int) bool {
	return o.n < limit && len(o.payload)+p.Size <= sendBytes && (o.headed || o.probes[0].DontFragment == p.DontFragment)
}

// grow makes payload, which is outgoing.payload with one more packet at its
// end, the batch's next message.
func (o *outgoing) grow(p *packet.Probe, payload []byte, to netip.Addr, port uint16, scope uint32, source netip.Addr) {
	i := o.n
	o.payload = payload
	o.ends[i] = len(payload)
	o.probes[i] = p
	header := &o.messages[i].header
	header.Name = (*byte)(unsafe.Pointer(&o.names[i]))
	header.Namelen = encodeName(&o.names[i], to, port, scope)
	m := marks{
		ttl: p.TTL, dscp: p.DSCP, source: source, numbered: o.numbered, number: probeNumber(p.Identity, p.Sequence),
		protocol: o.declared,
	}
	if o.headed {
		m.ttl = 0 // the codepoint and the source decide on the route as well
	}
	length := encodeControl(&o.controls[i], to.Is6(), m)
	header.Control = nil
	if length > 0 {
		header.Control = (*byte)(unsafe.Pointer(&o.controls[i]))
	}
	header.SetControllen(length)
	header.Iov = &o.vectors[i]
	header.SetIovlen(1)
	o.n++
}

// send sends the batch and empties it. A probe that cannot be sent gets its
// errno, and the rest go on.
func (o *outgoing) send(d *datagram, now func() netsonde.Instant) {
	start := 0
	// Only now: the payload may have moved while it grew.
	for i := range o.n {
		o.vectors[i].Base = unsafe.SliceData(o.payload[start:o.ends[i]])
		o.vectors[i].SetLen(o.ends[i] - start)
		start = o.ends[i]
	}
	done, tries := 0, 0
	if errno := d.keepWhole(o.probes[0].DontFragment); errno != 0 {
		// Better unsent than cut, when just that was not to be.
		for ; done < o.n; done++ {
			o.probes[done].Sent, o.probes[done].Errno = now(), errno
		}
	}
	for done < o.n {
		sent := now()
		for _, p := range o.probes[done:o.n] {
			p.Sent, p.Errno = sent, 0
		}
		n, errno := sendmmsg(d.fd, o.messages[done:o.n])
		if errno == 0 {
			handed := now().Monotonic
			for _, p := range o.probes[done : done+n] {
				p.Handed = handed
			}
			d.departed(o.probes[done:done+n], done+n == o.n)
			done, tries = done+n, 0
			continue
		}
		d.departed(nil, false)
		if errno == unix.EINTR {
			continue
		}
		if tries++; tries < sendTries && !immediate(errno) {
			continue
		}
		o.probes[done].Errno = sendErrno(errno)
		done, tries = done+1, 0
	}
	clear(o.probes[:o.n])
	o.n, o.payload = 0, o.payload[:0]
}

// immediate reports whether an errno is surely about the packet being sent: a
// full queue, or our own firewall. Any other may stand on the socket because
// of an ICMP error about an earlier packet, and a failed send takes it away.
// Which errnos those are differs between protocols and kernels: a redirect,
// which is no error, leaves EREMOTEIO on ping sockets.
func immediate(errno syscall.Errno) bool {
	return errno == unix.EAGAIN || errno == unix.ENOBUFS || errno == unix.EPERM
}

// sendErrno gives one name to a full buffer of ours and a full queue of the interface.
func sendErrno(errno syscall.Errno) syscall.Errno {
	if errno == unix.EAGAIN {
		return unix.ENOBUFS
	}
	return errno
}

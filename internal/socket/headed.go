package socket

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
)

// mostHeaded is the largest payload of an echo that leaves with its header, in
// bytes. Such a datagram cannot be cut here, so it has to fit the links of this
// machine, which nearly all have room for it.
const mostHeaded = 512

// headed sends IPv4 echoes together with the header that we write (raw(7),
// IP_HDRINCL): the kernel then neither puts a datagram together from pieces nor
// draws a number for it, a tenth of what an echo costs. The protocol is that of
// headers alone and not ICMP: no error finds its way to the socket. One that stands
// there fails the send after it, and the errors of traces come while more of the
// same batch leave. Each message is declared to be ICMP where the kernel takes that
// (6.4, some older ones), for rules of routing and of IPsec to see it as such.
type headed struct {
	*datagram
	// ttl is the system's default.
	ttl uint8
	// largest is mostHeaded, or less where a link of ours had no room for that.
	largest int
}

func openHeaded() (*headed, error) {
	d, err := openSender(false, unix.IPPROTO_RAW)
	if err != nil {
		return nil, err
	}
	ttl, err := unix.GetsockoptInt(d.fd, unix.SOL_IP, unix.IP_TTL)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("raw socket with headers: %w", err), d.close())
	}
	d.headed = true
	if _, err := unix.GetsockoptInt(d.fd, unix.SOL_IP, unix.IP_PROTOCOL); err == nil {
		d.declared = unix.IPPROTO_ICMP
	}
	return &headed{datagram: d, ttl: uint8(ttl), largest: mostHeaded}, nil
}

// takes reports whether a probe leaves with its header.
func (h *headed) takes(p *packet.Probe) bool {
	return h != nil && p.Size <= h.largest && mayBeHeaded(p)
}

// mayBeHeaded reports whether a probe may leave with its header if the links have
// room for it. One with a source may not: the kernel would believe any, and not only
// an address of this machine.
func mayBeHeaded(p *packet.Probe) bool {
	return p.Protocol == packet.Echo && p.Size <= mostHeaded && p.Destination.Is4() && !p.Source.IsValid()
}

// narrowed has all that are as large as p leave where they can be cut. It does not
// ask takes, since largest may have been lowered for an earlier probe of the batch.
func (h *headed) narrowed(p *packet.Probe) bool {
	if h == nil || !mayBeHeaded(p) {
		return false
	}
	h.largest = min(h.largest, p.Size-1)
	return true
}

// appendHeader appends the header of a probe. The kernel fills in the checksum
// and the source.
func (h *headed) appendHeader(buf []byte, p *packet.Probe) []byte {
	size := p.Size
	if p.FixedFlow {
		size = max(size, packet.FlowSize)
	}
	header := packet.IPv4{
		Source: netip.IPv4Unspecified(), Destination: p.Destination, Protocol: packet.ProtocolNumberICMP,
		TTL: p.TTL, DSCP: p.DSCP, DontFragment: p.DontFragment,
		// Where it is 0 the kernel draws one. That of a datagram which nobody
		// cuts is of no use (RFC 6864, section 4.1).
		Identification: max(p.Sequence, 1),
	}
	if header.TTL == 0 {
		header.TTL = h.ttl
	}
	return packet.AppendIPv4Header(buf, header, packet.EchoHeaderSize+size)
}

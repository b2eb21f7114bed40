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
// machine, which nearly all have room for it. Where one had not the limit is lower.
const mostHeaded = 512

// headed sends IPv4 echoes together with the header that we write (raw(7),
// IP_HDRINCL): the kernel then neither puts a datagram together from pieces nor
// draws a number for it, a tenth of what an echo costs. The protocol is that of
// headers alone and not ICMP: no error finds its way to the socket. One that stands
// there fails the send after it, and the errors of traces come while more of the
// same batch leave.
type headed struct {
	*datagram
	// ttl is the system's default.
	ttl uint8
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
	d.headed, d.largest = true, mostHeaded
	return &headed{datagram: d, ttl: uint8(ttl)}, nil
}

// takes reports whether a probe may leave with its header. One with a source may
// not: the kernel would believe any, and not only an address of this machine.
func (h *headed) takes(p *packet.Probe) bool {
	return h != nil && p.Protocol == packet.Echo && p.Size <= h.largest && p.Destination.Is4() && !p.Source.IsValid()
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

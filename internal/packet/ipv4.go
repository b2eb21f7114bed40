package packet

import (
	"encoding/binary"
	"net/netip"
)

const (
	ipv4HeaderSize     = 20
	ipv4ChecksumOffset = 10
	// The flag and the mask of the header's fragment word.
	ipv4DontFragment   = 0x4000
	ipv4MoreFragments  = 0x2000
	ipv4FragmentOffset = 0x1fff
)

// IPv4 is what is used of an IPv4 header (RFC 791, section 3.1).
type IPv4 struct {
	Source, Destination netip.Addr
	// Protocol is the IANA number of what follows.
	Protocol uint8
	TTL      uint8
	// DSCP, DontFragment and Identification are of datagrams to be sent; they
	// are not read.
	DSCP           uint8
	DontFragment   bool
	Identification uint16
}

// ParseIPv4 reads a datagram as a raw socket delivers it: reassembled, header
// and options included. The payload is a part of b and ends where the header
// says. The kernel has verified the header's checksum.
//
// The error is ErrTruncated, ErrMalformed, or ErrNotReply for a fragment.
func ParseIPv4(b []byte) (header IPv4, payload []byte, err error) {
	header, length, err := parseIPv4(b)
	if err != nil {
		return IPv4{}, nil, err
	}
	if length.total > len(b) {
		return IPv4{}, nil, ErrTruncated
	}
	if length.first || length.later {
		return IPv4{}, nil, ErrNotReply
	}
	return header, b[length.header:length.total], nil
}

// ipv4Extent is where an IPv4 datagram begins and ends.
type ipv4Extent struct {
	// header and total are in bytes, 20 ≤ header ≤ total. b holds at least the
	// header, not always the total.
	header, total int
	// first and later tell the first fragment and every other from a whole
	// datagram, which is neither.
	first, later bool
}

func parseIPv4(b []byte) (IPv4, ipv4Extent, error) {
	if len(b) < ipv4HeaderSize {
		return IPv4{}, ipv4Extent{}, ErrTruncated
	}
	fragment := binary.BigEndian.Uint16(b[6:])
	extent := ipv4Extent{
		header: int(b[0]&0xf) * 4,
		total:  int(binary.BigEndian.Uint16(b[2:])),
		later:  fragment&ipv4FragmentOffset != 0,
	}
	extent.first = fragment&ipv4MoreFragments != 0 && !extent.later
	if b[0]>>4 != 4 || extent.header < ipv4HeaderSize || extent.total < extent.header {
		return IPv4{}, ipv4Extent{}, ErrMalformed
	}
	if len(b) < extent.header {
		return IPv4{}, ipv4Extent{}, ErrTruncated
	}
	return IPv4{
		Source:      netip.AddrFrom4([4]byte(b[12:16])),
		Destination: netip.AddrFrom4([4]byte(b[16:20])),
		Protocol:    b[9],
		TTL:         b[8],
	}, extent, nil
}

// AppendIPv4Header appends a header without options, for a payload of so many
// bytes, 0 to 65,515. Both addresses must be IPv4. It allocates nothing if buf
// has room.
func AppendIPv4Header(buf []byte, header IPv4, payloadSize int) []byte {
	start := len(buf)
	source, destination := header.Source.As4(), header.Destination.As4()
	buf = append(buf, 4<<4|ipv4HeaderSize/4, header.DSCP<<2)
	buf = binary.BigEndian.AppendUint16(buf, uint16(ipv4HeaderSize+payloadSize))
	buf = binary.BigEndian.AppendUint16(buf, header.Identification)
	fragments := byte(0)
	if header.DontFragment {
		fragments = ipv4DontFragment >> 8
	}
	buf = append(buf, fragments, 0, header.TTL, header.Protocol, 0, 0)
	buf = append(buf, source[:]...)
	buf = append(buf, destination[:]...)
	b := buf[start:]
	binary.BigEndian.PutUint16(b[ipv4ChecksumOffset:], ^fold(sum(0, b)))
	return buf
}

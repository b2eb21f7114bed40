package packet

import (
	"encoding/binary"
	"net/netip"
)

const ipv6HeaderSize = 40

// The IANA numbers of the IPv6 extension headers that may stand before what a
// probe sent (RFC 8200, section 4).
const (
	ipv6HopByHop           uint8 = 0
	ipv6Routing            uint8 = 43
	ipv6Fragment           uint8 = 44
	ipv6DestinationOptions uint8 = 60
)

const (
	// ipv6ExtensionUnit is the least length of an extension header, and the
	// unit that the rest of its length is counted in.
	ipv6ExtensionUnit = 8
	// ipv6FragmentOffset masks the offset in a fragment header's second word.
	ipv6FragmentOffset = 0xfff8
)

// IPv6 is what is used of an IPv6 header (RFC 8200, section 3).
type IPv6 struct {
	Source, Destination netip.Addr
	// NextHeader is the IANA number of what follows at once, which may be an
	// extension header.
	NextHeader uint8
	HopLimit   uint8
}

// ParseIPv6 reads a whole datagram. The payload is a part of b, ends where the
// header says, and begins with the extension headers, if there are any. The
// addresses have no zone.
//
// The error is ErrTruncated or ErrMalformed.
func ParseIPv6(b []byte) (header IPv6, payload []byte, err error) {
	header, total, err := parseIPv6(b)
	if err != nil {
		return IPv6{}, nil, err
	}
	if total > len(b) {
		return IPv6{}, nil, ErrTruncated
	}
	return header, b[ipv6HeaderSize:total], nil
}

// parseIPv6 reads a header. total is the length of the datagram, of which b
// may hold less.
func parseIPv6(b []byte) (header IPv6, total int, err error) {
	if len(b) < ipv6HeaderSize {
		return IPv6{}, 0, ErrTruncated
	}
	if b[0]>>4 != 6 {
		return IPv6{}, 0, ErrMalformed
	}
	return IPv6{
		Source:      netip.AddrFrom16([16]byte(b[8:24])),
		Destination: netip.AddrFrom16([16]byte(b[24:40])),
		NextHeader:  b[6],
		HopLimit:    b[7],
	}, ipv6HeaderSize + int(binary.BigEndian.Uint16(b[4:])), nil
}

// skipExtensionHeaders finds what the extension headers at the start of b,
// the first of which is of the kind next, stand before. Each has eight bytes
// at least, so a chain of any length ends.
func skipExtensionHeaders(next uint8, b []byte) (protocol uint8, rest []byte, err error) {
	for {
		switch next {
		case ipv6HopByHop, ipv6Routing, ipv6Fragment, ipv6DestinationOptions:
		default:
			return next, b, nil
		}
		if len(b) < ipv6ExtensionUnit {
			return 0, nil, ErrTruncated
		}
		size := ipv6ExtensionUnit
		if next == ipv6Fragment {
			if binary.BigEndian.Uint16(b[2:])&ipv6FragmentOffset != 0 {
				return 0, nil, ErrNotReply
			}
		} else {
			size += int(b[1]) * ipv6ExtensionUnit
		}
		if len(b) < size {
			return 0, nil, ErrTruncated
		}
		next, b = b[0], b[size:]
	}
}

// AppendIPv6Header appends a header for a payload of so many bytes, 0 to
// 65,535, extension headers included. It allocates nothing if buf has room.
func AppendIPv6Header(buf []byte, header IPv6, payloadSize int) []byte {
	source, destination := header.Source.As16(), header.Destination.As16()
	buf = append(buf, 6<<4, 0, 0, 0)
	buf = binary.BigEndian.AppendUint16(buf, uint16(payloadSize))
	buf = append(buf, header.NextHeader, header.HopLimit)
	buf = append(buf, source[:]...)
	return append(buf, destination[:]...)
}

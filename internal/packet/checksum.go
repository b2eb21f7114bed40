package packet

import (
	"encoding/binary"
	"net/netip"
)

// sum adds b to an unfolded one's complement sum (RFC 1071). It takes 32 bits
// at a time: 2¹⁶ is 1 modulo 2¹⁶−1, so fold makes of them what adding the
// halves would have made. Every piece but the last must have an even length.
func sum(initial uint64, b []byte) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		initial += uint64(binary.BigEndian.Uint32(b))
	}
	var rest [4]byte
	copy(rest[:], b)
	return initial + uint64(binary.BigEndian.Uint32(rest[:]))
}

// fold brings an unfolded sum to 16 bits. What is not 0 never becomes 0.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudoHeader is the unfolded sum of the pseudo header of UDP over IPv4
// (RFC 768) and of everything over IPv6 (RFC 8200, section 8.1). Both are
// summed alike: an IPv4 address in its 16-byte form has 0xffff before it, and
// that is 0 in one's complement. An invalid address is summed as zeros.
func pseudoHeader(source, destination netip.Addr, protocol uint8, length int) uint64 {
	from, to := source.As16(), destination.As16()
	return sum(sum(uint64(protocol)+uint64(length), from[:]), to[:])
}

// balance sets the word at offset, which must be even and hold 0, so that the
// message's checksum becomes want. The checksum field must hold 0; pseudo is
// the sum of the pseudo header, 0 if there is none.
func balance(message []byte, offset int, pseudo uint64, want uint16) {
	binary.BigEndian.PutUint16(message[offset:], ^fold(sum(pseudo+uint64(want), message)))
}

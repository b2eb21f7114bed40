package packet

import "encoding/binary"

const udpChecksumOffset = 6

// AppendUDP appends the probe as a datagram, from the UDP header on (RFC 768;
// RFC 8200, section 8.1). The source port is Identity and the destination port
// Port; the payload has Size bytes, FlowSize at least and 65,507 at most, of
// which a balancing word makes the checksum equal to Sequence.
//
// Sequence must be 1 to 65,534: 0 would mean that there is no checksum, and
// the two values are one in one's complement. Source must be the valid address
// that the datagram leaves from: the checksum covers it, and the target drops
// what does not fit. It allocates nothing if buf has room.
func AppendUDP(buf []byte, p *Probe) []byte {
	start := len(buf)
	size := max(p.Size, FlowSize)
	length := transportSize + size
	buf = binary.BigEndian.AppendUint16(buf, p.Identity)
	buf = binary.BigEndian.AppendUint16(buf, p.Port)
	buf = binary.BigEndian.AppendUint16(buf, uint16(length))
	buf = append(buf, 0, 0)
	buf = appendPayload(buf, p.Token, size)
	message := buf[start:]
	pseudo := pseudoHeader(p.Source, p.Destination, ProtocolNumberUDP, length)
	balance(message, balanceOffset, pseudo, p.Sequence)
	binary.BigEndian.PutUint16(message[udpChecksumOffset:], p.Sequence)
	return buf
}

package packet

import "encoding/binary"

// balanceOffset is where the balancing word stands in a message: behind the
// header and the token.
const balanceOffset = transportSize + TokenSize

// EchoHeaderSize is the number of bytes before an echo's payload.
const EchoHeaderSize = transportSize

// AppendEcho appends the probe as an echo request, from the ICMP header on
// (RFC 792; RFC 4443, section 4.1). The destination's family says which; an
// IPv4 address in IPv6 form counts as IPv6. Size is 0 to 65,507 bytes, and is
// raised to FlowSize with FixedFlow. It allocates nothing if buf has room.
//
// An ICMPv6 checksum covers the source. Where Source is invalid it is left 0
// for the kernel, which computes it on raw and ping sockets anyhow. A fixed
// flow is then as constant, and as unlike the others, but its checksum is that
// of Probe.FixedFlow only with the source known.
func AppendEcho(buf []byte, p *Probe) []byte {
	start := len(buf)
	size := p.Size
	if p.FixedFlow {
		size = max(size, FlowSize)
	}
	requestType := icmp6EchoRequest
	if p.Destination.Is4() {
		requestType = icmp4EchoRequest
	}
	buf = append(buf, requestType, 0, 0, 0)
	buf = binary.BigEndian.AppendUint16(buf, p.Identity)
	buf = binary.BigEndian.AppendUint16(buf, p.Sequence)
	buf = appendPayload(buf, p.Token, size)
	message := buf[start:]

	var pseudo uint64
	computable := p.Destination.Is4()
	if !computable && p.Source.IsValid() {
		pseudo = pseudoHeader(p.Source, p.Destination, ProtocolNumberICMPv6, len(message))
		computable = true
	}
	if p.FixedFlow {
		balance(message, balanceOffset, pseudo, FlowChecksum+uint16(p.Flow))
	}
	if computable {
		binary.BigEndian.PutUint16(message[icmpChecksumOffset:], ^fold(sum(pseudo, message)))
	}
	return buf
}

// appendPayload appends size bytes: the token, if it fits, and zeros.
func appendPayload(buf []byte, token uint64, size int) []byte {
	if size >= TokenSize {
		buf = binary.BigEndian.AppendUint64(buf, token)
		size -= TokenSize
	}
	return append(buf, make([]byte, size)...)
}

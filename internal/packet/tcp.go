package packet

import (
	"encoding/binary"
	"net/netip"

	"netsonde"
)

// The header of a TCP segment (RFC 9293, section 3.1) with the one option that
// every SYN should bear, the maximum segment size.
const (
	tcpHeaderSize     = 20
	tcpProbeSize      = tcpHeaderSize + 4
	tcpFlagsOffset    = 13
	tcpChecksumOffset = 16

	tcpSYN uint8 = 0x02
	tcpRST uint8 = 0x04
	tcpACK uint8 = 0x10

	tcpOptionSegmentSize = 2
	// What a link of 1,500 bytes leaves for data.
	tcpSegmentSize4 = 1460
	tcpSegmentSize6 = 1440
)

// AppendTCP appends the probe as a SYN (RFC 9293, section 3.5), from the TCP
// header on. The source port is Identity, the destination port Port. The
// sequence number is Sequence, above the low 16 bits of Token. Source must be
// the valid address that the segment leaves from: the checksum covers it, and
// the target drops what does not fit. It allocates nothing if buf has room.
func AppendTCP(buf []byte, p *Probe) []byte {
	start := len(buf)
	segmentSize := uint16(tcpSegmentSize6)
	if p.Destination.Is4() {
		segmentSize = tcpSegmentSize4
	}
	buf = binary.BigEndian.AppendUint16(buf, p.Identity)
	buf = binary.BigEndian.AppendUint16(buf, p.Port)
	buf = binary.BigEndian.AppendUint16(buf, p.Sequence)
	buf = binary.BigEndian.AppendUint16(buf, uint16(p.Token))
	buf = append(buf, 0, 0, 0, 0, // acknowledgement
		tcpProbeSize/4<<4, tcpSYN,
		0xff, 0xff, 0, 0, 0, 0, // window, checksum, urgent pointer
		tcpOptionSegmentSize, 4)
	buf = binary.BigEndian.AppendUint16(buf, segmentSize)
	setTCPChecksum(buf[start:], p.Source, p.Destination)
	return buf
}

// AppendTCPAnswer appends a target's answer to a SYN, from the TCP header on:
// its acceptance, or its refusal (RFC 9293, section 3.5). request is the whole
// SYN from its TCP header on, eight bytes at least. It is meant for simulated
// networks.
func AppendTCPAnswer(buf []byte, from, to netip.Addr, request []byte, accepts bool) []byte {
	start := len(buf)
	flags := tcpRST | tcpACK
	if accepts {
		flags = tcpSYN | tcpACK
	}
	buf = append(buf, request[2:4]...)
	buf = append(buf, request[:2]...)
	buf = append(buf, 0, 0, 0, 0)
	buf = binary.BigEndian.AppendUint32(buf, binary.BigEndian.Uint32(request[4:])+1)
	buf = append(buf, tcpHeaderSize/4<<4, flags, 0, 0, 0, 0, 0, 0)
	setTCPChecksum(buf[start:], from, to)
	return buf
}

// setTCPChecksum fills in the checksum of a segment whose field holds 0.
func setTCPChecksum(segment []byte, from, to netip.Addr) {
	pseudo := pseudoHeader(from, to, ProtocolNumberTCP, len(segment))
	binary.BigEndian.PutUint16(segment[tcpChecksumOffset:], ^fold(sum(pseudo, segment)))
}

// ParseTCP reads a TCP segment that came from an address, and takes it for the
// acceptance or the refusal of a SYN. The checksum is not verified: between
// virtual machines and namespaces the kernel leaves it unfinished.
//
// The reply holds all that the segment says; TTL, Stamp and Read are for the
// caller to add. The error is ErrTruncated, ErrMalformed or ErrNotReply, and
// the reply is then the zero value.
func ParseTCP(b []byte, from netip.Addr) (Reply, error) {
	if len(b) < tcpHeaderSize {
		return Reply{}, ErrTruncated
	}
	header := int(b[12]>>4) * 4
	if header < tcpHeaderSize {
		return Reply{}, ErrMalformed
	}
	if header > len(b) {
		return Reply{}, ErrTruncated
	}
	// Only what acknowledges the SYN can be about it.
	switch b[tcpFlagsOffset] & (tcpSYN | tcpRST | tcpACK) {
	case tcpSYN | tcpACK, tcpRST | tcpACK:
	default:
		return Reply{}, ErrNotReply
	}
	r := Reply{Kind: PortAnswered, From: from, Destination: from}
	r.setTCP(binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[8:])-1)
	return r, nil
}

// setTCP takes over a SYN's ports and sequence number.
func (r *Reply) setTCP(source, destination uint16, number uint32) {
	r.Protocol = TCP
	r.Method = netsonde.MethodTCP
	r.Identity, r.Port = source, destination
	r.Sequence = uint16(number >> 16)
	r.HasToken, r.Token = true, uint64(uint16(number))
}

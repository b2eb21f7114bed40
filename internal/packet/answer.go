package packet

import (
	"encoding/binary"
	"net/netip"
)

// AppendEchoReply appends a target's answer to an echo request, from the ICMP
// header on (RFC 792; RFC 4443, section 4.2). request is the whole request
// from its ICMP header on, eight bytes at least. The family is that of from;
// an ICMPv6 checksum covers both addresses. It is meant for simulated networks.
func AppendEchoReply(buf []byte, from, to netip.Addr, request []byte) []byte {
	start := len(buf)
	replyType := icmp6EchoReply
	if from.Is4() {
		replyType = icmp4EchoReply
	}
	buf = append(buf, replyType, 0, 0, 0)
	buf = append(buf, request[4:]...)
	setICMPChecksum(buf[start:], from, to)
	return buf
}

// AppendTimeExceeded appends a router's error that the TTL or hop limit of a
// datagram ran out, from the ICMP header on (RFC 792; RFC 4443, section 3.3).
// original is the datagram from its IP header on, as much as is to be quoted.
// The family is that of from. It is meant for simulated networks.
func AppendTimeExceeded(buf []byte, from, to netip.Addr, original []byte) []byte {
	if from.Is4() {
		return appendError(buf, from, to, icmp4TimeExceeded, codeTransit, original)
	}
	return appendError(buf, from, to, icmp6TimeExceeded, codeTransit, original)
}

// AppendUnreachable appends any other ICMP error about a datagram, otherwise
// as AppendTimeExceeded does. The second header word, which some types use for
// an MTU or a pointer, is 0.
func AppendUnreachable(buf []byte, from, to netip.Addr, icmpType, code uint8, original []byte) []byte {
	return appendError(buf, from, to, icmpType, code, original)
}

func appendError(buf []byte, from, to netip.Addr, icmpType, code uint8, original []byte) []byte {
	start := len(buf)
	buf = append(buf, icmpType, code, 0, 0, 0, 0, 0, 0)
	buf = append(buf, original...)
	setICMPChecksum(buf[start:], from, to)
	return buf
}

// setICMPChecksum fills in the checksum of a message whose field holds 0.
func setICMPChecksum(message []byte, from, to netip.Addr) {
	var pseudo uint64
	if !from.Is4() {
		pseudo = pseudoHeader(from, to, ProtocolNumberICMPv6, len(message))
	}
	binary.BigEndian.PutUint16(message[icmpChecksumOffset:], ^fold(sum(pseudo, message)))
}

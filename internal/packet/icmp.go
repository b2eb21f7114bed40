package packet

import (
	"encoding/binary"
	"net/netip"
)

// The IANA protocol numbers, as the Protocol of an IPv4 header and the
// NextHeader of an IPv6 one.
const (
	ProtocolNumberICMP   uint8 = 1
	ProtocolNumberTCP    uint8 = 6
	ProtocolNumberUDP    uint8 = 17
	ProtocolNumberICMPv6 uint8 = 58
)

// ICMP types (RFC 792) and codes.
const (
	icmp4EchoReply        uint8 = 0
	icmp4Unreachable      uint8 = 3
	icmp4EchoRequest      uint8 = 8
	icmp4TimeExceeded     uint8 = 11
	icmp4ParameterProblem uint8 = 12

	icmp4CodePort uint8 = 3
)

// ICMPv6 types (RFC 4443) and codes.
const (
	icmp6Unreachable      uint8 = 1
	icmp6PacketTooBig     uint8 = 2
	icmp6TimeExceeded     uint8 = 3
	icmp6ParameterProblem uint8 = 4
	icmp6EchoRequest      uint8 = 128
	icmp6EchoReply        uint8 = 129

	icmp6CodePort uint8 = 4
)

// codeTransit is the code of a time exceeded on the way, in both families.
// The other one, of reassembly, comes from the target and is no hop.
const codeTransit uint8 = 0

// transportSize is the length of an ICMP echo's header, of an ICMP error's
// before the quoted datagram, and of a UDP header. It is also what every
// error must quote behind the IP header (RFC 792).
const transportSize = 8

const icmpChecksumOffset = 2

// ErrorKind4 says what an ICMP error of that type and code means for the probe
// that it quotes, 0 if nothing. A source quench means nothing: hosts must
// ignore it (RFC 6633, section 4).
func ErrorKind4(icmpType, code uint8) ReplyKind {
	switch icmpType {
	case icmp4TimeExceeded:
		if code == codeTransit {
			return TimeExceeded
		}
	case icmp4Unreachable, icmp4ParameterProblem:
		return Unreachable
	}
	return 0
}

// ErrorKind6 says what an ICMPv6 error of that type and code means for the
// probe that it quotes, 0 if nothing.
func ErrorKind6(icmpType, code uint8) ReplyKind {
	switch icmpType {
	case icmp6TimeExceeded:
		if code == codeTransit {
			return TimeExceeded
		}
	case icmp6Unreachable, icmp6PacketTooBig, icmp6ParameterProblem:
		return Unreachable
	}
	return 0
}

// ParseICMP4 reads an ICMP message that came from an address. The checksum is
// verified, because a raw socket is given messages before the kernel does that.
//
// The reply holds all that the message says; TTL, Stamp and Read are for the
// caller to add. Method is that of the probe that is quoted. The error is
// one of ErrNotReply, ErrTruncated, ErrMalformed and ErrChecksum, and the
// reply is then the zero value.
func ParseICMP4(b []byte, from netip.Addr) (Reply, error) {
	if len(b) < transportSize {
		return Reply{}, ErrTruncated
	}
	r := Reply{From: from, Type: b[0], Code: b[1]}
	kind := ErrorKind4(r.Type, r.Code)
	if r.Type == icmp4EchoReply {
		kind = EchoReply
	}
	if kind == 0 {
		return Reply{}, ErrNotReply
	}
	if fold(sum(0, b)) != 0xffff {
		return Reply{}, ErrChecksum
	}
	r.Kind = kind
	if kind == EchoReply {
		r.Destination = from
		r.setEcho(b)
		return r, nil
	}
	told := int(b[5]) * 4
	original, err := withoutExtensions(b[transportSize:], told)
	if err != nil {
		return Reply{}, err
	}
	if err := r.setQuoted4(original); err != nil {
		return Reply{}, err
	}
	r.Labels = labels(extensions(b[transportSize:], told))
	return r, nil
}

// ParseICMP6 reads an ICMPv6 message that came from an address, otherwise as
// ParseICMP4 does. The checksum is not verified: it covers the destination,
// which a socket does not tell, and the kernel has done so. The destination
// that an error quotes has no zone.
func ParseICMP6(b []byte, from netip.Addr) (Reply, error) {
	if len(b) < transportSize {
		return Reply{}, ErrTruncated
	}
	r := Reply{From: from, Type: b[0], Code: b[1]}
	if r.Type == icmp6EchoReply {
		r.Kind = EchoReply
		r.Destination = from
		r.setEcho(b)
		return r, nil
	}
	if r.Kind = ErrorKind6(r.Type, r.Code); r.Kind == 0 {
		return Reply{}, ErrNotReply
	}
	if r.Type != icmp6Unreachable && r.Type != icmp6TimeExceeded {
		if err := r.setQuoted6(b[transportSize:]); err != nil {
			return Reply{}, err
		}
		return r, nil
	}
	told := int(b[4]) * 8
	original, err := withoutExtensions(b[transportSize:], told)
	if err != nil {
		return Reply{}, err
	}
	if err := r.setQuoted6(original); err != nil {
		return Reply{}, err
	}
	r.Labels = labels(extensions(b[transportSize:], told))
	return r, nil
}

// withoutExtensions cuts what follows the original datagram of an ICMP error,
// whose length in bytes the error tells, 0 if nothing follows (RFC 4884,
// section 4). Routers that append extensions without telling the length pad
// to 128 bytes first; what is read of a datagram of ours ends before.
func withoutExtensions(original []byte, length int) ([]byte, error) {
	switch {
	case length == 0:
		return original, nil
	case length > len(original):
		return nil, ErrTruncated
	default:
		return original[:length], nil
	}
}

// setEcho takes over an echo's header and token. b holds at least the header.
func (r *Reply) setEcho(b []byte) {
	r.Protocol = Echo
	r.Identity = binary.BigEndian.Uint16(b[4:])
	r.Sequence = binary.BigEndian.Uint16(b[6:])
	r.setToken(b[transportSize:])
}

// setToken takes over the token that begins a payload, if the payload holds one.
func (r *Reply) setToken(payload []byte) {
	if len(payload) >= TokenSize {
		r.HasToken = true
		r.Token = binary.BigEndian.Uint64(payload)
	}
}

// dropPadding takes a quoted token of 0 for none. No probe's token is 0, but
// routers that quote only the eight transport bytes fill up to 128 with zeros
// when they append extensions (RFC 4884, section 4).
func (r *Reply) dropPadding() {
	if r.Token == 0 {
		r.HasToken = false
	}
}

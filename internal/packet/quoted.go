package packet

import (
	"encoding/binary"

	"netsonde"
)

// ParseQuotedEcho reads the echo request, header and payload as far as they
// are quoted, that Linux returns in the error queue of a ping socket of either
// family. Only Protocol, Identity, Sequence and the token are filled in; the
// rest stands in the control message (ErrorKind4, ErrorKind6). Extensions are
// not looked for: the socket would have to ask where they begin.
//
// Linux gives no length of the datagram. Where a router appended extensions, a
// request that was sent without a token may seem to have one.
//
// The error is ErrTruncated below eight bytes, or ErrNotReply.
func ParseQuotedEcho(b []byte) (Reply, error) {
	if len(b) < transportSize {
		return Reply{}, ErrTruncated
	}
	if b[0] != icmp4EchoRequest && b[0] != icmp6EchoRequest {
		return Reply{}, ErrNotReply
	}
	var r Reply
	r.setEcho(b)
	r.dropPadding()
	return r, nil
}

// setQuoted4 takes over the probe that an ICMP error quotes. The quoted
// header's checksum is not verified: routers decrement the TTL without it.
func (r *Reply) setQuoted4(b []byte) error {
	header, length, err := parseIPv4(b)
	if err != nil {
		return err
	}
	// Padding that follows a short datagram is not its payload.
	b = b[:min(length.total, len(b))]
	r.Destination = header.Destination
	if length.later {
		return ErrNotReply
	}
	return r.setTransport(header.Protocol, ProtocolNumberICMP, icmp4EchoRequest, b[length.header:])
}

// setQuoted6 takes over the probe that an ICMPv6 error quotes.
func (r *Reply) setQuoted6(b []byte) error {
	header, total, err := parseIPv6(b)
	if err != nil {
		return err
	}
	b = b[:min(total, len(b))]
	r.Destination = header.Destination
	protocol, transport, err := skipExtensionHeaders(header.NextHeader, b[ipv6HeaderSize:])
	if err != nil {
		return err
	}
	return r.setTransport(protocol, ProtocolNumberICMPv6, icmp6EchoRequest, transport)
}

// setTransport takes over the quoted transport header and token. icmp and
// echoRequest are the numbers of the family.
func (r *Reply) setTransport(protocol, icmp, echoRequest uint8, b []byte) error {
	if protocol != icmp && protocol != ProtocolNumberUDP && protocol != ProtocolNumberTCP {
		return ErrNotReply
	}
	if len(b) < transportSize {
		return ErrTruncated
	}
	if protocol == icmp {
		// Nested errors, which no host may send, end here too.
		if b[0] != echoRequest {
			return ErrNotReply
		}
		r.setEcho(b)
		r.dropPadding()
		return nil
	}
	if protocol == ProtocolNumberTCP {
		r.setTCP(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]))
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length < transportSize {
		return ErrMalformed
	}
	r.Protocol = UDP
	r.Method = netsonde.MethodUDP
	r.Identity = binary.BigEndian.Uint16(b)
	r.Port = binary.BigEndian.Uint16(b[2:])
	r.Sequence = binary.BigEndian.Uint16(b[udpChecksumOffset:])
	r.setToken(b[transportSize:min(length, len(b))])
	r.dropPadding()
	return nil
}

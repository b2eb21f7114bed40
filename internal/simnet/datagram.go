package simnet

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"

	"netsonde/internal/packet"
)

// initialTTL is that of probes that ask for none and of all answers, as on Linux.
const initialTTL = 64

// Linux cuts ICMP errors to 576 bytes (RFC 1812, section 4.3.2.3) and ICMPv6
// errors to the least MTU of 1,280 (RFC 4443, section 2.4); less the headers
// this is left for the quote.
const (
	quoteSize4 = 576 - ipv4HeaderSize - icmpHeaderSize
	quoteSize6 = 1280 - ipv6HeaderSize - icmpHeaderSize
)

const (
	ipv4HeaderSize = 20
	ipv6HeaderSize = 40
	icmpHeaderSize = 8
)

// ICMP types and codes that the codec has no names for outside.
const (
	icmp4EchoRequest = 8
	icmp6EchoRequest = 128

	icmp4Unreachable    = 3
	icmp4CodeNoRoute    = 0
	icmp4CodePort       = 3
	icmp4CodeProhibited = 13

	icmp6Unreachable    = 1
	icmp6CodeNoRoute    = 0
	icmp6CodeProhibited = 1
	icmp6CodePort       = 4
)

// datagram is an IPv4 or IPv6 packet on its way.
type datagram struct {
	bytes               []byte
	source, destination netip.Addr
}

// newProbeDatagram encodes a probe whose source is known.
func newProbeDatagram(p *packet.Probe) datagram {
	ttl := p.TTL
	if ttl == 0 {
		ttl = initialTTL
	}
	switch p.Protocol {
	case packet.UDP:
		return newDatagram(p.Source, p.Destination, packet.ProtocolNumberUDP, ttl, packet.AppendUDP(nil, p))
	case packet.TCP:
		return newDatagram(p.Source, p.Destination, packet.ProtocolNumberTCP, ttl, packet.AppendTCP(nil, p))
	default:
		return newDatagram(p.Source, p.Destination, icmpNumber(p.Source), ttl, packet.AppendEcho(nil, p))
	}
}

func newDatagram(source, destination netip.Addr, protocol, ttl uint8, payload []byte) datagram {
	d := datagram{source: source, destination: destination}
	if source.Is4() {
		d.bytes = packet.AppendIPv4Header(make([]byte, 0, ipv4HeaderSize+len(payload)), packet.IPv4{
			Source: source, Destination: destination, Protocol: protocol, TTL: ttl,
		}, len(payload))
	} else {
		d.bytes = packet.AppendIPv6Header(make([]byte, 0, ipv6HeaderSize+len(payload)), packet.IPv6{
			Source: source, Destination: destination, NextHeader: protocol, HopLimit: ttl,
		}, len(payload))
	}
	d.bytes = append(d.bytes, payload...)
	return d
}

func icmpNumber(address netip.Addr) uint8 {
	if address.Is4() {
		return packet.ProtocolNumberICMP
	}
	return packet.ProtocolNumberICMPv6
}

// ttl points at the TTL or hop limit.
func (d datagram) ttl() *byte {
	if d.source.Is4() {
		return &d.bytes[8]
	}
	return &d.bytes[7]
}

func (d datagram) protocol() uint8 {
	if d.source.Is4() {
		return d.bytes[9]
	}
	return d.bytes[6]
}

func (d datagram) transport() []byte {
	if d.source.Is4() {
		return d.bytes[ipv4HeaderSize:]
	}
	return d.bytes[ipv6HeaderSize:]
}

// isEchoRequest tells an echo request from all other packets.
func (d datagram) isEchoRequest() bool {
	transport := d.transport()
	if len(transport) < icmpHeaderSize {
		return false
	}
	if d.source.Is4() {
		return d.protocol() == packet.ProtocolNumberICMP && transport[0] == icmp4EchoRequest
	}
	return d.protocol() == packet.ProtocolNumberICMPv6 && transport[0] == icmp6EchoRequest
}

// isProbe tells what may be answered from what never is.
func (d datagram) isProbe() bool {
	return d.isEchoRequest() || d.protocol() == packet.ProtocolNumberUDP || d.isSYN()
}

// isSYN tells the first segment of a connection.
func (d datagram) isSYN() bool {
	const flagsOffset, flagSYN = 13, 0x02
	transport := d.transport()
	return d.protocol() == packet.ProtocolNumberTCP && len(transport) > flagsOffset && transport[flagsOffset] == flagSYN
}

// quote is what an error about the datagram holds of it.
func (d datagram) quote(short bool) []byte {
	header, most := ipv4HeaderSize, quoteSize4
	if !d.source.Is4() {
		header, most = ipv6HeaderSize, quoteSize6
	}
	if short {
		most = header + icmpHeaderSize
	}
	return d.bytes[:min(most, len(d.bytes))]
}

// flow is what routers that balance by flow look at: addresses, protocol and
// the first four transport bytes, which are the ports of a datagram or segment
// and type, code and checksum of an echo.
func (d datagram) flow() uint64 {
	h := fnv.New64a()
	h.Write(d.source.AsSlice())
	h.Write(d.destination.AsSlice())
	h.Write([]byte{d.protocol()})
	h.Write(d.transport()[:min(4, len(d.transport()))])
	return h.Sum64()
}

// choose picks one of n ways for a flow at a node. Nodes choose unlike each other.
func choose(flow, seed, node uint64, n int) int {
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], flow)
	binary.BigEndian.PutUint64(b[8:], seed)
	binary.BigEndian.PutUint64(b[16:], node)
	h := fnv.New64a()
	h.Write(b[:])
	// The low bits of FNV mix badly.
	return int((h.Sum64() >> 32) % uint64(n))
}

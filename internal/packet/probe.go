package packet

import (
	"net/netip"
	"syscall"
	"time"

	"netsonde"
)

// Protocol is what a probe is sent as.
type Protocol uint8

// The protocols.
const (
	// Echo is an ICMP or ICMPv6 echo request.
	Echo Protocol = iota
	// UDP is a datagram to a port where nobody is expected to listen.
	UDP
	// TCP is the first packet of a connection, which the target accepts or
	// refuses; no connection comes of it.
	TCP
)

// TokenSize is the number of payload bytes that the token takes; shorter
// payloads carry none.
const TokenSize = 8

// FlowSize is the number of payload bytes of a probe with a fixed flow: the
// token, a balancing word that holds the checksum, and padding.
const FlowSize = 12

// Probe is one packet to be sent.
//
// Identity and Sequence name the slot in the engine that waits for the
// answer. They are chosen so that they come back in the eight transport bytes
// that every ICMP error quotes: of an echo they are its identifier and
// sequence number, of a datagram its source port and its UDP checksum, which
// the payload is balanced for, of a TCP probe its source port and the upper
// half of its sequence number. So all packets of a trace are one flow.
type Probe struct {
	Protocol    Protocol
	Destination netip.Addr
	// Source is the address to send from. Invalid lets the system choose, save
	// for UDP and TCP, whose checksums cover it: the connection then looks it up.
	Source netip.Addr
	// TTL is the TTL or hop limit; 0 means the system's default.
	TTL      uint8
	Identity uint16
	Sequence uint16
	// Port is the UDP or TCP destination port.
	Port uint16
	// DSCP is the differentiated services codepoint, 0 to 63 (RFC 2474).
	DSCP uint8
	// DontFragment forbids to cut the packet, here and on the way.
	DontFragment bool
	// Size is the number of payload bytes. Token stands in the first eight if
	// they fit, the rest are zero. It is never 0, which is how quotes are padded.
	// A TCP probe has no payload, and a token of 16 bits.
	Size  int
	Token uint64
	// FixedFlow keeps the ICMP checksum at FlowChecksum + Flow whatever the
	// sequence and the token, by a balancing word behind the token, so that
	// load-balancing routers see one flow. Size must be at least FlowSize.
	FixedFlow bool
	// Flow numbers the fixed flows of echoes. Those of datagrams and of TCP
	// probes differ by their ports.
	Flow uint8

	// Slot belongs to the sender and is not sent.
	Slot int32
	// Sent is filled in by the connection: the clocks just before the send.
	Sent netsonde.Instant
	// Handed is filled in by the connection: the monotonic clock just after the
	// send, 0 where that was not read. Whoever was kept from running in between has
	// sent later than Sent says.
	Handed time.Duration
	// Errno is filled in by the connection: why the send failed, 0 if it did not.
	Errno syscall.Errno
}

// FlowChecksum is the ICMP checksum of probes with the fixed flow 0.
const FlowChecksum uint16 = 0xbeef

// ReplyKind is what a reply means for the probe that it answers.
type ReplyKind uint8

// The kinds of reply.
const (
	// EchoReply is the target's answer to an echo.
	EchoReply ReplyKind = iota + 1
	// TimeExceeded tells that the TTL ran out at From.
	TimeExceeded
	// Unreachable is any other ICMP error; Type and Code say which.
	Unreachable
	// PortAnswered is any answer of the target's port itself, UDP or TCP,
	// where a connection measures by such a port.
	PortAnswered
)

// Reply is one packet that may answer a probe of ours. Whether it does is for
// the engine to say: Identity, Sequence, Destination and, where there is one,
// Token must all be those of a probe that waits.
type Reply struct {
	Kind     ReplyKind
	Protocol Protocol
	// From is who sent the reply.
	From netip.Addr
	// Destination is where the probe had gone: From of an echo reply, the
	// quoted destination of an error.
	Destination netip.Addr
	Identity    uint16
	Sequence    uint16
	// Port is the quoted UDP or TCP destination port, or the one that answers.
	Port uint16
	// HasToken tells that the reply held eight payload bytes, or quoted eight
	// that are not all zero. An answer to a TCP probe always has its token.
	HasToken bool
	Token    uint64
	// TTL is the reply's remaining TTL or hop limit, 0 when unknown.
	TTL uint8
	// Type and Code are the ICMP type and code of the reply.
	Type, Code uint8
	// Method is what kind of packet the RTT was measured with.
	Method netsonde.Method
	// Labels are the MPLS labels that an ICMP error says its probe had, "" for
	// none. They are all that is kept of its extensions.
	Labels netsonde.LabelStack
	// Stamp is the kernel's CLOCK_REALTIME reading of the arrival in
	// nanoseconds since the Unix epoch, 0 when there is none.
	Stamp int64
	// Left is the same of the probe's leaving, 0 when there is none. A
	// connection goes by identity and sequence: what an earlier probe of the
	// same left behind lies before the probe was sent.
	Left int64
	// Read is when the connection read the reply.
	Read netsonde.Instant
}

// PortUnreachable reports whether the reply is the error of a closed port,
// which is how a target answers a datagram.
func (r *Reply) PortUnreachable() bool {
	if r.Kind != Unreachable {
		return false
	}
	if r.From.Is4() {
		return r.Type == icmp4Unreachable && r.Code == icmp4CodePort
	}
	return r.Type == icmp6Unreachable && r.Code == icmp6CodePort
}

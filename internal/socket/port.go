package socket

import (
	"encoding/binary"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// portPayload is the least payload of a datagram to a port: the token, the
// identity and the sequence, which errors quote.
const portPayload = packet.TokenSize + 4

// portIdentities is how many identities there are. They are names of ours
// only and stand in the payload.
const portIdentities = blockSize

// port measures without any right to ICMP: by a datagram to a port where
// nobody should listen, whose refusal the error queue quotes, and beside it
// (see attempts) by a TCP connection.
type port struct {
	udp       [2]*datagram // IPv4 and IPv6; nil for a family that is missing
	zones     zones
	shortfall string
}

// openPort opens what every user may have. A family that cannot be opened is
// left out; with none left the error is that of IPv4.
func openPort() (*port, error) {
	p := &port{}
	var err, err6 error
	p.udp[0], err = openPortSocket(false)
	p.udp[1], err6 = openPortSocket(true)
	if err != nil && err6 != nil {
		return nil, err
	}
	return p, nil
}

func openPortSocket(six bool) (*datagram, error) {
	d, err := openDatagram(six, unix.SOCK_DGRAM, unix.IPPROTO_UDP, nil)
	if err != nil {
		return nil, err
	}
	if err = d.prepare(); err == nil {
		err = d.bind(0)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (p *port) capabilities() packet.Capabilities {
	ids := make([]uint16, portIdentities)
	for i := range ids {
		ids[i] = uint16(i + 1)
	}
	return packet.Capabilities{
		ICMP: ids,
		// Routers that quote the payload, as RFC 1812 section 4.3.2.3 wants,
		// show up in traces; the others are silent hops.
		Trace:       true,
		HopMethod:   netsonde.MethodUDP,
		Description: "UDP to a closed port, and TCP connect",
		Shortfall:   p.shortfall,
	}
}

func (p *port) sockets() []*datagram { return present(p.udp[:]) }

// senders are none: the answers to attempts have no stamps, and a datagram's
// would make RTTs of two kinds.
func (p *port) senders() []*datagram { return nil }

func (p *port) socket(probe *packet.Probe) *datagram {
	if probe.Protocol != packet.Echo {
		return nil
	}
	return p.udp[family(probe.Destination)]
}

func (p *port) compose(o *outgoing, probe *packet.Probe, _ netsonde.Instant) syscall.Errno {
	scope, errno := p.zones.scope(probe.Destination)
	if errno != 0 {
		return errno
	}
	payload := appendPortPayload(o.payload, probe)
	o.grow(probe, payload, probe.Destination, firstTracePort, scope, probe.Source)
	return 0
}

func (*port) narrowed(*packet.Probe) bool { return false }

func appendPortPayload(buf []byte, probe *packet.Probe) []byte {
	buf = binary.BigEndian.AppendUint64(buf, probe.Token)
	buf = binary.BigEndian.AppendUint16(buf, probe.Identity)
	buf = binary.BigEndian.AppendUint16(buf, probe.Sequence)
	return append(buf, make([]byte, max(0, probe.Size-portPayload))...)
}

func (p *port) interpret(d *datagram, m *message) (packet.Reply, bool) {
	if len(m.data) < portPayload || m.port != firstTracePort {
		return packet.Reply{}, false
	}
	// Of an error, the sender is where the datagram had gone; of an answer
	// by a program there, both are one.
	destination := p.zones.restore(m.from, m.scope)
	reply := packet.Reply{
		Kind:        packet.PortAnswered,
		Protocol:    packet.Echo,
		Method:      netsonde.MethodUDP,
		From:        destination,
		Destination: destination,
		HasToken:    true,
		Token:       binary.BigEndian.Uint64(m.data),
		Identity:    binary.BigEndian.Uint16(m.data[packet.TokenSize:]),
		Sequence:    binary.BigEndian.Uint16(m.data[packet.TokenSize+2:]),
		TTL:         m.ttl,
	}
	if !m.failed {
		return reply, true
	}
	reply.Kind, reply.Type, reply.Code = errorKind(d.six, m), m.kind, m.code
	reply.From = p.zones.restore(m.offender, m.offenderScope)
	if reply.Kind == 0 || !reply.From.IsValid() {
		return packet.Reply{}, false
	}
	if reply.From == destination && reply.PortUnreachable() {
		reply.Kind = packet.PortAnswered
	}
	return reply, true
}

func (p *port) close() error { return closeAll(p.udp[:]) }

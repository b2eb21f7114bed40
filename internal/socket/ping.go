package socket

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// pingSockets is how many ping sockets are opened a family: each is one
// identity, of the kernel's choice, with 65,536 sequences.
const pingSockets = 8

// ping measures with unprivileged ICMP sockets (icmp(7), ping_group_range).
// ICMP errors come through the error queues, with the header of the echo that
// they are about, and so traces are made of echoes.
type ping struct {
	// pairs are the sockets of one identity, IPv4 and IPv6. The kernel gives
	// the two different identifiers; outside, the pair goes by one of them.
	pairs     [pingSockets][2]*datagram
	ids       []uint16
	zones     zones
	shortfall string
}

// openPing opens what the system lets an ordinary user have. A family that
// cannot be opened is left out; with none left the error is that of IPv4.
func openPing() (p *ping, err error) {
	p = &ping{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			p = nil
		}
	}()
	for i := range p.pairs {
		pair := &p.pairs[i]
		var err6 error
		pair[0], err = openPingSocket(false)
		pair[1], err6 = openPingSocket(true)
		if err != nil && err6 != nil {
			return p, err
		}
		err = nil
		id := uint16(0)
		for _, d := range present(pair[:]) {
			if id == 0 {
				id = d.identity
			}
			d.identity = id
		}
		p.ids = append(p.ids, id)
	}
	return p, nil
}

func openPingSocket(six bool) (d *datagram, err error) {
	protocol := unix.IPPROTO_ICMP
	if six {
		protocol = unix.IPPROTO_ICMPV6
	}
	if d, err = openDatagram(six, unix.SOCK_DGRAM, protocol, nil); err != nil {
		return nil, err
	}
	if err = d.bind(0); err == nil {
		d.identity, err = d.port()
	}
	if err == nil {
		err = d.prepare()
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (p *ping) capabilities() packet.Capabilities {
	return packet.Capabilities{
		ICMP:        p.ids,
		Trace:       true,
		Description: "unprivileged ping sockets",
		Shortfall:   p.shortfall,
	}
}

func (p *ping) sockets() (all []*datagram) {
	for i := range p.pairs {
		all = append(all, present(p.pairs[i][:])...)
	}
	return all
}

func (p *ping) senders() []*datagram { return p.sockets() }

func (p *ping) socket(probe *packet.Probe) *datagram {
	if probe.Protocol != packet.Echo {
		return nil
	}
	for i, id := range p.ids {
		if id == probe.Identity {
			return p.pairs[i][family(probe.Destination)]
		}
	}
	return nil
}

func (p *ping) compose(o *outgoing, probe *packet.Probe, _ netsonde.Instant) syscall.Errno {
	if probe.Destination.Is6() && probe.Source.IsValid() {
		// The kernel takes the source of an IPv6 ping socket from its bind
		// and ignores IPV6_PKTINFO. Better no answer than one of another path.
		return unix.EOPNOTSUPP
	}
	scope, errno := p.zones.scope(probe.Destination)
	if errno != 0 {
		return errno
	}
	// The kernel replaces identifier and checksum. A fixed flow stays one: the
	// identifier is the same for all packets of a socket.
	o.grow(probe, packet.AppendEcho(o.payload, probe), probe.Destination, 0, scope, probe.Source)
	return 0
}

func (*ping) narrowed(*packet.Probe) bool { return false }

func (p *ping) interpret(d *datagram, m *message) (packet.Reply, bool) {
	from := p.zones.restore(m.from, m.scope)
	var reply packet.Reply
	var err error
	switch {
	case m.failed:
		reply, err = packet.ParseQuotedEcho(m.data)
		reply.From = p.zones.restore(m.offender, m.offenderScope)
		reply.Destination = from
		reply.Kind, reply.Type, reply.Code = errorKind(d.six, m), m.kind, m.code
	case d.six:
		reply, err = packet.ParseICMP6(m.data, from)
	default:
		reply, err = packet.ParseICMP4(m.data, from)
	}
	if err != nil || reply.Kind == 0 || !reply.From.IsValid() {
		return packet.Reply{}, false
	}
	// The kernel has compared the identifier with the socket's own.
	reply.Identity, reply.TTL = d.identity, m.ttl
	return reply, true
}

// errorKind says what the ICMP error of an error queue entry means.
func errorKind(six bool, m *message) packet.ReplyKind {
	if six {
		return packet.ErrorKind6(m.kind, m.code)
	}
	return packet.ErrorKind4(m.kind, m.code)
}

func (p *ping) close() (err error) {
	for i := range p.pairs {
		err = errors.Join(err, closeAll(p.pairs[i][:]))
	}
	return err
}

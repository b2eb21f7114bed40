package simnet

import (
	"bytes"
	"math/rand/v2"
	"time"

	"netsonde/internal/packet"
)

// journey carries one probe, and all that it causes, to where it ends. The
// network's mutex is held for all of it.
type journey struct {
	network *Network
	chance  *rand.Rand
	// back is called for what reaches the client.
	back func(at time.Duration, d datagram)
}

// step handles a datagram that is at a node, and those that become of it.
// origin tells that it was sent there.
func (j *journey) step(at time.Duration, here *Node, d datagram, origin bool) {
	owner, answer := j.network.owner(d.destination)
	if owner == here {
		j.arrive(at, here, answer, d)
		return
	}
	if !origin {
		ttl := d.ttl()
		if *ttl <= 1 {
			j.tell(at, here, d, timeExceeded)
			return
		}
		*ttl--
	}
	var ways []*Link
	if owner != nil {
		ways = j.network.way(here, owner)
	}
	if len(ways) == 0 {
		j.tell(at, here, d, noRoute)
		return
	}
	link := ways[choose(d.flow(), j.network.seed, here.index, len(ways))]
	for i, delay := range link.quality[link.side(here)].cross(j.chance) {
		next := d
		if i > 0 {
			next.bytes = bytes.Clone(d.bytes)
		}
		j.step(at+delay, link.other(here), next, false)
	}
}

// arrive has a datagram answered by the node that it was sent to.
func (j *journey) arrive(at time.Duration, here *Node, answer Answer, d datagram) {
	if !d.isProbe() {
		if here == j.network.client {
			j.back(at, d)
		}
		return
	}
	switch {
	case answer == AnswerNothing, answer == AnswerNoEcho && d.isEchoRequest():
	case answer == AnswerProhibited:
		j.tell(at, here, d, prohibited)
	case answer == AnswerNoRoute:
		j.tell(at, here, d, noRoute)
	case d.isEchoRequest():
		reply := packet.AppendEchoReply(nil, d.destination, d.source, d.transport())
		j.step(at, here, newDatagram(d.destination, d.source, icmpNumber(d.source), initialTTL, reply), true)
	case d.isSYN():
		refusal := packet.AppendTCPAnswer(nil, d.destination, d.source, d.transport(), false)
		j.step(at, here, newDatagram(d.destination, d.source, packet.ProtocolNumberTCP, initialTTL, refusal), true)
	default:
		icmpType, code := closedPort.number(d.source.Is4())
		reply := packet.AppendUnreachable(nil, d.destination, d.source, icmpType, code, d.quote(here.short))
		j.step(at, here, newDatagram(d.destination, d.source, icmpNumber(d.source), initialTTL, reply), true)
	}
}

// complaint is why a node sends an error.
type complaint uint8

const (
	timeExceeded complaint = iota
	noRoute
	prohibited
	closedPort
)

// number returns the type and code of an unreachable.
func (c complaint) number(is4 bool) (icmpType, code uint8) {
	switch {
	case c == noRoute && is4:
		return icmp4Unreachable, icmp4CodeNoRoute
	case c == noRoute:
		return icmp6Unreachable, icmp6CodeNoRoute
	case c == prohibited && is4:
		return icmp4Unreachable, icmp4CodeProhibited
	case c == prohibited:
		return icmp6Unreachable, icmp6CodeProhibited
	case is4:
		return icmp4Unreachable, icmp4CodePort
	default:
		return icmp6Unreachable, icmp6CodePort
	}
}

// tell has a node send an error about a probe from its own address.
func (j *journey) tell(at time.Duration, here *Node, d datagram, why complaint) {
	from := here.address(d.source)
	if !d.isProbe() || here.silent || !from.IsValid() || !here.allows(at) {
		return
	}
	var message []byte
	if why == timeExceeded {
		message = packet.AppendTimeExceeded(nil, from, d.source, d.quote(here.short))
	} else {
		icmpType, code := why.number(from.Is4())
		message = packet.AppendUnreachable(nil, from, d.source, icmpType, code, d.quote(here.short))
	}
	j.step(at, here, newDatagram(from, d.source, icmpNumber(from), initialTTL, message), true)
}

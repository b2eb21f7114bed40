package agent

import (
	"net/netip"
	"time"
)

const (
	// paceSlack is how much a sweep may make up for at once that was woken too
	// late to keep its rate.
	paceSlack = 10 * time.Millisecond
	// networkSlack is over how long a network's rate is reckoned.
	networkSlack = time.Second
	// The prefixes that count as one network.
	networkBits4, networkBits6 = 24, 48
	// mostNetworks are remembered before those that have rested are forgotten.
	mostNetworks = 1024
)

// pace says when the next target may begin, by the virtual scheduling form of
// the generic cell rate algorithm (ITU-T I.371, annex A), which wants one time
// a rate and no timer. The zero value never waits.
type pace struct {
	// packet is the time that a packet takes up, of all and of a network's.
	packet, networkPacket time.Duration
	// next is the earliest time of the next packet, and that of each network.
	next     time.Duration
	networks map[netip.Prefix]time.Duration
}

// newPace takes packets a second; 0 is no bound.
func newPace(rate, networkRate int) *pace {
	p := &pace{networks: map[netip.Prefix]time.Duration{}, next: -paceSlack}
	if rate > 0 {
		p.packet = time.Second / time.Duration(rate)
	}
	if networkRate > 0 {
		p.networkPacket = time.Second / time.Duration(networkRate)
	}
	return p
}

// ready returns the earliest time at which a target at that address may begin.
func (p *pace) ready(now time.Duration, to netip.Addr) (at time.Duration) {
	at = now
	if p.packet > 0 {
		at = max(at, p.next)
	}
	if p.networkPacket > 0 {
		if next, busy := p.networks[network(to)]; busy {
			at = max(at, next)
		}
	}
	return at
}

// charge takes note of the packets of a target that begins. They need not
// leave at once: the rate is that of the long run.
func (p *pace) charge(now time.Duration, to netip.Addr, packets int) {
	if p.packet > 0 {
		p.next = max(p.next, now-paceSlack) + time.Duration(packets)*p.packet
	}
	if p.networkPacket == 0 {
		return
	}
	if len(p.networks) >= mostNetworks {
		p.forgetRested(now)
	}
	prefix := network(to)
	next, busy := p.networks[prefix]
	if !busy {
		next = now - networkSlack
	}
	p.networks[prefix] = max(next, now-networkSlack) + time.Duration(packets)*p.networkPacket
}

// forgetRested forgets networks for which it no longer makes a difference.
func (p *pace) forgetRested(now time.Duration) {
	for prefix, next := range p.networks {
		if next <= now-networkSlack {
			delete(p.networks, prefix)
		}
	}
}

func network(to netip.Addr) netip.Prefix {
	bits := networkBits6
	if to.Is4() {
		bits = networkBits4
	}
	prefix, err := to.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{} // only of an invalid address, which cannot be sent to
	}
	return prefix
}

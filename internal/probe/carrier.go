package probe

import (
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// gaveUpWithoutCarrier reports whether an error about an echo is this machine's
// own, because it did not find the next hop by an interface that had no carrier
// while it asked for it, or part of that time.
func (e *Engine) gaveUpWithoutCarrier(r *packet.Reply, to, from netip.Addr, sent netsonde.Instant) bool {
	l := &e.losses
	interfaceOf := e.options.Machine.Interface
	if interfaceOf == nil || l.latest == nil {
		return false
	}
	if !l.anyOutage(sent.Monotonic) {
		return false
	}
	own := l.latest.Interface(interfaceOf(r.From, netip.Addr{}))
	if own == nil || !own.Loopback {
		return false
	}
	by := interfaceOf(to, from)
	for i := range l.latest.Outages {
		// Others may have none for good: bridges that nobody uses, free sockets.
		if o := &l.latest.Outages[i]; o.Interface == by && outlasts(o, sent.Monotonic) {
			return true
		}
	}
	return false
}

// neighbourPatience is how long Linux asks for a neighbour's hardware address
// before it gives up (arp(7)): three times, a second apart.
const neighbourPatience = 3 * time.Second

// outlasts reports whether an outage, or the search for a next hop that began in
// it, may have lasted at a moment.
func outlasts(o *netsonde.Outage, at time.Duration) bool {
	longer := *o
	if longer.To > 0 {
		longer.To += neighbourPatience
	}
	return longer.Covers(at)
}

// anyOutage reports whether some interface had no carrier at a moment, or soon
// before.
func (l *losses) anyOutage(at time.Duration) bool {
	for i := range l.latest.Outages {
		if outlasts(&l.latest.Outages[i], at) {
			return true
		}
	}
	return false
}

// withoutCarrier reports whether the interface by which packets to an address
// leave surely had no carrier at a moment.
func (e *Engine) withoutCarrier(to, from netip.Addr, at time.Duration) bool {
	l := &e.losses
	if e.options.Machine.Interface == nil || l.latest == nil || !l.anyOutage(at) {
		return false
	}
	index := e.options.Machine.Interface(to, from)
	for i := range l.latest.Outages {
		o := &l.latest.Outages[i]
		if o.Interface == index && o.Certain(at) && (o.To > 0 || at <= l.latest.Began) {
			return true
		}
	}
	return false
}

// cut reports whether an interface had no carrier for an echo: certainly not, or
// it may have had none, and the echo was not given to it, also soon after, since
// then the next hop is still looked for. One that was given to it may have waited
// until the carrier was back.
func (l *losses) cut(index int, departure packet.Departure, p *lost) bool {
	at := p.sent.Monotonic
	for i := range l.latest.Outages {
		o := &l.latest.Outages[i]
		if o.Interface != index || !outlasts(o, at) {
			continue
		}
		switch departure {
		case packet.NotDeparted:
			// Of an outage that goes on nothing is known after the last look.
			if o.To > 0 || at <= l.latest.Began {
				return true
			}
		case packet.HasDeparted:
			if o.Certain(at) && (o.To == 0 || o.To > p.until) {
				return true
			}
		default:
			if o.Certain(at) {
				return true
			}
		}
	}
	return false
}

// outageDuring reports whether an interface may have had no carrier between two
// moments.
func (l *losses) outageDuring(index int, from, to time.Duration) bool {
	for i := range l.latest.Outages {
		if o := &l.latest.Outages[i]; o.Interface == index && o.From < to && (o.To == 0 || o.To > from) {
			return true
		}
	}
	return false
}

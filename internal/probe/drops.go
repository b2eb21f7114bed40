package probe

import (
	"math"
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// Machine answers what is known of this machine's part in the fate of one probe.
// It is asked only when the kernel has dropped something meanwhile.
type Machine struct {
	// Departed tells whether a probe was given to a device, since a moment of
	// the real clock.
	Departed func(protocol packet.Protocol, identity, sequence uint16, since int64) packet.Departure
	// Interface is the index of the interface by which packets to an address
	// leave, from one of ours if that is valid; 0 when it is not known.
	Interface func(to, from netip.Addr) int
}

// losses remembers what this machine dropped, and when, to tell a probe that we
// lost from one that path or target did.
type losses struct {
	overruns overruns
	latest   *netsonde.Drops
	recent   []loss
	// sent and received count our packets, those before as of the latest look.
	sent, received             uint64
	sentBefore, receivedBefore uint64
	// heldUntil is how long a look is waited for.
	heldUntil time.Duration
}

// loss is what one interface dropped, of which the cause says where, between
// two looks.
type loss struct {
	from, to  time.Duration
	index     int
	cause     netsonde.Cause
	remaining uint64
	// shared is how many of them are likely to have been ours, when nothing else
	// is known of the packets that were dropped.
	shared uint64
}

// Dropped tells what the kernel has counted by now. A probe is charged to it
// where it can only have been lost here, or is likely to (DESIGN.md).
func (e *Engine) Dropped(d *netsonde.Drops) {
	l := &e.losses
	if d == nil || d == l.latest {
		return
	}
	if before := l.latest; before != nil {
		keep := l.recent[:0]
		for _, r := range l.recent {
			if r.remaining > 0 && d.Ended-r.to < holdTime {
				keep = append(keep, r)
			}
		}
		l.recent = keep
		for i := range d.Interfaces {
			now := &d.Interfaces[i]
			if was := before.Interface(now.Index); was != nil {
				l.compare(before, d, was, now)
			}
		}
	}
	l.latest, l.heldUntil = d, 0
	l.sentBefore, l.receivedBefore = l.sent, l.received
}

// compare takes note of what an interface has dropped between two looks.
func (l *losses) compare(before, after *netsonde.Drops, was, now *netsonde.InterfaceDrops) {
	sent, received := l.sent-l.sentBefore, l.received-l.receivedBefore
	arrived := received
	if now.Loopback {
		arrived += sent // requests come in there as well
	}
	add := func(cause netsonde.Cause, dropped, ours, passed uint64) {
		if dropped == 0 {
			return
		}
		share := 0.0
		if passed > 0 {
			share = min(float64(ours)/float64(passed), 1)
		}
		l.recent = append(l.recent, loss{
			from: before.Began, to: after.Ended, index: now.Index, cause: cause,
			remaining: dropped, shared: uint64(math.Round(float64(dropped) * share)),
		})
	}
	in, out := grown(was.Received, now.Received), grown(was.Sent, now.Sent)
	// The backlog's own counter does not say whose packets those were, and that
	// of the interface not why they were dropped.
	backlog := min(grown(before.Backlog, after.Backlog), grown(was.ReceiveDropped, now.ReceiveDropped))
	add(netsonde.CauseBacklog, backlog, arrived, in)
	add(netsonde.CauseInterfaceIn, grown(was.ReceiveMissed, now.ReceiveMissed), arrived, in)
	add(netsonde.CauseQueue, grown(was.QueueDropped, now.QueueDropped), 0, 0)
	add(netsonde.CauseInterfaceOut, grown(was.SendDropped, now.SendDropped), sent, out)
}

// grown is by how much a counter has grown, which begins anew with its owner.
func grown(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// AwaitLook has what is to be given up wait for the next Dropped, until a time at
// the latest, unless the next round would have to wait with it.
func (e *Engine) AwaitLook(until time.Duration) { e.losses.heldUntil = until }

// putOff puts a review off that has to wait for a look.
func (e *Engine) putOff(m *measurement, now time.Duration) bool {
	until := e.losses.heldUntil
	if now >= until || m.group.start.queued() && m.group.due < until {
		return false
	}
	e.reviews.set(&m.reviewing, min(until, now+lookPoll))
	return true
}

// lookPoll is how often it is seen whether the look has come.
const lookPoll = 5 * time.Millisecond

// NextReview is the monotonic time at which Expire next gives up on something,
// unless that is answered before. ok is false when nothing is waited for.
func (e *Engine) NextReview() (at time.Duration, ok bool) { return e.reviews.next() }

// lost is an echo that nothing answered.
type lost struct {
	identity, sequence uint16
	to, from           netip.Addr
	sent               netsonde.Instant
	until              time.Duration
	// stamped tells that the kernel stamps what leaves for there.
	stamped bool
}

// explain says what became of an echo that was given up, and charges it to a
// drop of this machine's if one explains it.
func (e *Engine) explain(p *lost) (netsonde.Outcome, netsonde.Cause) {
	l := &e.losses
	if index := e.lostBy(p); index != 0 {
		departure := packet.DepartureUnknown
		if p.stamped && e.options.Machine.Departed != nil {
			departure = e.options.Machine.Departed(packet.Echo, p.identity, p.sequence, p.sent.Real)
		}
		if l.cut(index, p.sent.Monotonic, departure) {
			return netsonde.OutcomeSendFailed, netsonde.CauseNoCarrier
		}
		if cause := l.charge(index, departure, p); cause != netsonde.CauseNone {
			if cause >= netsonde.CauseQueue {
				return netsonde.OutcomeSendFailed, cause
			}
			return netsonde.OutcomeOverrun, cause
		}
	}
	if l.overruns.explain(p.sent.Monotonic, p.until) {
		return netsonde.OutcomeOverrun, netsonde.CauseReceiveBuffer
	}
	return netsonde.OutcomeUnanswered, netsonde.CauseNone
}

// gaveUpWithoutCarrier reports whether an error about an echo is this machine's
// own, because it did not find the next hop by an interface that had no carrier
// while it asked for it, or part of that time.
func (e *Engine) gaveUpWithoutCarrier(r *packet.Reply, to, from netip.Addr, sent netsonde.Instant) bool {
	l := &e.losses
	interfaceOf := e.options.Machine.Interface
	if interfaceOf == nil || l.latest == nil {
		return false
	}
	for i := range l.latest.Outages {
		o := &l.latest.Outages[i]
		if !l.outlasts(o, sent.Monotonic) {
			continue
		}
		own := l.latest.Interface(interfaceOf(r.From, netip.Addr{}))
		return own != nil && own.Loopback && interfaceOf(to, from) == o.Interface
	}
	return false
}

// neighbourPatience is how long Linux asks for a neighbour's hardware address
// before it gives up (arp(7)): three times, a second apart.
const neighbourPatience = 3 * time.Second

// anyOutage reports whether some interface had no carrier at a moment, or soon
// before.
func (l *losses) anyOutage(at time.Duration) bool {
	for i := range l.latest.Outages {
		if l.outlasts(&l.latest.Outages[i], at) {
			return true
		}
	}
	return false
}

// lostBy is the interface that an echo should have left by, 0 when that is not
// known or no interface lost anything while the echo was waited for.
func (e *Engine) lostBy(p *lost) int {
	l := &e.losses
	if e.options.Machine.Interface == nil || l.latest == nil {
		return 0
	}
	lossy := l.anyOutage(p.sent.Monotonic)
	for i := range l.recent {
		lossy = lossy || l.recent[i].saw(p)
	}
	if !lossy {
		return 0
	}
	return e.options.Machine.Interface(p.to, p.from)
}

// saw reports whether something was dropped while an echo was waited for.
func (r *loss) saw(p *lost) bool {
	return r.remaining > 0 && r.from <= p.until && r.to >= p.sent.Monotonic
}

// cut reports whether an echo of a moment was lost since an interface had no
// carrier. Where that is not certain, one that was given to the device was not;
// and one that was not, soon after an outage, still waits for the next hop to be
// found. Of an outage that goes on nothing is known after the last look.
func (l *losses) cut(index int, at time.Duration, departure packet.Departure) bool {
	for i := range l.latest.Outages {
		o := &l.latest.Outages[i]
		switch {
		case o.Interface != index:
		case o.Certain(at), departure == packet.NotDeparted && l.outlasts(o, at),
			departure == packet.DepartureUnknown && o.Covers(at) && (o.To > 0 || at <= l.latest.Began):
			return true
		}
	}
	return false
}

// outlasts reports whether an outage, or the search for a next hop that began in
// it, lasted at a moment.
func (l *losses) outlasts(o *netsonde.Outage, at time.Duration) bool {
	longer := *o
	if longer.To > 0 {
		longer.To += neighbourPatience
	}
	return longer.Covers(at)
}

// charge charges an echo to what its interface dropped. One that was not given
// to the device can only have been dropped before it or by it.
func (l *losses) charge(index int, departure packet.Departure, p *lost) netsonde.Cause {
	for i := range l.recent {
		r := &l.recent[i]
		if r.index != index || !r.saw(p) {
			continue
		}
		if departure == packet.NotDeparted {
			if r.cause >= netsonde.CauseQueue {
				r.remaining--
				r.shared = min(r.shared, r.remaining)
				return r.cause
			}
			continue
		}
		if r.cause == netsonde.CauseInterfaceOut && l.amidOutage(r) {
			continue // it dropped what came after the carrier had gone
		}
		if r.shared > 0 {
			r.shared--
			r.remaining--
			return r.cause
		}
	}
	return netsonde.CauseNone
}

// amidOutage reports whether the interface had no carrier at some time between
// the looks.
func (l *losses) amidOutage(r *loss) bool {
	for i := range l.latest.Outages {
		if o := &l.latest.Outages[i]; o.Interface == r.index && o.From < r.to && (o.To == 0 || o.To > r.from) {
			return true
		}
	}
	return false
}

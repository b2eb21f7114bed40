package probe

import (
	"math"
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// Machine answers what is known of this machine's part in the fate of one probe.
type Machine struct {
	// Departed tells whether a probe was given to a device, since a moment of
	// the real clock, and when by that clock if it was. It is asked before an echo
	// is given up; nil where nobody knows.
	Departed func(protocol packet.Protocol, identity, sequence uint16, since int64) (d packet.Departure, at int64)
	// Interface is the index of the interface by which packets to an address
	// leave, from one of ours if that is valid; 0 when it is not known. It is asked
	// only when the kernel has dropped something meanwhile.
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
	// stuck tells that a look was waited for in vain, and none has come since.
	stuck bool
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
	l.latest, l.stuck = d, false
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
	if index, lossy := e.lostBy(p); lossy {
		departure := packet.DepartureUnknown
		if p.stamped && e.options.Machine.Departed != nil {
			departure, _ = e.options.Machine.Departed(packet.Echo, p.identity, p.sequence, p.sent.Real)
		}
		// Its way is gone by now, with the link that was being set down.
		if index == 0 && departure == packet.NotDeparted && l.anyOutage(p.sent.Monotonic) {
			return netsonde.OutcomeSendFailed, netsonde.CauseNoCarrier
		}
		if l.cut(index, departure, p) {
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

// lostBy is the interface that an echo should have left by, 0 when that is not
// known. Lossy tells that some interface lost something while it was waited for.
func (e *Engine) lostBy(p *lost) (index int, lossy bool) {
	l := &e.losses
	if e.options.Machine.Interface == nil || l.latest == nil {
		return 0, false
	}
	lossy = l.anyOutage(p.sent.Monotonic)
	for i := range l.recent {
		lossy = lossy || l.recent[i].saw(p)
	}
	if !lossy {
		return 0, false
	}
	return e.options.Machine.Interface(p.to, p.from), true
}

// saw reports whether something was dropped while an echo was waited for.
func (r *loss) saw(p *lost) bool {
	return r.remaining > 0 && r.from <= p.until && r.to >= p.sent.Monotonic
}

// couldTake reports whether a drop can have been that of an echo that was given
// to the device. The device drops at once what it drops. Without carrier it drops
// so much that such a counter tells nothing of what left before or after.
func (l *losses) couldTake(r *loss, p *lost) bool {
	if r.cause != netsonde.CauseInterfaceOut {
		return true
	}
	at := p.sent.Monotonic
	return at >= r.from && at <= r.to && !l.outageDuring(r.index, r.from, r.to)
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
		if r.shared > 0 && l.couldTake(r, p) {
			r.shared--
			r.remaining--
			return r.cause
		}
	}
	return netsonde.CauseNone
}

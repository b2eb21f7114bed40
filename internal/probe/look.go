package probe

import (
	"time"

	"netsonde/internal/packet"
)

const (
	// lookAge is how long before an echo is given up the look has begun by which
	// that is judged, at most: shards ask for one somewhat later.
	lookAge = 60 * time.Millisecond
	// lookLimit is how long such a look is waited for: longer than Linux took to set
	// an interface down while both processors were taken.
	lookLimit = 2 * time.Second
	// lookGrace is how long before the next round that ends, usually.
	lookGrace = 50 * time.Millisecond
	// lookPoll and lookPollMost are how often it is seen whether the look has come,
	// less often the longer it takes.
	lookPoll     = 5 * time.Millisecond
	lookPollMost = 40 * time.Millisecond
	// overdueAfter and overdueTimes, of what the last one took, are how long after
	// that had begun a look is overdue. The pauses between looks are shorter.
	overdueAfter = 150 * time.Millisecond
	overdueTimes = 4
)

// putOff puts a review off that has to wait for a look. The next round must not wait
// with it, unless this machine may have no way out.
func (e *Engine) putOff(m *measurement, now time.Duration) bool {
	l := &e.losses
	if l.latest == nil || l.stuck {
		return false
	}
	end, ok := m.firstEnd(e)
	if !ok || end > now || l.latest.Began >= end-lookAge {
		return false
	}
	if now >= end+lookLimit {
		l.stuck = true
		return false
	}
	next := now + min(max((now-end)/2, lookPoll), lookPollMost)
	if g := m.group; g.start.queued() && g.due-lookGrace < next {
		switch {
		case l.overdue(now) && m.undeparted(e):
		case g.due-lookGrace <= now:
			return false
		default:
			next = g.due - lookGrace
		}
	}
	e.reviews.set(&m.reviewing, next)
	return true
}

// firstEnd is when the first of a burst's echoes is to be given up. ok is false when
// none is waited for.
func (m *measurement) firstEnd(e *Engine) (end time.Duration, ok bool) {
	for _, index := range m.burst.slots {
		if index == noSlot {
			continue
		}
		if at := m.waitEnd(e.slots.pool[index].handed); !ok || at < end {
			end, ok = at, true
		}
	}
	return end, ok
}

// overdue reports whether the next look takes much longer than the last one.
func (l *losses) overdue(now time.Duration) bool {
	return now-l.latest.Began > overdueAfter+overdueTimes*(l.latest.Ended-l.latest.Began)
}

// undeparted reports whether an echo of the burst was given to no device. What keeps
// the kernel from that may be what makes the look late.
func (m *measurement) undeparted(e *Engine) bool {
	departed := e.options.Machine.Departed
	if !m.stamped || departed == nil {
		return false
	}
	for _, index := range m.burst.slots {
		if index == noSlot {
			continue
		}
		s := &e.slots.pool[index]
		if departure, _ := departed(packet.Echo, s.identity, s.sequence, s.sent.Real); departure == packet.NotDeparted {
			return true
		}
	}
	return false
}

// NextReview is the monotonic time at which Expire next gives up on something,
// unless that is answered before. ok is false when nothing is waited for.
func (e *Engine) NextReview() (at time.Duration, ok bool) { return e.reviews.next() }

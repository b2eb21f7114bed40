package probe

import "time"

// timer is an entry of a queue. Its zero value is not queued.
type timer struct {
	at       time.Duration
	place    int32 // index in the heap, or in the wheel's slot, + 1; 0 when not queued
	slot     int32 // in the wheel + 1; 0 when not there
	group    *group
	measured *measurement
}

// timedTimer is a timer with its time, which it keeps while it is queued: so that
// to compare two, or to move one, costs no look at the timers. Most of those are in
// no cache.
type timedTimer struct {
	at    time.Duration
	timer *timer
}

// queued reports whether the timer stands in a queue.
func (t *timer) queued() bool { return t.place != 0 }

// timers is a queue of what is due next, by monotonic time: a heap of what is
// due soon, and a timing wheel of the rest, so that it costs the same however
// many wait. Timers that are due before the horizon stand in the heap. The
// horizon moves when the heap is empty, to the next tick that has any.
type timers struct {
	near    timerHeap
	horizon int64 // in ticks
	far     *wheel
	count   int
}

// set queues t for at, or moves it there.
func (q *timers) set(t *timer, at time.Duration) {
	q.stop(t)
	t.at = at
	q.count++
	q.put(timedTimer{at, t})
}

// put places a timer that is counted.
func (q *timers) put(t timedTimer) {
	if tick := int64(t.at) >> tickShift; tick >= q.horizon {
		if q.far == nil {
			q.far = &wheel{}
		}
		q.far.put(t, tick, q.horizon)
		return
	}
	q.near.push(t)
}

// stop takes t out of the queue if it is there.
func (q *timers) stop(t *timer) {
	switch {
	case t.place == 0:
		return
	case t.slot == 0:
		q.near.remove(int(t.place) - 1)
	default:
		q.far.take(t)
	}
	q.count--
}

// length is how many timers are queued.
func (q *timers) length() int { return q.count }

// next is the time of the earliest timer.
func (q *timers) next() (at time.Duration, ok bool) {
	if q.count == 0 {
		return 0, false
	}
	for len(q.near) == 0 {
		q.advance()
	}
	return q.near[0].at, true
}

// pop takes the earliest timer that is due at now, nil if there is none.
func (q *timers) pop(now time.Duration) *timer {
	if at, ok := q.next(); !ok || at > now {
		return nil
	}
	q.count--
	t := q.near[0].timer
	q.near.remove(0)
	return t
}

// advance moves the horizon behind the next tick that has timers, which go to
// the heap, or to where a block begins. Something must stand in the wheel.
func (q *timers) advance() {
	tick, found := q.far.nextTick(q.horizon)
	q.horizon = tick
	if found {
		q.horizon++
		due := q.far.empty(int(tick % wheelSlots))
		for _, t := range due {
			t.timer.slot = 0
			q.near.push(t)
		}
		clear(due)
	}
	if q.horizon%wheelSlots == 0 {
		soon := q.far.empty(wheelSlots + int(q.horizon/wheelSlots%wheelSlots))
		for _, t := range soon {
			t.timer.slot = 0
			q.put(t)
		}
		clear(soon)
	}
}

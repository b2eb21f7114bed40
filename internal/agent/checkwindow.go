package agent

import (
	"time"

	"netsonde"
)

const (
	// firstChecks is how many of a sweep's checks are young at a time before
	// anything is known, leastChecks how many when answers are slow.
	firstChecks = 128
	leastChecks = 16
	// youth is the part of its timeout, as 1 in so many, after which a check
	// that has no answer no longer counts: its host is likely to be dead, and
	// dead hosts hold up nobody.
	youth = 8
	// slowShare is the part of the timeout from which an answer is slow, and
	// slowFactor how many times what connecting took: of hosts that are far away
	// every part takes long.
	slowShare  = 4
	slowFactor = 8
)

// checkWindow bounds how many of a sweep's checks are under way, so that they
// do not stand in one another's way: on this machine, on one that serves many
// of the addresses, or on a link to them. What is slow because of us runs out
// of time sooner or later, and would be told as the service's fault. As TCP's
// congestion window it grows with every answer and is halved by a slow one.
type checkWindow struct {
	size  int
	young int
	// turns are those of the young, and of some who have ended, by their beginning.
	turns []*turn
	// cut is when the window was halved last.
	cut time.Duration
}

// turn is one check's.
type turn struct {
	began, grown time.Duration // grown is when it is no longer young
	timeout      time.Duration
	over         bool // it counts no more
}

func newCheckWindow() *checkWindow { return &checkWindow{size: firstChecks, cut: -1} }

// room is how many checks may begin.
func (w *checkWindow) room(now time.Duration) int {
	for len(w.turns) > 0 && (w.turns[0].over || w.turns[0].grown <= now) {
		w.leave(w.turns[0])
		w.turns[0] = nil
		w.turns = w.turns[1:]
	}
	return max(w.size-w.young, 0)
}

// begin counts a check.
func (w *checkWindow) begin(now, timeout time.Duration) *turn {
	t := &turn{began: now, grown: now + timeout/youth, timeout: timeout}
	w.turns = append(w.turns, t)
	w.young++
	return t
}

// next is when there will be room without an answer, if there is none.
func (w *checkWindow) next(now time.Duration) (at time.Duration, ok bool) {
	if w.room(now) > 0 || len(w.turns) == 0 {
		return 0, false
	}
	return w.turns[0].grown, true
}

func (w *checkWindow) leave(t *turn) {
	if !t.over {
		t.over = true
		w.young--
	}
}

// end counts a check no more and learns from it.
func (w *checkWindow) end(now time.Duration, t *turn, found *netsonde.Service, elapsed time.Duration) {
	w.leave(t)
	connected := found.Phases.Connect > 0
	switch {
	case found.State == netsonde.ServiceStalled,
		connected && elapsed > t.timeout/slowShare && elapsed > slowFactor*found.Phases.Connect:
		// What began before the last cut tells of the time before it.
		if t.began > w.cut {
			w.size, w.cut = max(w.size/2, leastChecks), now
		}
	case connected, found.State == netsonde.ServiceClosed:
		w.size = min(w.size+1, mostChecks)
	}
}

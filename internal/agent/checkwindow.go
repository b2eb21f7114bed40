package agent

import (
	"time"

	"netsonde"
)

const (
	// firstChecks is how many of a sweep's checks are young at a time before
	// anything is known, leastChecks how many when answers are slow.
	firstChecks = 64
	leastChecks = 32
	// youth is the part of its timeout, as 1 in so many, after which a check
	// that has no answer no longer counts: its host is likely to be dead, and
	// dead hosts hold up nobody.
	youth = 8
	// slowShare is the part of the timeout from which an answer is slow, and
	// fastShare that up to which it is fast. Much is kept in hand: what takes a
	// sixteenth now may take all of it when others want the processor too.
	slowShare = 16
	fastShare = 32
	// slowFactor is how many times what connecting took an answer must take to
	// be slow: of hosts that are far away every part takes long.
	slowFactor = 8
	// slowAnswers is the part of the window that must be slow, as 1 in so many:
	// there are slow services everywhere.
	slowAnswers = 4
)

// checkWindow bounds how many of a sweep's checks are under way, so that they
// do not stand in one another's way: on this machine, on one that serves many
// of the addresses, or on a link to them. What is slow because of us runs out
// of time sooner or later, and would be told as the service's fault. As TCP's
// congestion window it grows with what is fast and is halved when much is slow.
type checkWindow struct {
	size  int
	young int
	// turns are those of the young, and of some who have ended, by their beginning.
	turns []*turn
	// slow is how many more answers were slow than fast.
	slow int
	// cut is when the window was halved last, if it has been.
	cut    time.Duration
	halved bool
}

// turn is one check's.
type turn struct {
	began, grown time.Duration // grown is when it is no longer young
	timeout      time.Duration
	over         bool // it counts no more
}

func newCheckWindow() *checkWindow { return &checkWindow{size: firstChecks} }

// room is how many checks may begin.
func (w *checkWindow) room(now time.Duration) int {
	for len(w.turns) > 0 && (w.turns[0].over || w.turns[0].grown <= now) {
		if t := w.turns[0]; !t.over {
			w.leave(t)
			// Silence is no sign that we are too fast, unless others have become slow.
			if !w.halved || now-w.cut > t.timeout {
				w.grow()
			}
		}
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
	connect := found.Phases.Connect
	answered := connect > 0 || found.State == netsonde.ServiceOpen || found.State == netsonde.ServiceClosed
	switch {
	case found.State == netsonde.ServiceStalled:
		w.halve(now, t)
	case connect > 0 && elapsed > t.timeout/slowShare && elapsed > slowFactor*connect:
		if w.slow++; w.slow > w.size/slowAnswers {
			w.halve(now, t)
		}
	case answered && (elapsed < t.timeout/fastShare || elapsed <= slowFactor*connect):
		w.slow = max(w.slow-1, 0)
		w.grow()
	}
}

func (w *checkWindow) grow() { w.size = min(w.size+1, mostChecks) }

// halve halves the window, unless the check began before it was halved last: of
// the time since then it tells nothing.
func (w *checkWindow) halve(now time.Duration, t *turn) {
	if w.halved && t.began <= w.cut {
		return
	}
	w.size = max(w.size/2, leastChecks)
	w.cut, w.halved, w.slow = now, true, 0
}

package agent

import (
	"testing"
	"time"

	"netsonde"
)

// windowed runs checks through a window for a while, each of which takes what
// latency says for so many under way; 0 is no answer. It returns the most that
// were under way in the last half, and how many began.
func windowed(span time.Duration, connect time.Duration, latency func(running int) time.Duration) (most, began int) {
	const timeout, step = time.Second, time.Millisecond
	w := newCheckWindow()
	type running struct {
		turn *turn
		ends time.Duration
	}
	var all []running
	for now := time.Duration(0); now < span; now += step {
		kept := all[:0]
		for _, r := range all {
			if r.ends > now {
				kept = append(kept, r)
				continue
			}
			found := netsonde.Service{State: netsonde.ServiceOpen, Phases: netsonde.Phases{Connect: connect}}
			if now-r.turn.began >= timeout {
				found = netsonde.Service{State: netsonde.ServiceFiltered}
			}
			w.end(now, r.turn, &found, now-r.turn.began)
		}
		all = kept
		for range w.room(now) {
			took := latency(len(all))
			if took == 0 {
				took = timeout
			}
			all = append(all, running{w.begin(now, timeout), now + took})
			began++
		}
		if now > span/2 {
			most = max(most, len(all))
		}
	}
	return most, began
}

func TestCheckWindow(t *testing.T) {
	const span = 4 * time.Second
	// A machine that serves one check in 3 ms, and they wait for one another.
	shared := func(running int) time.Duration { return time.Duration(running+1) * 3 * time.Millisecond }
	if most, _ := windowed(span, time.Millisecond/10, shared); most > 150 {
		t.Errorf("%d under way on a machine on which they wait %v", most, shared(most))
	}
	// Hosts of their own that are 300 ms away: every part takes so long.
	far := func(int) time.Duration { return 900 * time.Millisecond }
	if _, began := windowed(span, 300*time.Millisecond, far); began < 4_000 {
		t.Errorf("%d of hosts that are far away began in %v", began, span)
	}
	// Dead hosts, with a slow service here and there.
	n := 0
	dead := func(int) time.Duration {
		if n++; n%100 == 0 {
			return 200 * time.Millisecond
		}
		return 0
	}
	if _, began := windowed(span, time.Millisecond/10, dead); began < 4_000 {
		t.Errorf("%d of hosts that are dead began in %v", began, span)
	}
	fast := func(int) time.Duration { return time.Millisecond }
	if most, _ := windowed(span, time.Millisecond/10, fast); most < 1000 {
		t.Errorf("at most %d of hosts that answer at once", most)
	}
}

// What we did not serve in time is a reason to do less.
func TestStalledChecksNarrowTheWindow(t *testing.T) {
	w := newCheckWindow()
	first, second := w.begin(0, time.Second), w.begin(0, time.Second)
	stalled := netsonde.Service{State: netsonde.ServiceStalled}
	w.end(2*time.Second, first, &stalled, 2*time.Second)
	w.end(2*time.Second, second, &stalled, 2*time.Second)
	if w.size != firstChecks/2 || w.young != 0 {
		t.Errorf("window of %d with %d young, want it halved once", w.size, w.young)
	}
}

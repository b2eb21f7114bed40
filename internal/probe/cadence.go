package probe

import (
	"time"

	"netsonde"
)

const (
	// firstWithin bounds how long a new group of a slow fixed cadence waits for
	// its first round.
	firstWithin = 10 * time.Second
	// longestGrace is how long a round that is due waits for the one before to
	// end: one whose timeout is the whole interval ends just then.
	longestGrace = 5 * time.Millisecond
	// graceShare keeps the grace small beside short intervals.
	graceShare = 20
)

// epoch is what the real clock showed at the monotonic origin, as seen when
// the engine first learnt the time. The phases of fixed cadences count from
// it: a restart keeps them, and a step of the clock moves nothing.
type epoch struct {
	real  int64
	known bool
}

func (e *epoch) learn(now netsonde.Instant) {
	if !e.known {
		*e = epoch{real: now.Real - int64(now.Monotonic), known: true}
	}
}

// next is the first monotonic time from from on at which the real clock, as of
// the epoch, is at phase modulo every.
func (e *epoch) next(from time.Duration, phase, every uint64) time.Duration {
	passed := (e.real + int64(from)) % int64(every)
	if passed < 0 {
		passed += int64(every)
	}
	return from + time.Duration((phase%every+every-uint64(passed))%every)
}

func (g *group) every() time.Duration { return g.cadence.Every }

// ready reports whether the group's rounds have where to go, or, at a fixed
// cadence, are to tell that they have not.
func (g *group) ready() bool {
	return g.target.addr.IsValid() || g.target.unresolved && g.every() > 0
}

// await queues the first round of a group that waits for none. At a fixed
// cadence it starts at its phase, within ten seconds however long the
// interval is, so that many new groups start spread out.
func (e *Engine) await(now netsonde.Instant, g *group) {
	every := g.every()
	switch {
	case g.start.queued() || g.finished():
	case every > 0:
		e.queue(g, e.epoch.next(now.Monotonic, g.phase, uint64(min(every, firstWithin))))
	case !g.running:
		e.starts.set(&g.start, now.Monotonic)
	}
}

// queue sets when the next round of a fixed cadence is due.
func (e *Engine) queue(g *group, due time.Duration) {
	g.due = due
	e.starts.set(&g.start, due)
}

// following is when the round after the one of due is due. Where due was not
// at the phase, as the first round of a slow cadence is not, it is no less
// than half of the shortest usual distance.
func (e *Engine) following(g *group, due time.Duration) time.Duration {
	every := g.every()
	return e.epoch.next(due+max(min(every, firstWithin)/2, 1), g.phase, uint64(every))
}

// grace is how long a due round waits for the one before.
func grace(every time.Duration) time.Duration { return min(longestGrace, every/graceShare) }

// comeDue starts the round whose time has come, unless it must not: one that
// comes due while the one before runs is left out, and those that this process
// slept through are told as stalled and not caught up. So is one that is left
// out only because the one before began late.
func (e *Engine) comeDue(now netsonde.Instant, g *group) {
	every := g.every()
	if every <= 0 {
		g.behind = now.Monotonic - g.start.at
		e.startRound(now, g)
		return
	}
	once := g.cadence.Once
	switch late := now.Monotonic - g.due; {
	case late >= every && !once:
		e.stall(now, g)
	case g.running && late < grace(every):
		e.starts.set(&g.start, max(g.due+grace(every), now.Monotonic+e.ahead+1))
	case g.running && (g.echoing() || g.late && now.Monotonic-g.started.Monotonic < every):
		e.stall(now, g)
	case g.running:
		e.queue(g, e.following(g, g.due))
	default:
		g.late, g.behind = late > grace(every), late
		if !once {
			e.queue(g, e.following(g, g.due))
		}
		e.startRound(now, g)
	}
}

// echoing reports whether echoes that fit into the interval have not ended.
func (g *group) echoing() bool {
	for _, m := range g.probes {
		busy := time.Duration(m.plan.Count-1)*m.plan.Spacing + m.plan.Timeout
		if m.active && m.plan.Kind == netsonde.KindPing && busy <= g.every() {
			return true
		}
	}
	return false
}

// stall tells every round that was due up to now as not run. The next one
// comes at its phase, so that a pause of the process ends in no burst.
func (e *Engine) stall(now netsonde.Instant, g *group) {
	second := e.following(g, g.due)
	next := max(second, e.epoch.next(now.Monotonic+1, g.phase, uint64(g.every())))
	rounds := 1 + uint64((next-second)/g.every())
	for _, m := range g.probes {
		e.batch.Stalls = append(e.batch.Stalls, netsonde.Stall{
			Probe: m.plan.ID, First: g.round + g.missed + 1, Rounds: rounds,
			Due: now.Add(g.due - now.Monotonic),
		})
	}
	g.missed += rounds
	e.queue(g, next)
}

// recadence moves a group that goes on from the cadence it had to that of its
// new plan. A sooner one takes effect at the earlier of the old due time and
// one new interval, or pause, from now.
func (e *Engine) recadence(now netsonde.Instant, g *group, had netsonde.Cadence) {
	every := g.every()
	queued := g.start.queued()
	switch {
	case every > 0 && every == had.Every:
	case every > 0 && !g.finished() && (queued || g.running):
		due := now.Monotonic + every
		switch {
		case queued && had.Every > 0:
			due = min(due, g.due)
		case queued:
			due = min(due, g.start.at)
		}
		e.queue(g, due)
	case g.running:
		// The round after a pause is queued when this one has ended.
		e.starts.stop(&g.start)
	case queued:
		if due := now.Monotonic + max(g.cadence.Pause, shortestPause); due < g.start.at {
			e.starts.set(&g.start, due)
		}
	}
}

// waitEnd is when an answer to a packet of the round under way is given up.
// Where the next round is due some milliseconds before, it is given up then:
// the next one would start late otherwise, and the one after it later still.
func (m *measurement) waitEnd(sent time.Duration) time.Duration {
	end := sent + m.plan.Timeout
	g := m.group
	if every := g.every(); every > 0 && g.start.queued() && end > g.due && end-g.due <= grace(every) && sent < g.due {
		return g.due
	}
	return end
}

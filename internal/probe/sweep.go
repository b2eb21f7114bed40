package probe

import (
	"net/netip"
	"slices"

	"netsonde"
)

// sweep is the targets that were begun one by one and have not ended. They are
// in no plan, are measured once, and leave nothing behind.
type sweep struct {
	running []*target
	// spare are targets that have ended, kept for their memory.
	spare []*target
}

// Begin runs one round of each of a target's groups, now, whatever their
// cadence. The target is in no plan: with its last round it is forgotten, and
// nothing waits for a late answer. The ProbeIDs of checks must be unlike those
// of all others under way. Nothing begins once the engine drains.
func (e *Engine) Begin(now netsonde.Instant, plan *netsonde.Target, addr netip.Addr) {
	if e.draining || len(plan.Groups) == 0 {
		return
	}
	t := e.sweep.take()
	t.plan, t.addr, t.unended = plan, addr, len(plan.Groups)
	t.paced = e.pacer != nil && (e.options.Exempt == nil || !e.options.Exempt(addr))
	e.sweep.running = append(e.sweep.running, t)
	t.begun = len(e.sweep.running)
	t.groups = resize(t.groups, len(plan.Groups))
	for i, g := range t.groups {
		if g == nil {
			g = &group{}
			t.groups[i] = g
		}
		*g = group{target: t, place: i, name: plan.Groups[i].Name, probes: g.probes}
		g.start.group = g
		g.follow(&plan.Groups[i])
		e.prepare(g, &plan.Groups[i])
	}
	for _, g := range t.groups {
		e.startRound(now, g)
	}
}

// prepare makes a group's measurements anew, in the memory of old ones.
func (e *Engine) prepare(g *group, plan *netsonde.Group) {
	g.probes = resize(g.probes, len(plan.Probes))
	for i, m := range g.probes {
		if m == nil {
			m = &measurement{}
			g.probes[i] = m
		}
		*m = measurement{
			group: g, plan: &plan.Probes[i],
			burst: burst{slots: m.burst.slots[:0], held: m.burst.held[:0]}, trace: trace{hops: m.trace.hops[:0]},
		}
		m.reviewing.measured = m
		if m.plan.Kind.IsCheck() {
			e.probes[m.plan.ID] = m
		}
	}
}

// resize returns the list with n entries, nil where it is longer than before.
func resize[T any](list []*T, n int) []*T {
	return slices.Grow(list[:0], n)[:n]
}

// Begun is the number of targets that were begun and have not ended.
func (e *Engine) Begun() int { return len(e.sweep.running) }

// Unsent is the number of probes that have packets to send and wait for Advance
// to take them, or checks to run and wait for Admit. Those that are Held are not
// among them.
func (e *Engine) Unsent() int { return e.sending.length() + e.checking.length() }

// DrainSweep does for targets that were begun what Drain does for those of a
// plan, and comes before it. What had not begun, checks that wait for Admit
// included, is left out of its round. A round of which nothing had begun is not
// told.
func (e *Engine) DrainSweep(now netsonde.Instant) {
	for _, t := range slices.Clone(e.sweep.running) {
		for _, g := range t.groups {
			for _, m := range g.probes {
				switch {
				case !m.active:
				case m.plan.Kind.IsCheck() && m.queued,
					m.plan.Kind == netsonde.KindPing && m.burst.filled == 0,
					m.plan.Kind == netsonde.KindTrace && m.trace.next == 0:
					e.omit(now, m)
				case m.plan.Kind == netsonde.KindPing:
					m.cutBurst(e, now)
				}
			}
		}
	}
}

// omit ends a measurement's part in the round as if it had never had one.
func (e *Engine) omit(now netsonde.Instant, m *measurement) {
	g := m.group
	if g.omitted++; g.omitted == len(g.probes) {
		e.abandon(g)
		return
	}
	m.end(e, now)
}

// groupEnded takes note that one of a target's groups has ended, and forgets a
// target that was begun with the last.
func (e *Engine) groupEnded(t *target) {
	if t.begun == 0 {
		return
	}
	if t.unended--; t.unended > 0 {
		return
	}
	last := len(e.sweep.running) - 1
	e.sweep.running[t.begun-1] = e.sweep.running[last]
	e.sweep.running[t.begun-1].begun = t.begun
	e.sweep.running[last] = nil
	e.sweep.running = e.sweep.running[:last]
	t.begun = 0
	queued := false
	for _, g := range t.groups {
		for _, m := range g.probes {
			if m.plan.Kind.IsCheck() {
				delete(e.probes, m.plan.ID)
			}
			queued = queued || m.queued
		}
	}
	// What still stands in the send queue must not come back to life there.
	if !queued {
		e.sweep.spare = append(e.sweep.spare, t)
	}
}

// take returns a target to be filled in, with the memory of one that has ended.
func (s *sweep) take() *target {
	last := len(s.spare) - 1
	if last < 0 {
		return &target{}
	}
	t := s.spare[last]
	s.spare[last] = nil
	s.spare = s.spare[:last]
	return t
}

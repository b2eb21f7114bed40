package probe

import (
	"net/netip"
	"slices"
	"time"

	"netsonde"
)

// The shape of an inquiry. All that it waits for ends before inquiryTime, save
// where the allowance holds its packets up.
const (
	inquiryTime = 1800 * time.Millisecond
	// inquiryPatience is what those beside the engine have, so that their answers
	// are there before it ends.
	inquiryPatience = inquiryTime - 200*time.Millisecond
	inquiryFlows    = 3
	inquiryEchoes   = 5
	echoSpacing     = 100 * time.Millisecond
	echoTimeout     = 800 * time.Millisecond
	hopTimeout      = 500 * time.Millisecond
	usualHops       = 30
)

// Inquiry is what the engine wants to know that it cannot find out itself: what
// echoes of a new socket come to, and what the kernel knows of the way.
type Inquiry struct {
	// Number names it in Freshly and Locally.
	Number uint64
	Addr   netip.Addr
	// Probe says what the echoes are like, how many and how far apart.
	Probe *netsonde.Probe
	// Identity is the one under which an echo was lost.
	Identity uint16
	// Patience is how long the answers are waited for.
	Patience time.Duration
}

// inquiry is one that runs: a round of echoes and traces of its own, which is
// told in the evidence alone, and two answers from beside the engine.
type inquiry struct {
	number   uint64
	target   *target
	deadline time.Duration
	// pending are the round and the answers that have not come.
	pending          int
	freshly, locally bool
	evidence         netsonde.Evidence
}

// goodRoute is the last trace that reached an address.
type goodRoute struct {
	route *netsonde.Route
	addr  netip.Addr
}

// Inquiries appends the inquiries that have begun since the last call.
func (e *Engine) Inquiries(out []Inquiry) []Inquiry {
	out = append(out, e.suspects.asked...)
	e.suspects.asked = e.suspects.asked[:0]
	return out
}

// Freshly takes what echoes of a new socket came to. Of an inquiry that has
// ended it is ignored.
func (e *Engine) Freshly(now netsonde.Instant, number uint64, fresh netsonde.EchoSeries) {
	if q := e.inquiryOf(number); q != nil && !q.freshly {
		q.freshly, q.evidence.Fresh = true, fresh
		e.came(now, q)
	}
}

// Locally takes what the kernel knows of the way. Of an inquiry that has ended
// it is ignored.
func (e *Engine) Locally(now netsonde.Instant, number uint64, local *netsonde.LocalPath) {
	if q := e.inquiryOf(number); q != nil && !q.locally {
		q.locally, q.evidence.Local = true, local
		e.came(now, q)
	}
}

func (e *Engine) inquiryOf(number uint64) *inquiry {
	for _, q := range e.suspects.running {
		if q.number == number {
			return q
		}
	}
	return nil
}

// begin begins an inquiry into a target that a ping has lost echoes of.
func (e *Engine) begin(now netsonde.Instant, m *measurement, lost int) {
	v, g := &e.suspects, m.group
	v.number++
	q := &inquiry{number: v.number, deadline: now.Monotonic + inquiryTime, pending: 3}
	q.evidence = netsonde.Evidence{
		Probe: m.plan.ID, Round: g.round, Addr: g.addr, Detected: now, Lost: lost,
		LastGood: m.lastGood(),
		Same:     netsonde.EchoSeries{Identity: m.suspicion.identity},
	}
	for i := range m.burst.samples {
		sample := &m.burst.samples[i]
		if missing(sample) && q.evidence.Since == (netsonde.Instant{}) {
			q.evidence.Since = sample.Sent
		}
		if i < m.burst.told {
			q.evidence.Sent++
		}
	}
	q.target = &target{inquiry: q, addr: g.addr, paced: true}
	q.target.plan = m.inquiryPlan()
	round := e.hiddenGroup(q.target)
	round.probes[0].identity = int32(e.slots.placeOf(m.suspicion.identity) + 1) //nolint:gosec // few
	for _, trace := range round.probes[1:] {
		if q.evidence.LastGood != nil {
			trace.reached = len(q.evidence.LastGood.Hops)
			trace.memory.Learn(q.evidence.LastGood.Hops)
		}
	}
	v.running = append(v.running, q)
	v.asked = append(v.asked, Inquiry{
		Number: q.number, Addr: g.addr, Probe: round.probes[0].plan,
		Identity: m.suspicion.identity, Patience: inquiryPatience,
	})
	for range inquiryEchoes {
		e.pacer.take(now.Monotonic, g.addr) // those of the new socket
	}
	e.startRound(now, round)
}

// inquiryPlan is the echoes and traces of an inquiry: echoes like those that
// were lost, traces like the target's own.
func (m *measurement) inquiryPlan() *netsonde.Target {
	echoes := netsonde.Probe{
		Kind: netsonde.KindPing, Count: inquiryEchoes, Spacing: echoSpacing, Timeout: echoTimeout,
		Size: m.plan.Size, DSCP: m.plan.DSCP, DontFragment: m.plan.DontFragment, Source: m.plan.Source,
	}
	trace := netsonde.Probe{Kind: netsonde.KindTrace, Hops: usualHops, DSCP: m.plan.DSCP, Source: m.plan.Source}
	for _, g := range m.group.target.groups {
		for _, other := range g.probes {
			if other.plan.Kind == netsonde.KindTrace {
				trace.Protocol, trace.Port, trace.Hops = other.plan.Protocol, other.plan.Port, other.plan.Hops
			}
		}
	}
	trace.Timeout = hopTimeout
	probes := []netsonde.Probe{echoes}
	for flow := range uint8(inquiryFlows) {
		trace.Flow = flow
		probes = append(probes, trace)
	}
	of := m.group.target.plan
	return &netsonde.Target{
		Name: of.Name, Host: of.Host, Family: of.Family,
		Groups: []netsonde.Group{{Name: "evidence", Cadence: netsonde.Cadence{Once: true}, Probes: probes}},
	}
}

// hiddenGroup makes the only group of an inquiry's target. Its probes have no
// identity: nobody finds them by one.
func (e *Engine) hiddenGroup(t *target) *group {
	plan := &t.plan.Groups[0]
	g := allocateGroup(len(plan.Probes))
	g.target, g.name = t, plan.Name
	for i := range plan.Probes {
		g.probes[i].plan = &plan.Probes[i]
	}
	t.groups = []*group{g}
	return g
}

// lastGood is the last trace that reached the address that is probed now: one
// of the target's own, or of an inquiry before.
func (m *measurement) lastGood() *netsonde.Route {
	var last *netsonde.Route
	for _, g := range m.group.target.groups {
		for _, other := range g.probes {
			good := other.good
			if good == nil || good.addr != m.group.addr {
				continue
			}
			if last == nil || good.route.Started.Monotonic > last.Started.Monotonic {
				last = good.route
			}
		}
	}
	return last
}

// traced takes a trace of the inquiry.
func (q *inquiry) traced(route *netsonde.Route) {
	route.Changed, route.Was = false, nil
	q.evidence.Traces = append(q.evidence.Traces, *route)
}

// came ends an inquiry with the last of what it waits for.
func (e *Engine) came(now netsonde.Instant, q *inquiry) {
	if q.pending--; q.pending == 0 {
		e.conclude(now, q)
	}
}

// expireInquiries ends those whose time is over, with what they have.
func (e *Engine) expireInquiries(now, empty netsonde.Instant) {
	for i := len(e.suspects.running) - 1; i >= 0; i-- {
		if q := e.suspects.running[i]; q.deadline <= empty.Monotonic {
			e.cutInquiry(now, q)
		}
	}
}

// cutInquiry ends what the engine still does for an inquiry, and it.
func (e *Engine) cutInquiry(now netsonde.Instant, q *inquiry) {
	round := q.target.groups[0]
	if round.running {
		for _, m := range round.probes {
			if m.active && m.plan.Kind == netsonde.KindTrace {
				m.cutTrace(e, now)
			}
		}
		if echoes := round.probes[0]; echoes.active {
			// What was not waited for long enough has not been lost.
			q.evidence.Same.Samples = slices.DeleteFunc(echoes.burst.samples, func(s netsonde.Sample) bool {
				return s.Outcome == netsonde.OutcomePending
			})
		}
		e.abandon(round)
	}
	if e.inquiryOf(q.number) != nil {
		e.conclude(now, q)
	}
}

// cutTrace ends a trace that still waits for hops.
func (m *measurement) cutTrace(e *Engine, now netsonde.Instant) {
	t := &m.trace
	if t.final == 0 {
		t.end = netsonde.RouteSilent
	}
	m.endTrace(e, now, min(len(t.hops), m.reach()))
}

// conclude judges an inquiry and tells it, if its probe is still in the plan.
func (e *Engine) conclude(now netsonde.Instant, q *inquiry) {
	v := &e.suspects
	v.running = slices.DeleteFunc(v.running, func(other *inquiry) bool { return other == q })
	m := e.probes[q.evidence.Probe]
	if m == nil {
		return
	}
	found := &q.evidence
	found.Target = m.group.target.plan
	found.Took = now.Monotonic - found.Detected.Monotonic
	if !q.freshly {
		found.Fresh.Problem = "it was not told in time"
	}
	slices.SortFunc(found.Traces, func(a, b netsonde.Route) int { return int(a.Flow) - int(b.Flow) })
	for i := range found.Traces {
		if found.Traces[i].End == netsonde.RouteReached {
			route := found.Traces[i]
			m.good = &goodRoute{&route, found.Addr}
			break
		}
	}
	found.Verdict = netsonde.NewVerdict(&found.Same, &found.Fresh)
	if found.Verdict == netsonde.VerdictStuckSession {
		found.Moved = m.changeIdentity(e)
	}
	e.batch.Evidence = append(e.batch.Evidence, *found)
}

// changeIdentity has a ping whose session is stuck go on under an identity that
// the others do not use, or under theirs again, whose sessions have been idle
// since. It reports whether there is another.
func (m *measurement) changeIdentity(e *Engine) bool {
	switch {
	case !e.slots.hasSpare():
		return false
	case m.identity > 0:
		m.identity = 0
	default:
		m.identity = spareIdentity + 1
	}
	return true
}

// dropInquiries drops, without a word, those that f picks.
func (e *Engine) dropInquiries(f func(*inquiry) bool) {
	v := &e.suspects
	v.running = slices.DeleteFunc(v.running, func(q *inquiry) bool {
		if !f(q) {
			return false
		}
		v.asked = slices.DeleteFunc(v.asked, func(asked Inquiry) bool { return asked.Number == q.number })
		e.abandon(q.target.groups[0])
		return true
	})
}

package probe

import (
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// shortestPause keeps rounds that never wait for anything from taking the
// whole processor.
const shortestPause = time.Millisecond

// group is one group of a target: the rounds it has run and the one under way.
type group struct {
	target *target
	place  int // in target.plan.Groups
	name   string
	probes []*measurement
	// cadence and phase are the plan's, kept here since each round asks for them.
	cadence netsonde.Cadence
	phase   uint64
	start   timer
	due     time.Duration // of the round that start waits for, at a fixed cadence
	round   uint64
	missed  uint64 // rounds since then that were told as stalled
	running bool
	late    bool          // it began late, at a fixed cadence
	behind  time.Duration // by how much it began late, or was told to
	pending int           // probes of the running round that have not ended
	omitted int           // probes of the running round that will never begin
	addr    netip.Addr
	started netsonde.Instant
}

// follow takes over the plan.
func (g *group) follow(plan *netsonde.Group) {
	g.cadence, g.phase = plan.Cadence, 0
	if len(plan.Probes) > 0 && plan.Cadence.Every > 0 {
		g.phase = uint64(plan.Probes[0].ID) % uint64(plan.Cadence.Every)
	}
}

// finished reports whether no further round is to come.
func (g *group) finished() bool { return g.cadence.Once && g.round > 0 }

// measurement is one probe of the plan and, while a round runs, its part in it.
type measurement struct {
	group  *group
	plan   *netsonde.Probe
	memory netsonde.RouteMemory
	// good is the last trace that reached the target, of a trace or of an inquiry
	// into a ping.
	good *goodRoute
	// identity is what a ping's echoes ask the slots for and one more, 0 for one
	// identity after the other.
	identity  int32
	suspicion suspicion
	// reached is the number of hops at which the target last answered a trace.
	reached   int
	stamped   bool    // an answer had the kernel's stamps both ways
	active    bool    // in the round under way
	queued    bool    // in a queue of those that have something to send, or in a line
	hadTurn   bool    // it has stood in the line of its address or network since it last sent
	line      *bucket // that it stands in line for
	reviewing timer
	burst     burst
	trace     trace
}

// Due is a service check that is to be run now.
type Due struct {
	Target *netsonde.Target
	Probe  *netsonde.Probe
	Round  uint64
	Addr   netip.Addr
	// Timeout is that of the probe, or some milliseconds less where the next
	// round is due then.
	Timeout time.Duration
	// Fixed tells that the rounds start at a fixed rate: a check that cannot
	// run soon is then better not run at all.
	Fixed bool
}

// Due appends the checks that have come due since the last call.
func (e *Engine) Due(out []Due) []Due {
	out = append(out, e.due...)
	e.due = e.due[:0]
	return out
}

func (e *Engine) startRound(now netsonde.Instant, g *group) {
	g.round += g.missed + 1
	g.missed = 0
	g.running = true
	g.addr = g.target.addr
	g.started = now
	g.pending = len(g.probes)
	e.running++
	if g.pending == 0 {
		e.endRound(now, g)
		return
	}
	if !g.addr.IsValid() {
		e.endUnresolved(now, g)
		return
	}
	for _, m := range g.probes {
		m.active = true
		switch m.plan.Kind {
		case netsonde.KindPing:
			m.startBurst(e, now)
		case netsonde.KindTrace:
			m.startTrace(e, now)
		default:
			if g.target.begun > 0 {
				e.enqueue(m)
				continue
			}
			e.due = append(e.due, m.due(now))
		}
	}
}

// due is the measurement as a check that is to be run now.
func (m *measurement) due(now netsonde.Instant) Due {
	g := m.group
	return Due{
		Target: g.target.plan, Probe: m.plan, Round: g.round, Addr: g.addr,
		Timeout: m.waitEnd(now.Monotonic) - now.Monotonic, Fixed: g.every() > 0,
	}
}

// Checked takes the result of a check that was due. One that is no longer
// waited for is ignored.
func (e *Engine) Checked(now netsonde.Instant, s netsonde.Service) {
	m := e.probes[s.Probe]
	if m == nil || !m.active || !m.plan.Kind.IsCheck() || m.group.round != s.Round {
		return
	}
	e.batch.Services = append(e.batch.Services, s)
	m.end(e, now)
}

// end closes a measurement's part in the round, and the round with the last one.
func (m *measurement) end(e *Engine, now netsonde.Instant) {
	m.active = false
	e.reviews.stop(&m.reviewing)
	m.group.pending--
	if m.group.pending == 0 {
		e.endRound(now, m.group)
	}
}

func (e *Engine) endRound(now netsonde.Instant, g *group) {
	g.running = false
	e.running--
	if q := g.target.inquiry; q != nil {
		e.came(now, q)
		return
	}
	e.batch.Rounds = append(e.batch.Rounds, netsonde.Round{
		Target: g.target.plan, Group: g.place, N: g.round,
		Addr: g.addr, Started: g.started, Ended: now,
	})
	if g.target.begun > 0 {
		e.groupEnded(g.target)
		return
	}
	switch {
	case g.cadence.Every > 0:
		if g.start.queued() && g.due <= now.Monotonic {
			e.starts.set(&g.start, g.due) // it waited for this end
		}
	case !g.cadence.Once && g.target.addr.IsValid():
		// What starts ahead of its time must not start at once, and so for ever.
		e.starts.set(&g.start, now.Monotonic+max(g.cadence.Pause, e.ahead+shortestPause))
	}
}

// abandon stops a round without a word: its probes are no longer in the plan.
func (e *Engine) abandon(g *group) {
	e.starts.stop(&g.start)
	if !g.running {
		return
	}
	g.running = false
	e.running--
	for _, m := range g.probes {
		if m.active {
			m.active = false
			e.reviews.stop(&m.reviewing)
			m.abandonBurst(e)
			m.trace.abandon(e)
		}
	}
	e.groupEnded(g.target)
}

// fill writes packets that the measurement has to send into out. more tells
// that it has further ones; none filled and more left means that no sequence
// is free.
func (m *measurement) fill(e *Engine, now netsonde.Instant, out []packet.Probe) (n int, more bool) {
	switch {
	case !m.active:
		return 0, false
	case m.plan.Kind == netsonde.KindPing:
		return m.fillBurst(e, out)
	default:
		return m.fillTrace(e, now, out)
	}
}

func (m *measurement) sent(e *Engine, p *packet.Probe) {
	if m.plan.Kind == netsonde.KindPing {
		m.sentEcho(e, p)
		return
	}
	m.sentHop(e, p)
}

func (m *measurement) receive(e *Engine, index int32, r *packet.Reply) {
	if m.plan.Kind == netsonde.KindPing {
		m.receiveEcho(e, index, r)
		return
	}
	m.receiveHop(e, index, r)
}

// review judges what has waited past its time.
func (m *measurement) review(e *Engine, now, empty netsonde.Instant) {
	if m.plan.Kind == netsonde.KindPing {
		m.expireBurst(e, now, empty)
		return
	}
	m.reviewTrace(e, now, empty)
}

// newSlot takes a slot for one packet of the round under way.
func (m *measurement) newSlot(e *Engine, protocol packet.Protocol, preferred, index int) (int32, *slot) {
	taken := e.slots.take(protocol, preferred)
	if taken == noSlot {
		return noSlot, nil
	}
	s := &e.slots.pool[taken]
	s.measured = m
	s.destination = plainAddr(m.group.addr)
	s.round = m.group.round
	s.index = int32(index)
	return taken, s
}

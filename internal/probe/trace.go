package probe

import (
	"cmp"
	"syscall"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// The shape of a trace. A wide window would be quicker on a first trace, but
// every probe that overshoots the target costs it an ICMP error, of which
// Linux sends a burst of six and then one a second.
const (
	// traceWindow is how many TTLs beyond the farthest that answered are tried at once.
	traceWindow = 4
	// silentRun is how many silent hops in a row end a trace.
	silentRun = 8
	// usualHopWait bounds from below how long a silent hop is waited for when a
	// farther one has answered, unless the probe says otherwise.
	usualHopWait = 20 * time.Millisecond
	// shortestStand is the same of how long the window stands still. It is no
	// matter of the probe's: a window that does not wait for far answers
	// overshoots.
	shortestStand = 20 * time.Millisecond
	// hopWaitFactor is both in round trips, the longest seen on the way.
	hopWaitFactor = 4
)

type hopState uint8

const (
	// hopLeaving has been handed out; its send has not been told of.
	hopLeaving hopState = iota
	hopFlying
	hopAnswered
	hopSilent
)

type traceHop struct {
	netsonde.Hop
	state hopState
	slot  int32
	sent  time.Duration
}

// trace is the route of the round under way. Hop i has TTL i + 1.
type trace struct {
	hops     []traceHop
	next     int // hops handed out for sending
	window   int // hops that may be handed out
	final    int // TTL at which the way ends, 0 while unknown
	end      netsonde.RouteEnd
	errno    syscall.Errno
	answered int // the largest TTL that was answered
	longest  time.Duration
	widen    time.Duration // when the window grows though nothing answers
	failed   int           // hops whose send failed
	limited  bool          // the rate of routers holds for it
	hadTurn  int           // the TTL whose router's line it has stood in
}

func (m *measurement) startTrace(e *Engine, now netsonde.Instant) {
	m.trace = trace{hops: m.trace.hops[:0], window: traceWindow, limited: m.limited(e)}
	if !e.options.Trace {
		m.trace.end = netsonde.RouteUnsupported
		m.endTrace(e, now, 0)
		return
	}
	if m.reached > 0 {
		m.trace.window = m.reached
	}
	e.enqueue(m)
}

// reach is the largest TTL worth trying for now.
func (m *measurement) reach() int {
	t := &m.trace
	if t.final > 0 {
		return t.final
	}
	return min(m.plan.Hops, t.answered+silentRun)
}

func (m *measurement) fillTrace(e *Engine, now netsonde.Instant, out []packet.Probe) (n int, more bool) {
	t := &m.trace
	flow, preferred := m.traceFlow(e)
	for t.next < min(t.window, m.reach()) {
		if n == len(out) {
			return n, true
		}
		if m.awaitRouter(e, now, t.next+1) {
			return n, false
		}
		index, s := m.newSlot(e, flow.Protocol, preferred, t.next)
		if index == noSlot {
			return n, true
		}
		s.hasToken = true
		t.next++
		m.leaveForRouter(e, now, t.next)
		t.hops = append(t.hops, traceHop{
			Hop: netsonde.Hop{TTL: uint8(t.next)}, slot: index,
		})
		p := &out[n]
		*p = flow
		p.TTL, p.Slot = uint8(t.next), index
		p.Identity, p.Sequence, p.Token = s.identity, s.sequence, s.token
		n++
	}
	return n, false
}

func (m *measurement) sentHop(e *Engine, p *packet.Probe) {
	t := &m.trace
	hop := &t.hops[e.slots.pool[p.Slot].index]
	if p.Errno != 0 {
		hop.state, hop.slot = hopSilent, noSlot
		e.slots.release(p.Slot)
		t.failed++
		t.errno = p.Errno
		m.proceed(e, p.Sent)
		return
	}
	hop.state, hop.sent = hopFlying, p.Sent.Monotonic
	t.widen = max(t.widen, p.Sent.Monotonic+m.patience(shortestStand))
	m.schedule(e)
}

// patience is how long an answer that should have come may be waited for,
// judged by those that came, and at least so long.
func (m *measurement) patience(least time.Duration) time.Duration {
	return min(max(hopWaitFactor*m.trace.longest, least), m.plan.Timeout)
}

func (m *measurement) receiveHop(e *Engine, index int32, r *packet.Reply) {
	s := &e.slots.pool[index]
	t := &m.trace
	hop := &t.hops[s.index]
	hop.state = hopAnswered
	hop.Addr, hop.Labels = r.From, r.Labels
	hop.RTT, hop.Stamps = roundTrip(s.sent, r)
	hop.slot = noSlot
	reached := r.Kind == packet.EchoReply || r.Kind == packet.PortAnswered || plainAddr(r.From) == s.destination
	e.slots.release(index)

	ttl := int(hop.TTL)
	t.answered = max(t.answered, ttl)
	t.longest = max(t.longest, hop.RTT)
	// Where the target is known to be, nothing is sent beyond it before the
	// hop there turns out to be another.
	if ttl >= m.reached {
		t.window = max(t.window, ttl+traceWindow)
	}
	if t.final == 0 || ttl < t.final {
		switch {
		case reached:
			t.final, t.end = ttl, netsonde.RouteReached
		case r.Kind == packet.Unreachable:
			t.final, t.end = ttl, netsonde.RouteUnreachable
		}
	}
	t.widen = r.Read.Monotonic + m.patience(shortestStand)
	m.proceed(e, r.Read)
}

// reviewTrace judges every hop that has waited long enough as of empty, and
// widens the window when nothing has answered for a while.
func (m *measurement) reviewTrace(e *Engine, now, empty netsonde.Instant) {
	t := &m.trace
	for i := range t.hops {
		hop := &t.hops[i]
		if hop.state == hopFlying && m.hopDeadline(hop) <= empty.Monotonic {
			hop.state = hopSilent
		}
	}
	if t.widen <= empty.Monotonic {
		if !m.queued { // what has not left is not silent
			t.window += traceWindow
		}
		t.widen = empty.Monotonic + m.patience(shortestStand)
	}
	m.proceed(e, now)
}

// proceed ends the trace when nothing is left to wait for, and else sends on.
func (m *measurement) proceed(e *Engine, now netsonde.Instant) {
	t := &m.trace
	reach := m.reach()
	waiting := t.next < reach
	for i := range min(len(t.hops), reach) {
		waiting = waiting || t.hops[i].state <= hopFlying
	}
	switch {
	case waiting:
	case t.failed == len(t.hops):
		t.end = netsonde.RouteSendFailed
		if t.errno == syscall.EPROTONOSUPPORT {
			t.end = netsonde.RouteUnsupported
		}
		m.endTrace(e, now, 0)
		return
	default:
		if t.final == 0 && reach < m.plan.Hops {
			t.end = netsonde.RouteSilent
		}
		m.endTrace(e, now, reach)
		return
	}
	if t.next < min(t.window, reach) {
		e.enqueue(m)
	}
	m.schedule(e)
}

// hopDeadline is when a hop counts as silent: soon when a farther one has
// answered, after the whole timeout when nothing has yet.
func (m *measurement) hopDeadline(hop *traceHop) time.Duration {
	if int(hop.TTL) < m.trace.answered {
		return hop.sent + m.patience(cmp.Or(m.plan.HopWait, usualHopWait))
	}
	return hop.sent + m.plan.Timeout
}

// schedule sets the measurement's timer for its next review.
func (m *measurement) schedule(e *Engine) {
	t := &m.trace
	reach := m.reach()
	next := time.Duration(-1)
	if t.next < reach {
		next = t.widen
	}
	for i := range min(len(t.hops), reach) {
		hop := &t.hops[i]
		if hop.state == hopFlying {
			if deadline := m.hopDeadline(hop); next < 0 || deadline < next {
				next = deadline
			}
		}
	}
	if next >= 0 {
		e.reviews.set(&m.reviewing, next)
	}
}

// endTrace tells the route's first hops and lets go of what overshot them.
func (m *measurement) endTrace(e *Engine, now netsonde.Instant, hops int) {
	t := &m.trace
	for i := range t.hops {
		if t.hops[i].slot != noSlot {
			e.slots.release(t.hops[i].slot)
		}
	}
	if t.answered == 0 && hops > 0 && e.withoutCarrier(m.group.addr, m.plan.Source, m.group.started.Monotonic) {
		// Nothing has left: that is no news of the route.
		t.end, t.errno, hops = netsonde.RouteSendFailed, syscall.ENETDOWN, 0
	}
	route := netsonde.Route{
		Probe: m.plan.ID, Round: m.group.round, Started: m.group.started,
		Flow: m.plan.Flow, End: t.end, Protocol: m.toldProtocol(e), Errno: t.errno,
	}
	for i := range hops {
		route.Hops = append(route.Hops, t.hops[i].Hop)
	}
	switch t.end {
	case netsonde.RouteSendFailed, netsonde.RouteUnsupported:
	case netsonde.RouteReached:
		m.reached = hops
		route.Was, route.Changed = m.memory.Learn(route.Hops)
	default:
		m.reached = 0
		route.Was, route.Changed = m.memory.Learn(route.Hops)
	}
	if t.end == netsonde.RouteReached && m.group.target.begun == 0 {
		kept := route
		m.good = &goodRoute{&kept, m.group.addr}
	}
	if q := m.group.target.inquiry; q != nil {
		kept := route
		q.traced(&kept)
	} else {
		e.batch.Routes = append(e.batch.Routes, route)
	}
	m.end(e, now)
}

// abandon forgets what is in flight.
func (t *trace) abandon(e *Engine) {
	for i := range t.hops {
		if t.hops[i].slot != noSlot {
			e.slots.release(t.hops[i].slot)
		}
	}
	*t = trace{}
}

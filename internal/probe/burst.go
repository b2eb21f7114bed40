package probe

import (
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// leastStall is how late an echo may be in any case before it counts as slept
// through: a connection that has much to send looks at the clock now and then.
const leastStall = 10 * time.Millisecond

// burst is the echoes of the round under way.
type burst struct {
	samples []netsonde.Sample
	slots   []int32       // by sample; noSlot when nothing is waited for
	came    int           // samples whose time to be sent has come
	filled  int           // of those, how many have been handed out, or passed over
	told    int           // samples whose send has been told of
	waiting int           // samples without an outcome
	next    *timer        // the time of the next sample; nil when they are not spaced
	putOff  time.Duration // by how much the rates have moved what is to come
	// held are slots of echoes that were given up while others of the burst are
	// waited for, of a target that is forgotten with it.
	held []heldSlot
}

func (m *measurement) startBurst(e *Engine, now netsonde.Instant) {
	count := m.plan.Count
	m.burst = burst{
		samples: e.slab.cut(count), slots: m.burst.slots[:0], held: m.burst.held[:0],
		came: count, waiting: count,
	}
	b := &m.burst
	for range count {
		b.slots = append(b.slots, noSlot)
	}
	if count == 0 {
		m.endBurst(e, now)
		return
	}
	if m.plan.Spacing > 0 && count > 1 {
		b.came, b.next = 1, &timer{measured: m}
		if !m.group.target.paced {
			e.echoes.set(b.next, m.echoTime(1))
		}
	}
	e.enqueue(m)
}

// apart reports whether each echo is waited for by itself, since they leave at
// times of their own: they are spaced, or the rates hold them up.
func (m *measurement) apart() bool { return m.plan.Spacing > 0 || m.group.target.paced }

// echoTime is when an echo of a spaced burst is to be sent.
func (m *measurement) echoTime(i int) time.Duration {
	return m.group.started.Monotonic + m.burst.putOff + time.Duration(i)*m.plan.Spacing
}

// spaceEcho has the next echo sent, as its time has come. One that this process
// slept through is told as stalled and not caught up. At a rate, the time of the
// one after it is only known when it leaves.
func (m *measurement) spaceEcho(e *Engine, now netsonde.Instant) {
	b := &m.burst
	paced := m.group.target.paced
	for b.came < len(b.samples) {
		i := b.came
		at := m.echoTime(i)
		if at > now.Monotonic+e.ahead {
			break
		}
		b.came++
		if now.Monotonic-at >= max(m.plan.Spacing, leastStall) {
			b.samples[i] = netsonde.Sample{
				Sequence: i, Sent: now.Add(at - now.Monotonic), Outcome: netsonde.OutcomeStalled,
			}
			b.told++
			b.waiting--
		} else if paced {
			break
		}
	}
	if b.came < len(b.samples) && !paced {
		e.echoes.set(b.next, m.echoTime(b.came))
	}
	if b.waiting == 0 {
		m.endBurst(e, now)
		return
	}
	e.enqueue(m)
}

func (m *measurement) fillBurst(e *Engine, out []packet.Probe) (n int, more bool) {
	b := &m.burst
	for ; b.filled < b.came; b.filled++ {
		if b.samples[b.filled].Outcome != netsonde.OutcomePending {
			continue
		}
		if n == len(out) {
			return n, true
		}
		index, s := m.newSlot(e, packet.Echo, int(m.identity)-1, b.filled)
		if index == noSlot {
			return n, true
		}
		s.hasToken = m.plan.Size >= packet.TokenSize
		b.samples[b.filled].Sequence = b.filled
		b.slots[b.filled] = index
		out[n] = packet.Probe{
			Protocol: packet.Echo, Destination: m.group.addr, Source: m.plan.Source,
			Identity: s.identity, Sequence: s.sequence,
			DSCP: m.plan.DSCP, DontFragment: m.plan.DontFragment,
			Size: m.plan.Size, Token: s.token, Slot: index,
		}
		n++
	}
	return n, false
}

func (m *measurement) sentEcho(e *Engine, p *packet.Probe) {
	b := &m.burst
	handed := e.slots.pool[p.Slot].handed
	sample := &b.samples[e.slots.pool[p.Slot].index]
	sample.Sent = p.Sent
	b.told++
	e.startedAt(m, sample.Sequence, p.Sent.Monotonic)
	if p.Errno != 0 {
		sample.Outcome, sample.Errno = netsonde.OutcomeSendFailed, p.Errno
		b.slots[sample.Sequence] = noSlot
		m.noteLoss(e.slots.pool[p.Slot].identity)
		e.slots.release(p.Slot)
		b.waiting--
	}
	switch {
	case b.waiting == 0:
		m.endBurst(e, p.Sent)
	case m.apart():
		if p.Errno == 0 && !m.reviewing.queued() {
			e.reviews.set(&m.reviewing, m.waitEnd(handed))
		}
	case b.told == len(b.samples):
		e.reviews.set(&m.reviewing, m.waitEnd(handed))
	}
}

func (m *measurement) receiveEcho(e *Engine, index int32, r *packet.Reply) {
	s := &e.slots.pool[index]
	sample := netsonde.Sample{
		Sequence: int(s.index), Sent: s.sent, Method: r.Method, From: r.From, TTL: r.TTL,
	}
	if r.Kind == packet.EchoReply || r.Kind == packet.PortAnswered {
		sample.RTT, sample.Stamps = roundTrip(s.sent, r)
		m.stamped = m.stamped || sample.Stamps == netsonde.StampsKernel
		sample.Outcome = netsonde.OutcomeOK
		if sample.RTT > m.plan.Timeout {
			sample.Outcome = netsonde.OutcomeLate
		}
	} else {
		sample.Outcome = netsonde.OutcomeUnreachable
		sample.ICMPType, sample.ICMPCode = r.Type, r.Code
		if e.gaveUpWithoutCarrier(r, m.group.addr, m.plan.Source, s.sent) {
			sample = netsonde.Sample{
				Sequence: sample.Sequence, Sent: s.sent, Outcome: netsonde.OutcomeSendFailed, Cause: netsonde.CauseNoCarrier,
			}
		} else if !s.held {
			m.noteLoss(s.identity)
		}
	}
	held, round := s.held, s.round
	e.slots.release(index)
	b := &m.burst
	switch {
	case !held:
		b.slots[sample.Sequence] = noSlot
		b.samples[sample.Sequence] = sample
		b.waiting--
		if b.waiting == 0 {
			m.endBurst(e, r.Read)
		}
	case m.active && m.group.round == round:
		// Its burst still runs and has not been told.
		b.samples[sample.Sequence] = sample
	case sample.Cause != netsonde.CauseNone:
		// It has been told so.
	default:
		e.batch.Amends = append(e.batch.Amends, netsonde.Amend{
			Probe: m.plan.ID, Round: round, Sequence: sample.Sequence,
			Outcome: sample.Outcome, RTT: sample.RTT,
		})
	}
}

// cutBurst ends a burst with the echoes that have been sent.
func (m *measurement) cutBurst(e *Engine, now netsonde.Instant) {
	b := &m.burst
	if b.filled == len(b.samples) {
		return
	}
	for _, sample := range b.samples[b.filled:] {
		if sample.Outcome == netsonde.OutcomePending {
			b.waiting--
		}
	}
	b.samples, b.slots, b.came = b.samples[:b.filled], b.slots[:b.filled], b.filled
	switch {
	case b.waiting == 0:
		m.endBurst(e, now)
	case !m.apart():
		last := time.Duration(0)
		for _, index := range b.slots {
			if index != noSlot {
				last = max(last, e.slots.pool[index].handed)
			}
		}
		e.reviews.set(&m.reviewing, m.waitEnd(last))
	}
}

// expireBurst gives up on the echoes that were waited for long enough as of
// empty. Those that were sent behind one another have their time together.
func (m *measurement) expireBurst(e *Engine, now, empty netsonde.Instant) {
	b := &m.burst
	next := time.Duration(-1)
	for i, index := range b.slots {
		if index == noSlot {
			continue
		}
		s := &e.slots.pool[index]
		end := m.waitEnd(s.handed)
		switch {
		case end <= empty.Monotonic:
			end = m.waitEnd(e.departed(s, now))
		case !m.apart():
			end = empty.Monotonic
		}
		if end > empty.Monotonic {
			if next < 0 || end < next {
				next = end
			}
			continue
		}
		b.samples[i].Outcome, b.samples[i].Cause = e.explain(&lost{
			identity: s.identity, sequence: s.sequence, to: m.group.addr, from: m.plan.Source,
			sent: b.samples[i].Sent, until: now.Monotonic, stamped: m.stamped,
		})
		if b.samples[i].Outcome.Theirs() || b.samples[i].Cause == netsonde.CauseNoCarrier {
			m.noteLoss(s.identity)
		}
		b.slots[i] = noSlot
		b.waiting--
		m.letGo(e, index, now)
	}
	if b.waiting == 0 {
		m.endBurst(e, now)
		return
	}
	if next >= 0 {
		e.reviews.set(&m.reviewing, next)
	}
	if m.suspicion.lost && m.suspicion.up {
		m.suspect(e, now, false)
	}
}

// departed is when an echo had surely been sent: when the device had it, if that is
// known and a queue of this machine held it up.
func (e *Engine) departed(s *slot, now netsonde.Instant) time.Duration {
	if e.options.Machine.Departed == nil {
		return s.handed
	}
	departure, at := e.options.Machine.Departed(packet.Echo, s.identity, s.sequence, s.sent.Real)
	if departure == packet.HasDeparted {
		// A real clock that was stepped meanwhile must put nothing off for long.
		if left := s.sent.Monotonic + time.Duration(at-s.sent.Real); left <= now.Monotonic {
			s.handed = max(s.handed, left)
		}
	}
	return s.handed
}

func (m *measurement) endBurst(e *Engine, now netsonde.Instant) {
	if q := m.group.target.inquiry; q != nil {
		q.evidence.Same.Samples = m.burst.samples
	} else {
		m.suspect(e, now, true)
		e.batch.Bursts = append(e.batch.Bursts, netsonde.Burst{
			Probe: m.plan.ID, Round: m.group.round, Samples: m.burst.samples,
		})
	}
	m.stopEchoes(e)
	m.dropHeld(e)
	m.burst.samples, m.burst.slots = nil, m.burst.slots[:0]
	m.end(e, now)
}

// letGo keeps the slot of an echo that is given up, so that a late answer is
// known. That of a target that is forgotten with its burst is kept for the
// burst's time.
func (m *measurement) letGo(e *Engine, index int32, now netsonde.Instant) {
	b := &m.burst
	if m.group.target.passing() {
		if b.waiting == 0 || !m.apart() {
			e.slots.release(index)
			return
		}
		b.held = append(b.held, heldSlot{index: index, generation: e.slots.pool[index].generation})
	}
	e.slots.hold(index, now.Monotonic)
}

// dropHeld frees what letGo kept for the burst's time, unless a late answer, or
// somebody in need of a sequence, has.
func (m *measurement) dropHeld(e *Engine) {
	for _, kept := range m.burst.held {
		if s := &e.slots.pool[kept.index]; s.measured != nil && s.generation == kept.generation {
			e.slots.release(kept.index)
		}
	}
	m.burst.held = m.burst.held[:0]
}

// stopEchoes lets no further echo's time come.
func (m *measurement) stopEchoes(e *Engine) {
	if m.burst.next != nil {
		e.echoes.stop(m.burst.next)
	}
}

// abandonBurst forgets what is in flight.
func (m *measurement) abandonBurst(e *Engine) {
	for _, index := range m.burst.slots {
		if index != noSlot {
			e.slots.release(index)
		}
	}
	m.stopEchoes(e)
	m.dropHeld(e)
	m.burst = burst{}
}

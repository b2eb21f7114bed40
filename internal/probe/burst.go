package probe

import (
	"netsonde"
	"netsonde/internal/packet"
)

// burst is the echoes of the round under way.
type burst struct {
	samples []netsonde.Sample
	slots   []int32 // by sample; noSlot once nothing is waited for
	filled  int     // samples whose packet has been handed out
	told    int     // samples whose send has been told of
	waiting int     // samples without an outcome
}

func (m *measurement) startBurst(e *Engine, now netsonde.Instant) {
	count := m.plan.Count
	m.burst = burst{samples: e.samples(m.group.target, count), slots: m.burst.slots[:0], waiting: count}
	if count == 0 {
		m.endBurst(e, now)
		return
	}
	e.sending.add(m)
}

func (m *measurement) fillBurst(e *Engine, out []packet.Probe) (n int, more bool) {
	b := &m.burst
	for ; n < len(out) && b.filled < len(b.samples); n++ {
		index, s := m.newSlot(e, packet.Echo, -1, b.filled)
		if index == noSlot {
			return n, true
		}
		s.hasToken = m.plan.Size >= packet.TokenSize
		b.samples[b.filled].Sequence = b.filled
		b.slots = append(b.slots, index)
		b.filled++
		out[n] = packet.Probe{
			Protocol: packet.Echo, Destination: m.group.addr, Source: m.plan.Source,
			Identity: s.identity, Sequence: s.sequence,
			Size: m.plan.Size, Token: s.token, Slot: index,
		}
	}
	return n, b.filled < len(b.samples)
}

func (m *measurement) sentEcho(e *Engine, p *packet.Probe) {
	b := &m.burst
	sample := &b.samples[e.slots.pool[p.Slot].index]
	sample.Sent = p.Sent
	b.told++
	if p.Errno != 0 {
		sample.Outcome, sample.Errno = netsonde.OutcomeSendFailed, p.Errno
		b.slots[sample.Sequence] = noSlot
		e.slots.release(p.Slot)
		b.waiting--
	}
	switch {
	case b.waiting == 0:
		m.endBurst(e, p.Sent)
	case b.told == len(b.samples):
		e.reviews.set(&m.reviewing, p.Sent.Monotonic+m.plan.Timeout)
	}
}

func (m *measurement) receiveEcho(e *Engine, index int32, r *packet.Reply) {
	s := &e.slots.pool[index]
	sample := netsonde.Sample{
		Sequence: int(s.index), Sent: s.sent, Method: r.Method, From: r.From, TTL: r.TTL,
	}
	if r.Kind == packet.EchoReply || r.Kind == packet.PortAnswered {
		sample.RTT, sample.Stamps = roundTrip(s.sent, r)
		sample.Outcome = netsonde.OutcomeOK
		if sample.RTT > m.plan.Timeout {
			sample.Outcome = netsonde.OutcomeLate
		}
	} else {
		sample.Outcome = netsonde.OutcomeUnreachable
		sample.ICMPType, sample.ICMPCode = r.Type, r.Code
	}
	held, round := s.held, s.round
	e.slots.release(index)
	if held {
		e.batch.Amends = append(e.batch.Amends, netsonde.Amend{
			Probe: m.plan.ID, Round: round, Sequence: sample.Sequence,
			Outcome: sample.Outcome, RTT: sample.RTT,
		})
		return
	}
	b := &m.burst
	b.samples[sample.Sequence] = sample
	b.slots[sample.Sequence] = noSlot
	b.waiting--
	if b.waiting == 0 {
		m.endBurst(e, r.Read)
	}
}

// cutBurst ends a burst with the echoes that have been sent.
func (m *measurement) cutBurst(e *Engine, now netsonde.Instant) {
	b := &m.burst
	if b.filled == len(b.samples) {
		return
	}
	b.waiting -= len(b.samples) - b.filled
	b.samples = b.samples[:b.filled]
	if b.waiting == 0 {
		m.endBurst(e, now)
		return
	}
	e.reviews.set(&m.reviewing, b.samples[b.filled-1].Sent.Monotonic+m.plan.Timeout)
}

// expireBurst gives up on every echo that is still waited for.
func (m *measurement) expireBurst(e *Engine, now netsonde.Instant) {
	b := &m.burst
	for i, index := range b.slots {
		if index == noSlot {
			continue
		}
		b.samples[i].Outcome = netsonde.OutcomeUnanswered
		if e.overruns.explain(b.samples[i].Sent.Monotonic, now.Monotonic) {
			b.samples[i].Outcome = netsonde.OutcomeOverrun
		}
		e.letGo(m.group.target, index, now)
	}
	m.endBurst(e, now)
}

func (m *measurement) endBurst(e *Engine, now netsonde.Instant) {
	e.batch.Bursts = append(e.batch.Bursts, netsonde.Burst{
		Probe: m.plan.ID, Round: m.group.round, Samples: m.burst.samples,
	})
	m.burst.samples = nil
	m.burst.slots = m.burst.slots[:0]
	m.end(e, now)
}

// abandon forgets what is in flight.
func (b *burst) abandon(e *Engine) {
	for _, index := range b.slots {
		if index != noSlot {
			e.slots.release(index)
		}
	}
	*b = burst{}
}

package probe

import (
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// Options are what an engine must know of its shard.
type Options struct {
	Shard int
	// ICMP are the identities that echoes may use, UDP those of datagrams;
	// without the latter traces are made of echoes.
	ICMP, UDP []uint16
	// Trace tells whether probes with a small TTL get their answers back.
	Trace bool
	// HopMethod is what echoes with a small TTL really leave as.
	HopMethod netsonde.Method
	// Key makes the tokens of this process unlike any other's.
	Key uint64
	// Rates bound what is sent to targets that are begun, and traces of both
	// these and a plan.
	Rates Rates
	// Exempt reports whether the rates do not hold for an address; nil means
	// that they hold for all.
	Exempt func(netip.Addr) bool
	// Spare keeps the last of at least four identities for echoes out of use, for
	// those whose sessions with the others are stuck on the way.
	Spare bool
	// Machine tells of this machine's part in what was lost; its zero value knows
	// nothing.
	Machine Machine
}

// Engine is one shard's state machine. Its methods are called by one
// goroutine, with a monotonic time that never goes back.
type Engine struct {
	options  Options
	targets  map[string]*target
	probes   map[netsonde.ProbeID]*measurement
	slots    slots
	starts   timers // of groups: the next round
	starting starting
	foreseen foreseen
	reviews  timers // of measurements: deadlines, all judged after the sockets were read
	echoes   timers // of measurements: the next echo of a spaced burst
	epoch    epoch
	sending  turns
	checking turns // of targets that were begun: checks that have come due
	pacer    *pacer
	holds    timers        // of measurements: their turn in the line of a bucket
	opensAt  time.Duration // when the rate of all lets go on whom it held up
	due      []Due
	batch    netsonde.Batch
	number   uint64
	running  int // groups with a round under way
	// ahead is how long before they are due rounds and echoes may start.
	ahead    time.Duration
	draining bool
	losses   losses
	health   health
	answers  answers
	sweep    sweep
	slab     sampleSlab
	awaited  awaited
	suspects suspects
}

// target is one target of the plan and where it is now.
type target struct {
	plan   *netsonde.Target
	addr   netip.Addr
	groups []*group
	// unresolved tells that the name was looked up and has no address.
	unresolved bool
	// begun is the place in Engine.sweep.running + 1, 0 for a target of the plan.
	begun   int
	unended int  // groups of a begun target that have not ended
	paced   bool // the rates hold for it
	// inquiry is set for the hidden target of one.
	inquiry *inquiry
	// inquired is when evidence of it was last gathered, 0 for never.
	inquired time.Duration
}

// New returns an engine with an empty plan.
func New(o Options) *Engine {
	return &Engine{
		options: o,
		pacer:   newPacer(o.Rates),
		targets: map[string]*target{},
		probes:  map[netsonde.ProbeID]*measurement{},
		slots:   newSlots(o.Key, o.ICMP, o.UDP, o.Spare),
	}
}

// SetAddress gives a target its address. A target runs as soon as it has one;
// an invalid address takes it away: no new round starts. A round that runs
// keeps the address that it began with. Unknown names are ignored.
func (e *Engine) SetAddress(now netsonde.Instant, name string, addr netip.Addr) {
	t := e.targets[name]
	if t == nil || t.addr == addr {
		return
	}
	t.addr, t.unresolved = addr, false
	e.settle(now, t)
}

// Unresolved tells that a target's name was looked up and has no address.
// Until it gets one, every round of its fixed cadences ends as soon as it is
// due, as unresolved; those of others do not start. Unknown names, and those
// that have an address, are ignored.
func (e *Engine) Unresolved(now netsonde.Instant, name string) {
	t := e.targets[name]
	if t == nil || t.addr.IsValid() || t.unresolved {
		return
	}
	t.unresolved = true
	e.settle(now, t)
}

// settle lets a target's groups run, or not, as what is known of its address
// has it.
func (e *Engine) settle(now netsonde.Instant, t *target) {
	e.epoch.learn(now)
	for _, g := range t.groups {
		if g.ready() {
			e.await(now, g)
		} else {
			e.starts.stop(&g.start)
		}
	}
}

// Next is the monotonic time at which Advance or Expire next has something to
// do. ok is false when only replies, results or a new plan can bring work.
func (e *Engine) Next() (due time.Duration, ok bool) {
	due, ok = e.reviews.next()
	if at, has := e.holds.next(); has && (!ok || at < due) {
		due, ok = at, true
	}
	if e.opensAt > 0 && (!ok || e.opensAt < due) {
		due, ok = e.opensAt, true
	}
	if e.draining {
		return due, ok
	}
	for _, q := range e.suspects.running {
		if !ok || q.deadline < due {
			due, ok = q.deadline, true
		}
	}
	if e.suspects.omitted > 0 && (!ok || e.suspects.tellAt < due) {
		due, ok = e.suspects.tellAt, true
	}
	for _, q := range []*timers{&e.starts, &e.echoes} {
		if at, has := q.next(); has && (!ok || at < due) {
			due, ok = at, true
		}
	}
	return due, ok
}

// Ahead has rounds and the echoes of spaced bursts start up to d before they are
// due from now on, since the caller will not be back before they have been due
// for as long.
func (e *Engine) Ahead(d time.Duration) { e.ahead = d }

// Advance starts the rounds that are due and fills out with packets to send
// now. When out comes back full there may be more: the caller sends it, tells
// Sent, and calls again.
func (e *Engine) Advance(now netsonde.Instant, out []packet.Probe) (n int) {
	e.slots.sweep(now.Monotonic)
	if !e.draining {
		soon := now.Monotonic + e.ahead
		e.startDue(now, soon)
		for t := e.echoes.pop(soon); t != nil; t = e.echoes.pop(soon) {
			t.measured.spaceEcho(e, now)
		}
	}
	e.release(now.Monotonic)
	n = e.fillFree(now, out)
	if e.pacer != nil {
		e.opensAt = 0
		n += e.fillPaced(now, out[n:])
	}
	return n
}

// fillFree fills out with packets of those whose turn it is.
func (e *Engine) fillFree(now netsonde.Instant, out []packet.Probe) (n int) {
	queue := &e.sending.free
	for starved := 0; n < len(out); {
		m := queue.next()
		if m == nil {
			break
		}
		filled, more := m.fill(e, now, out[n:])
		n += filled
		switch {
		case !more:
		case n == len(out):
			queue.putBack(m)
		default:
			// Its protocol has no sequence free; others' may have.
			queue.add(m)
			if starved++; starved >= queue.length() {
				return n
			}
		}
	}
	return n
}

// Sent tells what became of the packets of the last Advance, in order, with
// Sent, Handed and Errno filled in. It comes before any Receive of their answers.
func (e *Engine) Sent(probes []packet.Probe) {
	for i := range probes {
		p := &probes[i]
		if s := &e.slots.pool[p.Slot]; s.measured != nil {
			s.sent, s.handed = p.Sent, max(p.Handed, p.Sent.Monotonic)
			if p.Errno == 0 {
				e.losses.sent++
				e.awaited.sent(p.Sent.Monotonic)
			}
			s.measured.sent(e, p)
		}
	}
}

// Foresee reads what Receive needs for packets, of all of them together (starting.go
// says why).
func (e *Engine) Foresee(replies []packet.Reply) {
	for i := range replies {
		e.foreseen.add(e, &replies[i])
		if e.foreseen.count == len(e.foreseen.slots) {
			e.foreseen.touch()
		}
	}
	e.foreseen.touch()
}

// Receive takes a packet that may answer a probe. Whatever does not match a
// packet of ours in identity, sequence, destination and token is ignored.
func (e *Engine) Receive(r *packet.Reply) {
	index := e.slots.find(r.Protocol, r.Identity, r.Sequence)
	if index == noSlot {
		if r.Kind == packet.EchoReply && e.answers.repeated(r) {
			e.health.duplicates++
		}
		return
	}
	if s := &e.slots.pool[index]; !s.answeredBy(r) {
		if r.Kind == packet.EchoReply {
			e.health.corrupt++
		}
	} else {
		e.losses.received++
		e.awaited.answered(s.sent.Monotonic)
		if r.Kind == packet.EchoReply {
			e.answers.add(r)
		}
		s.measured.receive(e, index, r)
	}
}

// Expire settles what has waited past its deadline, as seen at empty, a
// moment at which the sockets had been read empty: a pause of ours whose
// replies lie in the buffers loses nothing.
func (e *Engine) Expire(now, empty netsonde.Instant) {
	for t := e.reviews.pop(empty.Monotonic); t != nil; t = e.reviews.pop(empty.Monotonic) {
		if e.putOff(t.measured, now.Monotonic) {
			continue
		}
		t.measured.review(e, now, empty)
	}
	e.expireInquiries(now, empty)
	e.tellOmitted(now)
}

// Overran tells how many packets our own queues have dropped so far in all.
// A probe whose wait saw such a drop is not called lost.
func (e *Engine) Overran(now netsonde.Instant, total uint64) { e.losses.overruns.observe(now, total) }

// Drain lets nothing new start: no round, no further echo of a burst, no check.
// What is on its way goes on to its end; a burst that was cut short is told as
// far as it was sent, and a round of which a part had not begun is not told.
func (e *Engine) Drain(now netsonde.Instant) {
	e.draining = true
	e.dropInquiries(func(*inquiry) bool { return true })
	for _, due := range e.due {
		e.Forget(due.Probe.ID, due.Round)
	}
	e.due = e.due[:0]
	for _, m := range e.probes {
		switch {
		case !m.active:
		case m.plan.Kind == netsonde.KindPing && m.burst.filled == 0,
			m.plan.Kind == netsonde.KindTrace && m.trace.next == 0:
			e.abandon(m.group)
		case m.plan.Kind == netsonde.KindPing:
			m.cutBurst(e, now)
		}
	}
}

// Forget drops the round that a check was due in, since it will not be run.
func (e *Engine) Forget(id netsonde.ProbeID, round uint64) {
	if m := e.probes[id]; m != nil && m.active && m.group.round == round {
		e.abandon(m.group)
	}
}

// Idle reports whether no round is under way.
func (e *Engine) Idle() bool { return e.running == 0 }

// Found reports whether anything was seen since the last Take.
func (e *Engine) Found() bool { return !e.batch.Empty() }

// Ended is how many rounds have ended since the last Take.
func (e *Engine) Ended() int { return len(e.batch.Rounds) }

// Take returns what was seen since the last Take, nil when nothing was.
func (e *Engine) Take() *netsonde.Batch {
	if e.batch.Empty() {
		return nil
	}
	e.number++
	taken := e.batch
	taken.Shard, taken.Number = e.options.Shard, e.number
	e.batch = netsonde.Batch{
		Bursts: make([]netsonde.Burst, 0, likely(len(taken.Bursts))),
		Rounds: make([]netsonde.Round, 0, likely(len(taken.Rounds))),
	}
	return &taken
}

// likely is room for what comes after so many: about as much, and a little more,
// since a list that grows leaves its old memory behind.
func likely(count int) int { return count + count/4 }

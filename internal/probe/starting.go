package probe

import (
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// startsTogether is how many rounds are taken from the queue at once.
const startsTogether = 32

// starting are rounds that have come due together. What they need stands all over
// the memory and was last used a round ago, so it is in no cache of the processor's
// own. One word of each line is read beforehand, of all of them, since reads that do
// not depend on one another are waited for together.
type starting struct {
	timers [startsTogether]*timer
	// read keeps the reads from being left out by the compiler.
	read uint64
}

// startDue starts what is due at a time, in its order.
func (e *Engine) startDue(now netsonde.Instant, soon time.Duration) {
	for {
		n := 0
		for ; n < startsTogether; n++ {
			t := e.starts.pop(soon)
			if t == nil {
				break
			}
			e.starting.timers[n] = t
		}
		due := e.starting.timers[:n]
		if n > 1 {
			e.starting.read += touch(due)
		}
		for i, t := range due {
			due[i] = nil
			e.comeDue(now, t.group)
		}
		if n < startsTogether {
			return
		}
	}
}

// touch reads what the rounds of groups need: first the groups, then what those
// point to, then the plans.
func touch(due []*timer) (read uint64) {
	for _, t := range due {
		g := t.group
		read += uint64(g.place) + g.phase + g.round + uint64(g.started.Real)
	}
	for _, t := range due {
		if len(t.group.probes) > 0 {
			m := t.group.probes[0]
			read += uint64(m.reviewing.at) + uint64(m.burst.filled) + uint64(m.burst.putOff) + uint64(m.trace.next) + uint64(t.group.target.unended)
		}
	}
	for _, t := range due {
		if len(t.group.probes) > 0 {
			plan := t.group.probes[0].plan
			read += uint64(plan.ID) + uint64(plan.Size)
		}
	}
	return read
}

// foreseen are measurements whose answers have come.
type foreseen struct {
	slots [startsTogether]*slot
	count int
	read  uint64
}

// add takes note of what a reply is about.
func (f *foreseen) add(e *Engine, r *packet.Reply) {
	if index := e.slots.find(r.Protocol, r.Identity, r.Sequence); index != noSlot {
		f.slots[f.count] = &e.slots.pool[index]
		f.count++
	}
}

func (f *foreseen) touch() {
	all := f.slots[:f.count]
	f.count = 0
	if len(all) < 2 {
		return
	}
	var read uint64
	for _, s := range all {
		read += s.token + uint64(s.generation)
	}
	for _, s := range all {
		if m := s.measured; m != nil {
			read += uint64(m.reviewing.at) + uint64(m.burst.filled) + uint64(m.burst.putOff) + m.group.round + uint64(m.group.started.Real) + uint64(m.plan.Size)
		}
	}
	clear(all)
	f.read += read
}

package loss_test

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// codes is how many codes "unreachable" has (RFC 1812, section 5.2.7.1).
const codes = 16

// deal draws so many events from a seed and deals them out to the lanes. Each
// kind comes as often as any other; two in five events come two at once.
func deal(lanes []*lane, seed uint64, count int, all []*kind) {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it must be the same again
	var row []*event
	code := uint8(r.IntN(codes))
	for len(row) < count {
		for _, i := range r.Perm(len(all)) {
			e := &event{kind: all[i]}
			if e.kind.cause == refused {
				e.code, code = code, (code+1)%codes
			}
			row = append(row, e)
		}
	}
	row = row[:count]
	busy := make([]time.Duration, len(lanes))
	for len(row) > 0 {
		s := &slot{events: row[:1:1]}
		row = row[1:]
		if r.IntN(4) == 0 {
			// The next that can happen at the same time.
			for i, other := range row {
				if other.kind.needs&s.events[0].kind.needs == 0 && other.kind != s.events[0].kind {
					s.events = append(s.events, other)
					row = append(row[:i:i], row[i+1:]...)
					break
				}
			}
		}
		least := 0 // it has a queue
		for i := range busy {
			if busy[i] < busy[least] && (lanes[i].queued() || !s.fillsQueue()) {
				least = i
			}
		}
		busy[least] += s.draw(lanes[least], r)
		lanes[least].slots = append(lanes[least].slots, s)
	}
}

// fillsQueue reports whether a slot needs a lane whose interface has a queue.
func (s *slot) fillsQueue() bool {
	for _, e := range s.events {
		if e.kind.cause == queueFull {
			return true
		}
	}
	return false
}

// draw decides what is left to chance in a slot, and returns how long it takes.
func (s *slot) draw(l *lane, r *rand.Rand) (lasts time.Duration) {
	half := r.IntN(2)
	for i, e := range s.events {
		var everybody []netip.Addr
		for n := range targets {
			everybody = append(everybody, l.target(n))
		}
		e.targets = everybody
		// Two that are told apart by whom they concern share nobody.
		both := len(s.events) == 2 && s.events[0].kind.split && s.events[1].kind.split
		switch {
		case both || e.kind.split && r.IntN(2) == 0:
			part := (half + i) % 2 * targets / 2
			e.targets = everybody[part : part+targets/2]
		}
		e.offset = time.Duration(r.Int64N(int64(300 * time.Millisecond)))
		e.action = e.kind.prepare(l, e, r)
		lasts = max(lasts, e.offset+e.action.lasts+max(e.kind.settles, 1200*time.Millisecond))
	}
	return lasts
}

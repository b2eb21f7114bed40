package probe_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// TestEveryRoundIsToldOnce has more to send than the process can: sending takes its
// time, and the process stands still now and then. Of each target every round that
// came due stands in one line, or is counted by one that tells of rounds not run.
func TestEveryRoundIsToldOnce(t *testing.T) {
	for seed := range uint64(8) {
		chance := rand.New(rand.NewPCG(seed, 5))
		const count, every, lasts = 300, 200 * time.Millisecond, 20 * time.Second
		told := map[netsonde.ProbeID]map[uint64]int{}
		stalled := uint64(0)
		m := newMachine(0, 1_800_000_000_000_000_000, nil)
		take := func() {
			batch := m.engine.Take()
			if batch == nil {
				return
			}
			for _, burst := range batch.Bursts {
				told[burst.Probe][burst.Round]++
			}
			for _, s := range batch.Stalls {
				stalled += s.Rounds
				for n := range s.Rounds {
					told[s.Probe][s.First+n]++
				}
			}
		}
		var targets []*netsonde.Target
		for i := range count {
			target, _ := fixedTarget(i, every)
			target.Groups[0].Probes[0].Timeout = every - time.Duration(chance.IntN(100))*time.Millisecond
			targets = append(targets, target)
			told[target.Groups[0].Probes[0].ID] = map[uint64]int{}
		}
		m.apply(targets...)
		out := make([]packet.Probe, 16)
		for m.monotonic < lasts {
			now := m.now()
			m.engine.Expire(now, now)
			n := m.engine.Advance(now, out)
			// In the mean it takes as long as there is.
			m.monotonic += time.Duration(n) * time.Duration(chance.Int64N(int64(every/count)*2))
			for i := range out[:n] {
				out[i].Sent, out[i].Handed = now, m.monotonic
			}
			m.engine.Sent(out[:n])
			for i := range out[:n] {
				if chance.IntN(4) > 0 {
					answer(m.engine, m.now(), out[i])
				}
			}
			take()
			if chance.IntN(2000) == 0 {
				m.monotonic += time.Duration(chance.Int64N(int64(time.Second)))
			}
			if due, ok := m.engine.Next(); ok && n < len(out) {
				m.monotonic = max(m.monotonic, due)
			}
		}
		if stalled == 0 {
			t.Errorf("seed %d: it was never too slow", seed)
		}
		for id, rounds := range told {
			for n := uint64(1); n <= uint64(len(rounds)); n++ {
				// The last to run may not have ended, though those after it are told.
				if rounds[n] != 1 && (rounds[n] > 1 || int(n)+6 < len(rounds)) {
					t.Fatalf("seed %d: round %d of %v is told %d times", seed, n, id, rounds[n])
				}
			}
			first := (uint64(id)%uint64(every) + uint64(every) - uint64(m.epoch)%uint64(every)) % uint64(every)
			due := 1 + int((m.monotonic-time.Duration(first))/every)
			// At the end some are under way, or have just come due.
			if missing := due - len(rounds); missing < 0 || missing > 6 {
				t.Errorf("seed %d: %d rounds of %v came due, %d are told", seed, due, id, len(rounds))
			}
		}
	}
}

package console

import (
	"math/rand/v2"
	"testing"
	"time"

	"netsonde"
)

// TestPendingForgetsTheRemoved runs a target whose neighbours are taken away by
// reloads again and again, each with a result whose round never comes.
func TestPendingForgetsTheRemoved(t *testing.T) {
	target := &netsonde.Target{Host: "web.test", Groups: []netsonde.Group{{
		Probes: []netsonde.Probe{{ID: 1, Kind: netsonde.KindPing}},
	}}}
	p := newPending()
	largest := 0
	for i := range 20 * leastSweep {
		removed := netsonde.ProbeID(i + 2)
		round := netsonde.Round{
			Target: target, N: uint64(i + 1),
			Ended: netsonde.Instant{Monotonic: time.Duration(i) * time.Second},
		}
		r := p.read(&netsonde.Batch{
			Bursts: []netsonde.Burst{{Probe: 1, Round: round.N}, {Probe: removed, Round: 1}},
			Rounds: []netsonde.Round{round},
		})
		if found := r.takeEach(&round, nil); found[0].burst == nil {
			t.Fatalf("round %d has lost its burst", round.N)
		}
		r.rest()
		if _, left := p.results[part{1, round.N}]; left {
			t.Fatalf("round %d was taken and still waits", round.N)
		}
		largest = max(largest, len(p.results))
	}
	// At one a second, 600 results are younger than staleAfter.
	if limit := 2 * leastSweep; largest > limit {
		t.Errorf("%d results waited at once, want at most %d", largest, limit)
	}
}

// TestPendingKeepsTheYoung has more results waiting than are ever forgotten at once.
func TestPendingKeepsTheYoung(t *testing.T) {
	p := newPending()
	for i := range 3 * leastSweep {
		r := p.read(&netsonde.Batch{Bursts: []netsonde.Burst{{Probe: netsonde.ProbeID(i), Round: 1}}})
		r.rest()
	}
	if len(p.results) != 3*leastSweep {
		t.Errorf("%d results wait, want %d", len(p.results), 3*leastSweep)
	}
}

// TestPendingOfQuickRounds has several rounds of one probe in a batch, as those
// have that follow one another faster than batches do.
func TestPendingOfQuickRounds(t *testing.T) {
	target := &netsonde.Target{Host: "web.test", Groups: []netsonde.Group{{
		Probes: []netsonde.Probe{{ID: 1, Kind: netsonde.KindPing}},
	}}}
	batch := &netsonde.Batch{}
	for n := range uint64(3) {
		batch.Bursts = append(batch.Bursts, netsonde.Burst{Probe: 1, Round: n})
		batch.Rounds = append(batch.Rounds, netsonde.Round{Target: target, N: n})
	}
	p := newPending()
	r := p.read(batch)
	for i := range batch.Rounds {
		if found := r.takeEach(&batch.Rounds[i], nil); found[0].burst != &batch.Bursts[i] {
			t.Errorf("round %d has burst %+v", i, found[0].burst)
		}
	}
}

// TestReadingOutOfOrder has results stand in another order than their rounds,
// or in an earlier batch: each is found, and nothing is kept of them.
func TestReadingOutOfOrder(t *testing.T) {
	target := &netsonde.Target{Groups: []netsonde.Group{
		{Probes: []netsonde.Probe{{ID: 1, Kind: netsonde.KindPing}, {ID: 2, Kind: netsonde.KindTrace}, {ID: 3, Kind: netsonde.KindSSH}}},
	}}
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		const rounds = 4
		p := newPending()
		var batches [3]netsonde.Batch
		last := len(batches) - 1
		for n := range uint64(rounds) {
			at := func() *netsonde.Batch { return &batches[random.IntN(len(batches))] }
			b := at()
			b.Bursts = append(b.Bursts, netsonde.Burst{Probe: 1, Round: n})
			b = at()
			b.Routes = append(b.Routes, netsonde.Route{Probe: 2, Round: n})
			b = at()
			b.Services = append(b.Services, netsonde.Service{Probe: 3, Round: n})
			batches[last].Rounds = append(batches[last].Rounds, netsonde.Round{Target: target, N: n})
		}
		b := &batches[last]
		random.Shuffle(len(b.Bursts), func(i, j int) { b.Bursts[i], b.Bursts[j] = b.Bursts[j], b.Bursts[i] })
		random.Shuffle(len(b.Rounds), func(i, j int) { b.Rounds[i], b.Rounds[j] = b.Rounds[j], b.Rounds[i] })
		for i := range batches {
			r := p.read(&batches[i])
			for j := range batches[i].Rounds {
				round := &batches[i].Rounds[j]
				found := r.takeEach(round, nil)
				if found[0].burst == nil || found[1].route == nil || found[2].service == nil {
					t.Fatalf("round %d: something is missing in %+v", round.N, found)
				}
				if found[0].burst.Round != round.N || found[1].route.Round != round.N || found[2].service.Round != round.N {
					t.Fatalf("round %d has another's results", round.N)
				}
			}
			r.rest()
		}
		if len(p.results) > 0 {
			t.Fatalf("%d results are left over", len(p.results))
		}
	}
}

package console

import (
	"slices"
	"time"

	"netsonde"
)

const (
	// staleAfter is how long a result waits for its round before it may be
	// forgotten. Only those of probes that a reload took away wait so long.
	staleAfter = 10 * time.Minute
	// leastSweep is the number of waiting results below which none is forgotten.
	leastSweep = 1024
)

// pending keeps results until their rounds are complete. A batch may hold
// several rounds of one probe.
type pending struct {
	results map[part]result
	// now is the end of the newest round seen, on the monotonic clock.
	now time.Duration
	// sweepAt is the number of results at which stale ones are looked for. It
	// doubles with what is left, so that the search costs little per result.
	sweepAt int
}

// part is one probe's part in one round.
type part struct {
	probe netsonde.ProbeID
	round uint64
}

// result is what one probe reported; one of the pointers is set. They point
// into batches, which are never changed.
type result struct {
	seen    time.Duration
	burst   *netsonde.Burst
	route   *netsonde.Route
	service *netsonde.Service
}

func newPending() pending {
	return pending{results: make(map[part]result), sweepAt: leastSweep}
}

// finding is what one probe of a complete round has reported; without any of
// the pointers, nothing.
type finding struct {
	probe *netsonde.Probe
	result
}

// reading goes through a batch whose rounds are taken in their order. A result
// most often stands in the batch of its round and in the same order, and then
// need not be looked up.
type reading struct {
	pending *pending
	batch   *netsonde.Batch
	// bursts, routes and services count those that were taken or kept.
	bursts, routes, services int
	// seen keeps reads from being left out by the compiler.
	seen uint64
}

// readTogether is of how many rounds the plan is read beforehand.
const readTogether = 32

// foresee reads a word of what the next rounds need of the plan, which is in no cache
// of the processor's own: reads that do not depend on one another are waited for
// together.
func (r *reading) foresee(rounds []netsonde.Round) {
	rounds = rounds[:min(len(rounds), readTogether)]
	for i := range rounds {
		t := rounds[i].Target
		r.seen += uint64(len(t.Name)) + uint64(t.Output.Dialect)
	}
	for i := range rounds {
		t := rounds[i].Target
		if t.Name != "" {
			r.seen += uint64(t.Name[0])
		}
		r.seen += uint64(len(t.Groups[rounds[i].Group].Probes))
	}
	for i := range rounds {
		if probes := rounds[i].Target.Groups[rounds[i].Group].Probes; len(probes) > 0 {
			r.seen += uint64(probes[0].ID)
		}
	}
}

// read begins to take in a batch; rest is to follow.
func (p *pending) read(batch *netsonde.Batch) reading {
	for i := range batch.Rounds {
		p.now = max(p.now, batch.Rounds[i].Ended.Monotonic)
	}
	return reading{pending: p, batch: batch}
}

// takeEach removes what the probes of the batch's next complete round have
// reported and appends it, a finding a probe, in their order.
func (r *reading) takeEach(round *netsonde.Round, findings []finding) []finding {
	probes := round.Target.Groups[round.Group].Probes
	for i := range probes {
		key := part{probes[i].ID, round.N}
		found, ok := r.pending.results[key]
		if ok {
			delete(r.pending.results, key)
		} else {
			found = r.find(key, probes[i].Kind)
		}
		findings = append(findings, finding{&probes[i], found})
	}
	return findings
}

// find goes on to a result, and keeps those that it passes.
func (r *reading) find(key part, kind netsonde.Kind) result {
	for {
		at, found, ok := r.next(kind)
		if !ok || at == key {
			return found
		}
		r.pending.keep(at, found)
	}
}

// next is the batch's next result of a probe of some kind. The kinds of checks
// have their results in one list.
func (r *reading) next(kind netsonde.Kind) (at part, found result, ok bool) {
	switch {
	case kind == netsonde.KindPing && r.bursts < len(r.batch.Bursts):
		burst := &r.batch.Bursts[r.bursts]
		r.bursts++
		return part{burst.Probe, burst.Round}, result{burst: burst}, true
	case kind == netsonde.KindTrace && r.routes < len(r.batch.Routes):
		route := &r.batch.Routes[r.routes]
		r.routes++
		return part{route.Probe, route.Round}, result{route: route}, true
	case kind.IsCheck() && r.services < len(r.batch.Services):
		service := &r.batch.Services[r.services]
		r.services++
		return part{service.Probe, service.Round}, result{service: service}, true
	default:
		return part{}, result{}, false
	}
}

// rest keeps what has not been taken.
func (r *reading) rest() {
	for _, kind := range [...]netsonde.Kind{netsonde.KindPing, netsonde.KindTrace, netsonde.KindTCP} {
		for at, found, ok := r.next(kind); ok; at, found, ok = r.next(kind) {
			r.pending.keep(at, found)
		}
	}
	if len(r.pending.results) >= r.pending.sweepAt {
		r.pending.sweep()
	}
}

func (p *pending) keep(key part, found result) {
	found.seen = p.now
	p.results[key] = found
}

// blockOf is what connmonitor's blocks have a place for of a complete round.
func blockOf(round *netsonde.Round, findings []finding) block {
	b := block{round: round}
	for i := range findings {
		found := &findings[i]
		switch kind := found.probe.Kind; {
		case kind == netsonde.KindPing:
			b.pinged, b.burst = true, found.burst
		case kind == netsonde.KindTrace:
			b.route = found.route
		case kind.IsCheck():
			b.scanned = true
			if column := slices.Index(columns[:], kind); column >= 0 {
				b.services[column] = found.service
			}
		}
	}
	return b
}

// sweep forgets the results whose rounds will not come.
func (p *pending) sweep() {
	for key, waiting := range p.results {
		if p.now-waiting.seen > staleAfter {
			delete(p.results, key)
		}
	}
	p.sweepAt = max(leastSweep, 2*len(p.results))
}

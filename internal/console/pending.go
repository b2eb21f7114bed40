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

// add takes in a batch's results.
func (p *pending) add(batch *netsonde.Batch) {
	r := p.read(batch)
	r.rest()
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
			found = r.next(key, probes[i].Kind)
		}
		findings = append(findings, finding{&probes[i], found})
	}
	return findings
}

// next goes on to a result, and keeps those that it passes.
func (r *reading) next(key part, kind netsonde.Kind) result {
	switch kind {
	case netsonde.KindPing:
		for r.bursts < len(r.batch.Bursts) {
			burst := &r.batch.Bursts[r.bursts]
			r.bursts++
			if (part{burst.Probe, burst.Round}) == key {
				return result{burst: burst}
			}
			r.pending.keep(part{burst.Probe, burst.Round}, result{burst: burst})
		}
	case netsonde.KindTrace:
		for r.routes < len(r.batch.Routes) {
			route := &r.batch.Routes[r.routes]
			r.routes++
			if (part{route.Probe, route.Round}) == key {
				return result{route: route}
			}
			r.pending.keep(part{route.Probe, route.Round}, result{route: route})
		}
	default:
		for r.services < len(r.batch.Services) {
			service := &r.batch.Services[r.services]
			r.services++
			if (part{service.Probe, service.Round}) == key {
				return result{service: service}
			}
			r.pending.keep(part{service.Probe, service.Round}, result{service: service})
		}
	}
	return result{}
}

// rest keeps what has not been taken.
func (r *reading) rest() {
	for i := r.bursts; i < len(r.batch.Bursts); i++ {
		burst := &r.batch.Bursts[i]
		r.pending.keep(part{burst.Probe, burst.Round}, result{burst: burst})
	}
	for i := r.routes; i < len(r.batch.Routes); i++ {
		route := &r.batch.Routes[i]
		r.pending.keep(part{route.Probe, route.Round}, result{route: route})
	}
	for i := r.services; i < len(r.batch.Services); i++ {
		service := &r.batch.Services[i]
		r.pending.keep(part{service.Probe, service.Round}, result{service: service})
	}
	if len(r.pending.results) >= r.pending.sweepAt {
		r.pending.sweep()
	}
}

func (p *pending) keep(key part, found result) {
	found.seen = p.now
	p.results[key] = found
}

// takeEach removes what the probes of a complete round have reported and
// appends it, a finding a probe, in their order.
func (p *pending) takeEach(round *netsonde.Round, findings []finding) []finding {
	probes := round.Target.Groups[round.Group].Probes
	for i := range probes {
		key := part{probes[i].ID, round.N}
		findings = append(findings, finding{&probes[i], p.results[key]})
		delete(p.results, key)
	}
	return findings
}

// take removes and returns what the probes of a complete round have reported,
// as far as connmonitor's blocks have a place for it.
func (p *pending) take(round *netsonde.Round) block {
	b := block{round: round}
	probes := round.Target.Groups[round.Group].Probes
	for i := range probes {
		probe := &probes[i]
		key := part{probe.ID, round.N}
		found := p.results[key]
		delete(p.results, key)
		switch {
		case probe.Kind == netsonde.KindPing:
			b.pinged, b.burst = true, found.burst
		case probe.Kind == netsonde.KindTrace:
			b.route = found.route
		case probe.Kind.IsCheck():
			b.scanned = true
			if column := slices.Index(columns[:], probe.Kind); column >= 0 {
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

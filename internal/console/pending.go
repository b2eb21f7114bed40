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
	for i := range batch.Rounds {
		p.now = max(p.now, batch.Rounds[i].Ended.Monotonic)
	}
	for i := range batch.Bursts {
		burst := &batch.Bursts[i]
		p.results[part{burst.Probe, burst.Round}] = result{seen: p.now, burst: burst}
	}
	for i := range batch.Routes {
		route := &batch.Routes[i]
		p.results[part{route.Probe, route.Round}] = result{seen: p.now, route: route}
	}
	for i := range batch.Services {
		service := &batch.Services[i]
		p.results[part{service.Probe, service.Round}] = result{seen: p.now, service: service}
	}
	if len(p.results) >= p.sweepAt {
		p.sweep()
	}
}

// finding is what one probe of a complete round has reported; without any of
// the pointers, nothing.
type finding struct {
	probe *netsonde.Probe
	result
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

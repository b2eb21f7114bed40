package agent_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/simnet"
)

// reports keeps what an agent says of itself.
type reports struct {
	mu       sync.Mutex
	health   []netsonde.Health
	warnings []string
}

func (r *reports) take(h *netsonde.Health) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = append(r.health, *h)
}

func (r *reports) warn(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, text)
}

// TestHealth has an agent report each minute, on demand and at its end, and warn
// when it could not run.
func TestHealth(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(3)
		network.Link(network.Client(), network.Node(addr("127.0.0.1"), addr("::1")), simnet.Quality{Delay: 15 * time.Microsecond})
		network.link.SetQuality(simnet.Quality{Duplicate: 1, HeldBack: time.Millisecond})
		o, said := options(0), &reports{}
		o.Stamps = netsonde.StampsKernel
		s := start(t, agent.Config{
			Connections: []agent.Connection{network.Connect(o)}, Health: said.take, Warn: said.warn,
		})
		target := ping(host(0), time.Second)
		target.Groups[0].Cadence = netsonde.Cadence{Every: time.Second}
		s.apply(plan(target))
		time.Sleep(130 * time.Second)
		said.mu.Lock()
		reported, warned := len(said.health), len(said.warnings)
		said.mu.Unlock()
		if warned > 0 || reported != 2 {
			t.Fatalf("%d reports and %d warnings", reported, warned)
		}
		network.Pause(5 * time.Second)
		time.Sleep(15 * time.Second)
		s.agent.ReportHealth()
		time.Sleep(2 * time.Second)
		s.drain()
		if len(said.health) != 4 || !said.health[3].Final || said.health[2].Final {
			t.Fatalf("%d reports", len(said.health))
		}
		if len(said.warnings) == 0 || !strings.Contains(said.warnings[0], "did not let the monitor run") {
			t.Errorf("it warns of %q", said.warnings)
		}
		last := said.health[3].Total()
		ok := s.seen.count(target, netsonde.OutcomeOK)
		if got := last.Outcomes[netsonde.OutcomeOK]; got != uint64(ok) || last.Sent != got || last.Stamps[netsonde.StampsKernel] != got {
			t.Errorf("%d answers, %d sent; the sinks saw %d", got, last.Sent, ok)
		}
		// The router, too, doubles what passes between it and the hosts: each
		// request and each of its answers.
		if last.Duplicates != 3*last.Received {
			t.Errorf("%d duplicates of %d answers", last.Duplicates, last.Received)
		}
		if last.Stalled < 3 || last.Bound.Stamps != netsonde.StampsKernel || last.Bound.Limit != 80*time.Microsecond {
			t.Errorf("%d rounds stalled; the bound is %+v", last.Stalled, last.Bound)
		}
		if late := said.health[0].Total().Lateness; late.Count() < 59 || late.Max() > time.Millisecond {
			t.Errorf("%d starts, late by up to %v", late.Count(), late.Max())
		}
	})
}

package agent_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/probe"
)

// budget is what the tools keep to when nothing else is asked for.
func budget() probe.Rates { return probe.Rates{All: 10_000, Network: 2000, Destination: 100} }

func TestSweepKeepsTheRateOfAnAddressHoweverOftenItIsNamed(t *testing.T) {
	simulate(t, func(t *testing.T) {
		var sent sends
		names := slices.Repeat([]string{"10.1.0.1", "::ffff:10.1.0.1", "one.example", "uno.example"}, 50)
		s := startSweep(t, agent.SweepConfig{Connection: sent.connect(newLAN(1)), Rates: budget()}, echoes(1, names...))
		s.names.set("one.example", addr("10.1.0.1"))
		s.names.set("uno.example", addr("10.1.0.1"))
		s.run().end()
		if len(sent.at) != len(names) {
			t.Fatalf("%d packets left, want %d", len(sent.at), len(names))
		}
		if took := sent.at[len(names)-1].Sub(sent.at[0]); took < 1980*time.Millisecond || took > 2100*time.Millisecond {
			t.Errorf("200 packets left for one address within %v", took)
		}
	})
}

// A network that is taken in order is as quick as the rate of all, though each
// /24 has a lower one.
func TestSweepGoesOnElsewhereWhileANetworkIsFull(t *testing.T) {
	simulate(t, func(t *testing.T) {
		var sent sends
		var targets []*netsonde.Target
		for _, octet := range []int{1, 2} {
			targets = append(targets, echoes(1, hostNames(octet, 10_000)...)...)
		}
		for i, target := range targets {
			target.Groups[0].Probes[0].ID = netsonde.ProbeID(i + 1)
		}
		s := startSweep(t, agent.SweepConfig{Connection: sent.connect(newLAN(1)), Rates: budget()}, targets).run()
		s.end()
		if took := sent.at[len(sent.at)-1].Sub(sent.at[0]); took < 1980*time.Millisecond || took > 2200*time.Millisecond {
			t.Errorf("%d packets left within %v, want 2s", len(sent.at), took)
		}
	})
}

func TestSweepChecksTheExemptAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		checks := &serviceChecks{takes: time.Millisecond}
		s := startSweep(t, agent.SweepConfig{
			Connection: newLAN(1).Connect(options(0)), CheckLimit: 1000, Rates: budget(),
			Exempt: netip.Addr.IsPrivate,
			Checks: map[netsonde.Kind]agent.Check{netsonde.KindHTTP: checks.check},
		}, sweepTargets(hostNames(1, 1), portProbes(500)...)).run()
		if took := s.end(); took > 20*time.Millisecond || len(checks.began) != 500 {
			t.Errorf("%d checks of an exempt address took %v", len(checks.began), took)
		}
	})
}

// A pool that is full must not let the tokens of those that wait add up.
func TestSweepBeginsNoBurstOfChecksWhenPlacesComeFree(t *testing.T) {
	simulate(t, func(t *testing.T) {
		checks := &serviceChecks{takes: 500 * time.Millisecond}
		s := startSweep(t, agent.SweepConfig{
			Connection: newLAN(1).Connect(options(0)), CheckLimit: 50, Rates: probe.Rates{All: 1000},
			Checks: map[netsonde.Kind]agent.Check{netsonde.KindHTTP: checks.check},
		}, sweepTargets(hostNames(1, 100), portProbes(3)...)).run()
		s.end()
		if len(checks.began) != 300 {
			t.Fatalf("%d checks ran, want 300", len(checks.began))
		}
		slices.SortFunc(checks.began, time.Time.Compare)
		for i := range checks.began[:280] {
			if d := checks.began[i+20].Sub(checks.began[i]); d < 10*time.Millisecond {
				t.Fatalf("20 checks began within %v at 1000 a second", d)
			}
		}
	})
}

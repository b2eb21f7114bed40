package agent_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

// checkTarget plans the three service checks as one round.
func checkTarget(name string, pause time.Duration) *netsonde.Target {
	var probes []netsonde.Probe
	for _, kind := range []netsonde.Kind{netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL} {
		probes = append(probes, netsonde.Probe{Kind: kind, Port: kind.Port(), Timeout: time.Second})
	}
	return target(name, pause, probes...)
}

// takes is a check that finds an open service after a while, or nothing when
// its time is over before.
func takes(d time.Duration) agent.Check {
	return func(ctx context.Context, probe *netsonde.Probe, _ string, _ netip.Addr) netsonde.Service {
		found := netsonde.Service{Port: probe.Port, Started: time.Now(), State: netsonde.ServiceOpen, RTT: d}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			found.State, found.Reason = netsonde.ServiceFiltered, "timed out"
		}
		return found
	}
}

func checksOf(check agent.Check) map[netsonde.Kind]agent.Check {
	return map[netsonde.Kind]agent.Check{netsonde.KindHTTP: check, netsonde.KindHTTPS: check, netsonde.KindMySQL: check}
}

func TestChecks(t *testing.T) {
	simulate(t, func(t *testing.T) {
		checks := checksOf(takes(30 * time.Millisecond))
		checks[netsonde.KindHTTPS] = takes(time.Hour)
		delete(checks, netsonde.KindMySQL)
		s := start(t, agent.Config{Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Checks: checks})
		s.apply(plan(checkTarget(host(0), time.Minute)))
		time.Sleep(10 * time.Second)
		s.stop()
		rounds := s.seen.roundsOf(host(0))
		if len(rounds) != 1 || rounds[0].Ended.Monotonic-rounds[0].Started.Monotonic != time.Second {
			t.Fatalf("rounds = %+v, want one of the hanging check's second", rounds)
		}
		want := map[netsonde.Kind]netsonde.ServiceState{
			netsonde.KindHTTP: netsonde.ServiceOpen, netsonde.KindHTTPS: netsonde.ServiceFiltered, netsonde.KindMySQL: netsonde.ServiceFailed,
		}
		for _, service := range s.seen.services {
			if service.State != want[service.Kind] || service.Addr != addr(host(0)) || service.Port != service.Kind.Port() || service.Round != 1 {
				t.Errorf("service = %+v, want state %v", service, want[service.Kind])
			}
			delete(want, service.Kind)
		}
		if len(want) != 0 {
			t.Errorf("no result of %v", want)
		}
	})
}

// TestCheckLimit runs more checks than may run at the same time.
func TestCheckLimit(t *testing.T) {
	simulate(t, func(t *testing.T) {
		const limit = 10
		var mu sync.Mutex
		var warnings []string
		running, most := 0, 0
		check := func(ctx context.Context, probe *netsonde.Probe, host string, addr netip.Addr) netsonde.Service {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() {
				mu.Lock()
				running--
				mu.Unlock()
			}()
			return takes(100*time.Millisecond)(ctx, probe, host, addr)
		}
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(check), CheckLimit: limit,
			Warn: func(text string) {
				mu.Lock()
				defer mu.Unlock()
				warnings = append(warnings, text)
			},
		})
		for wave := range 2 {
			var targets []*netsonde.Target
			for i := range 50 {
				targets = append(targets, checkTarget(host(50*wave+i), time.Minute))
			}
			s.apply(plan(targets...))
			time.Sleep(10 * time.Second)
		}
		s.stop()
		if most != limit {
			t.Errorf("%d ran at once, want %d", most, limit)
		}
		if n := len(s.seen.services); n != 300 {
			t.Errorf("%d results, want 300", n)
		}
		for _, service := range s.seen.services {
			if service.State != netsonde.ServiceOpen || service.RTT != 100*time.Millisecond {
				t.Fatalf("service = %+v: waiting for its turn was held against it", service)
			}
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], "10 service checks") {
			t.Errorf("warnings = %q, want one", warnings)
		}
	})
}

// TestEndWithChecksRunning neither waits for hanging checks nor leaves one behind.
func TestEndWithChecksRunning(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(takes(time.Hour)), CheckLimit: 2,
		})
		s.apply(plan(checkTarget(host(0), time.Minute), checkTarget(host(1), time.Minute)))
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("ended after %v", took)
		}
	})
}

// TestDeadHostsHoldUpNobody has so many dead hosts that their checks take all
// places for seconds; a live one keeps its pace once the dead ones are known.
func TestDeadHostsHoldUpNobody(t *testing.T) {
	simulate(t, func(t *testing.T) {
		const dead = 40
		check := func(ctx context.Context, probe *netsonde.Probe, name string, at netip.Addr) netsonde.Service {
			took := time.Hour
			if name == host(dead) {
				took = 10 * time.Millisecond
			}
			return takes(took)(ctx, probe, name, at)
		}
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Checks: checksOf(check), CheckLimit: 12,
		})
		var targets []*netsonde.Target
		for i := range dead + 1 {
			targets = append(targets, checkTarget(host(i), 100*time.Millisecond))
		}
		s.apply(plan(targets...))
		time.Sleep(20 * time.Second)
		before := len(s.seen.roundsOf(host(dead)))
		time.Sleep(11 * time.Second)
		if n := len(s.seen.roundsOf(host(dead))) - before; n != 100 {
			t.Errorf("the live host had %d rounds in 11 s, want 100", n)
		}
		if n := len(s.seen.roundsOf(host(0))); n < 2 {
			t.Errorf("a dead host had %d rounds: it must have its turn too", n)
		}
		s.stop()
	})
}

// TestDrainDropsWhatWaits starts no check that has not had its turn, and tells
// no round of which one is missing.
func TestDrainDropsWhatWaits(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(takes(time.Hour)), CheckLimit: 3,
		})
		s.apply(plan(checkTarget(host(0), time.Minute), checkTarget(host(1), time.Minute), checkTarget(host(2), time.Minute)))
		time.Sleep(300 * time.Millisecond)
		if took := s.drain(); took != 700*time.Millisecond {
			t.Errorf("drained in %v, want the rest of a second", took)
		}
		if len(s.seen.services) != 3 || len(s.seen.rounds) != 1 {
			t.Errorf("%d results in %d rounds, want the three of one", len(s.seen.services), len(s.seen.rounds))
		}
	})
}

// TestReloadDropsWhatWaits lets no check of a host that is gone delay a new one.
func TestReloadDropsWhatWaits(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(takes(time.Hour)), CheckLimit: 3,
		})
		var targets []*netsonde.Target
		for i := range 30 {
			targets = append(targets, checkTarget(host(i), time.Minute))
		}
		s.apply(plan(targets...))
		time.Sleep(500 * time.Millisecond)
		s.apply(plan(checkTarget(host(40), time.Minute)))
		time.Sleep(1600 * time.Millisecond)
		if n := len(s.seen.roundsOf(host(40))); n != 1 {
			t.Errorf("the new host had %d rounds 1.6 s after the reload, want 1", n)
		}
		s.stop()
	})
}

// TestStoppedChecksRunAgain has checks that end long after their time, as they
// do when the process is stopped.
func TestStoppedChecksRunAgain(t *testing.T) {
	simulate(t, func(t *testing.T) {
		var mu sync.Mutex
		runs := map[netsonde.Kind]int{}
		check := func(_ context.Context, probe *netsonde.Probe, _ string, _ netip.Addr) netsonde.Service {
			mu.Lock()
			runs[probe.Kind]++
			first := runs[probe.Kind] == 1
			mu.Unlock()
			switch {
			case probe.Kind == netsonde.KindHTTP && first, probe.Kind == netsonde.KindMySQL:
				time.Sleep(5 * time.Second)
				return netsonde.Service{State: netsonde.ServiceFiltered, Reason: "timed out"}
			case probe.Kind == netsonde.KindHTTPS:
				time.Sleep(1100 * time.Millisecond)
			}
			return netsonde.Service{State: netsonde.ServiceOpen}
		}
		s := start(t, agent.Config{Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Checks: checksOf(check)})
		s.apply(plan(checkTarget(host(0), time.Minute)))
		time.Sleep(30 * time.Second)
		s.stop()
		for kind, want := range map[netsonde.Kind]int{netsonde.KindHTTP: 2, netsonde.KindHTTPS: 1, netsonde.KindMySQL: 4} {
			if runs[kind] != want {
				t.Errorf("%v ran %d times, want %d", kind, runs[kind], want)
			}
		}
		for _, service := range s.seen.services {
			if (service.State == netsonde.ServiceOpen) == (service.Kind == netsonde.KindMySQL) {
				t.Errorf("service = %+v", service)
			}
		}
	})
}

// TestDrainWaitsForChecks bounds the wait by the checks' timeout.
func TestDrainWaitsForChecks(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Checks: checksOf(takes(time.Hour)),
		})
		s.apply(plan(checkTarget(host(0), time.Minute)))
		time.Sleep(300 * time.Millisecond)
		if took := s.drain(); took != 700*time.Millisecond {
			t.Errorf("drained in %v, want the rest of a second", took)
		}
		if n := len(s.seen.services); n != 3 {
			t.Errorf("%d results, want 3", n)
		}
	})
}

// TestRunOutlivesItsChecks has a check that needs a moment to let go.
func TestRunOutlivesItsChecks(t *testing.T) {
	simulate(t, func(t *testing.T) {
		check := func(ctx context.Context, _ *netsonde.Probe, _ string, _ netip.Addr) netsonde.Service {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond)
			return netsonde.Service{State: netsonde.ServiceFiltered}
		}
		s := start(t, agent.Config{Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Checks: checksOf(check)})
		s.apply(plan(checkTarget(host(0), time.Minute)))
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != 50*time.Millisecond {
			t.Errorf("Run returned after %v, its checks after 50 ms", took)
		}
	})
}

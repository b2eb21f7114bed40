package agent_test

import (
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

// fixed gives each of a target's groups a round every so often.
func fixed(every time.Duration, target *netsonde.Target) *netsonde.Target {
	for i := range target.Groups {
		target.Groups[i].Cadence = netsonde.Cadence{Every: every}
	}
	return target
}

// phase is where in its interval a target's rounds start, and that of a moment.
func phase(target *netsonde.Target, at time.Time) (want, got time.Duration) {
	group := &target.Groups[0]
	every := int64(group.Cadence.Every)
	return time.Duration(uint64(group.Probes[0].ID) % uint64(every)), time.Duration(at.UnixNano() % every)
}

// TestReloadsAndClockStepsMoveNoPhase reloads a tenth of a plan again and
// again while the real clock is stepped to and fro. The others probe on, each
// at its phase, and none of their probes is lost.
func TestReloadsAndClockStepsMoveNoPhase(t *testing.T) {
	simulate(t, func(t *testing.T) {
		const count, every = 300, 2 * time.Second
		network := newLAN(1)
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(options(0)), network.Connect(options(1))}})
		origin := time.Now()
		planned := func(generation int) *netsonde.Plan {
			p := plan()
			for i := range count {
				target := fixed(every, ping(host(i), 0))
				if i%10 == 0 {
					fixed(every+time.Duration(generation)*100*time.Millisecond, target)
				}
				p.Targets = append(p.Targets, target)
			}
			return p
		}
		s.apply(planned(0))
		for generation := range 12 {
			time.Sleep(2718 * time.Millisecond)
			network.StepClock([]time.Duration{time.Hour, -time.Hour, -time.Hour, time.Hour}[generation%4])
			s.apply(planned(generation + 1))
		}
		ran := time.Since(origin)
		s.drain()
		late := 0
		for i := range count {
			target := fixed(every, ping(host(i), 0))
			rounds := s.seen.roundsOf(target.Name)
			if truth := network.Account(addr(target.Host)); s.seen.count(target, netsonde.OutcomeOK) != truth.Sent || truth.Sent != len(rounds) {
				t.Errorf("%s: %d answers in %d rounds, sent %d", target.Name, s.seen.count(target, netsonde.OutcomeOK), len(rounds), truth.Sent)
			}
			if i%10 == 0 {
				continue
			}
			if n := int(ran / every); len(rounds) < n || len(rounds) > n+1 {
				t.Errorf("%s: %d rounds in %v", target.Name, len(rounds), ran)
			}
			for j, round := range rounds {
				want, got := phase(target, origin.Add(round.Started.Monotonic-rounds[0].Started.Monotonic).
					Add(time.Duration(rounds[0].Started.Real-origin.UnixNano())))
				if round.N != uint64(j+1) || got != want {
					late++
				}
			}
		}
		if late > 0 || len(s.seen.stalls) > 0 {
			t.Errorf("%d rounds of the unchanged started off their phase, %d stalled", late, len(s.seen.stalls))
		}
	})
}

// TestPausesAreStalls stops the process. What was on its way is answered, what
// was missed is told once, and nothing is caught up.
func TestPausesAreStalls(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		s := startOn(t, network.Network)
		var targets []*netsonde.Target
		for i := range 200 {
			targets = append(targets, fixed(time.Second, ping(host(i), 0)))
		}
		s.apply(plan(targets...))
		began := time.Now()
		for range 5 {
			time.Sleep(3 * time.Second)
			network.Pause(4500 * time.Millisecond)
			time.Sleep(4500 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		passed := time.Since(began)
		s.drain()
		for _, target := range targets {
			stalled := uint64(0)
			for _, stall := range s.seen.stalls {
				if stall.Probe == target.Groups[0].Probes[0].ID {
					stalled += stall.Rounds
				}
			}
			rounds := s.seen.roundsOf(target.Name)
			last := rounds[len(rounds)-1]
			if last.N != uint64(len(rounds))+stalled {
				t.Errorf("%s: round %d is the last of %d, %d stalled", target.Name, last.N, len(rounds), stalled)
			}
			if n := uint64(passed / time.Second); last.N < n || last.N > n+1 {
				t.Errorf("%s: %d rounds in %v", target.Name, last.N, passed)
			}
			// Four rounds are due in a pause of 4.5 s, or five.
			if stalled < 5*4 || stalled > 5*5 {
				t.Errorf("%s: %d rounds stalled in five pauses of 4.5 s", target.Name, stalled)
			}
			for i := 1; i < len(rounds); i++ {
				if gap := rounds[i].Started.Monotonic - rounds[i-1].Started.Monotonic; gap%time.Second != 0 {
					t.Errorf("%s: round %d started %v after the one before", target.Name, rounds[i].N, gap)
				}
			}
			if truth := network.Account(addr(target.Host)); s.seen.count(target, netsonde.OutcomeOK) != truth.Sent {
				t.Errorf("%s: %d of %d answered", target.Name, s.seen.count(target, netsonde.OutcomeOK), truth.Sent)
			}
		}
	})
}

// TestUnresolvedRounds tells every round of a name without address, and probes
// at the same phase once it has one.
func TestUnresolvedRounds(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.slow["slow.test"] = true
		missing, slow := fixed(time.Second, ping("missing.test", 0)), fixed(time.Second, ping("slow.test", 0))
		p := plan(missing, slow, fixed(time.Second, ping(host(0), 0)))
		p.ResolveEvery = 5 * time.Second
		s.apply(p)
		if n := len(s.seen.roundsOf("slow.test")); n != 0 {
			t.Errorf("%d rounds before the first lookup had ended", n)
		}
		if n := s.seen.count(missing, netsonde.OutcomeUnresolved); n < 9 || n > 10 {
			t.Errorf("%d rounds told as unresolved in the ten seconds of the other's lookup", n)
		}
		time.Sleep(10 * time.Second)
		if n := s.seen.count(slow, netsonde.OutcomeUnresolved); n < 9 || n > 10 {
			t.Errorf("%d rounds told as unresolved in the ten seconds since", n)
		}
		s.apply(p)
		s.names.set("missing.test", addr(host(1)))
		time.Sleep(70 * time.Second)
		answered := s.seen.count(missing, netsonde.OutcomeOK)
		if answered < 5 {
			t.Errorf("%d answers since the name has an address", answered)
		}
		s.names.set("missing.test")
		time.Sleep(20 * time.Second)
		if n := s.seen.count(missing, netsonde.OutcomeOK); n < answered+19 {
			t.Errorf("%d answers while lookups fail, want the last good address to be kept", n-answered)
		}
		s.stop()
		rounds := s.seen.roundsOf("missing.test")
		for i, round := range rounds {
			if want, got := phase(missing, round.Started.Time()); got != want || round.N != uint64(i+1) {
				t.Errorf("round %d at %v of the interval, not at %v", round.N, got, want)
			}
		}
		if n := len(s.seen.stalls); n != 0 {
			t.Errorf("%d stalls", n)
		}
	})
}

// TestPlanSaysHowOftenNamesAreLookedUp reloads with another interval.
func TestPlanSaysHowOftenNamesAreLookedUp(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.set("name.test", addr(host(0)))
		p := plan(fixed(time.Second, ping("name.test", 0)))
		for _, every := range []time.Duration{7 * time.Second, 0, 20 * time.Second} {
			p.ResolveEvery = every
			before := s.names.askedFor("name.test")
			s.apply(p)
			time.Sleep(2 * time.Minute)
			if every == 0 {
				every = time.Minute
			}
			want := int(2 * time.Minute / every)
			if n := s.names.askedFor("name.test") - before; n < want || n > want+2 {
				t.Errorf("every %v: looked up %d times in two minutes", every, n)
			}
		}
	})
}

// TestChecksThatWaitAreStalled has more hanging checks at a fixed cadence than
// may run at once. Each round is told, none runs late.
func TestChecksThatWaitAreStalled(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(takes(time.Hour)), CheckLimit: 4,
		})
		// Of the three at once, slow ones may take three of the four places.
		var targets []*netsonde.Target
		for i := range 5 {
			targets = append(targets, fixed(5*time.Second, checkTarget(host(i), 0)))
		}
		patient := checkTarget(host(9), 5*time.Second)
		s.apply(plan(append(targets, patient)...))
		time.Sleep(61 * time.Second)
		s.drain()
		states := map[netsonde.ServiceState]int{}
		for _, service := range s.seen.services {
			states[service.State]++
			if service.Addr == addr(host(9)) && service.State == netsonde.ServiceStalled {
				t.Errorf("a check that pauses after its rounds was stalled: %+v", service)
			}
			if service.Kind == 0 || service.Port == 0 || service.Round == 0 || service.State == netsonde.ServiceStalled && service.Reason == "" {
				t.Errorf("service = %+v", service)
			}
		}
		if states[netsonde.ServiceStalled] == 0 || states[netsonde.ServiceFiltered] == 0 || len(states) != 2 {
			t.Errorf("states = %v, want stalled and filtered", states)
		}
		for _, target := range targets {
			rounds := s.seen.roundsOf(target.Name)
			if len(rounds) < 12 || len(rounds) > 13 {
				t.Errorf("%s: %d rounds in 61 s", target.Name, len(rounds))
			}
			for _, round := range rounds {
				if took := round.Ended.Monotonic - round.Started.Monotonic; took > 1100*time.Millisecond {
					t.Errorf("%s: round %d took %v, more than a turn and a timeout", target.Name, round.N, took)
				}
			}
		}
	})
}

// TestDrainWithFixedCadences ends with what runs.
func TestDrainWithFixedCadences(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Checks:      checksOf(takes(time.Hour)), CheckLimit: 2,
		})
		spaced := fixed(2*time.Second, target(host(1), 0, netsonde.Probe{
			Kind: netsonde.KindPing, Timeout: time.Second, Count: 10, Size: 41, Spacing: 100 * time.Millisecond,
		}))
		missing := fixed(100*time.Millisecond, ping("missing.test", 0))
		s.apply(plan(spaced, missing, fixed(2*time.Second, checkTarget(host(0), 0))))
		time.Sleep(4 * time.Second)
		if took := s.drain(); took > time.Second {
			t.Errorf("drained in %v, the longest timeout is a second", took)
		}
	})
}

package agent_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

func TestReloadIsADiff(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		stays, goes, comes := ping(host(0), 10*time.Second), ping(host(1), 10*time.Second), ping(host(2), 10*time.Second)
		began := time.Now()
		s.apply(plan(stays, goes))
		time.Sleep(15 * time.Second)
		s.apply(plan(ping(host(0), 10*time.Second), comes))
		time.Sleep(10 * time.Second)
		s.stop()

		rounds := s.seen.roundsOf(stays.Name)
		if len(rounds) != 3 {
			t.Fatalf("unchanged: %d rounds, want 3", len(rounds))
		}
		// A round lasts 4 ms and the pause is 10 s, whatever was reloaded.
		for i, round := range rounds {
			if at := round.Started.Time().Sub(began); round.N != uint64(i+1) || at != time.Duration(i)*10004*time.Millisecond {
				t.Errorf("unchanged: round %d at %v", round.N, at)
			}
		}
		if n := len(s.seen.roundsOf(goes.Name)); n != 2 {
			t.Errorf("removed: %d rounds, want 2", n)
		}
		news := s.seen.roundsOf(comes.Name)
		if len(news) != 1 || news[0].Started.Time().Sub(began) != 15*time.Second {
			t.Errorf("added: %+v, want one at once", news)
		}
	})
}

// TestReloadKeepsTheRoute tells a route once, reload or not.
func TestReloadKeepsTheRoute(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		trace := func() *netsonde.Plan {
			return plan(target(host(0), time.Second, netsonde.Probe{Kind: netsonde.KindTrace, Timeout: time.Second, Hops: 30}))
		}
		for range 5 {
			s.apply(trace())
			time.Sleep(3 * time.Second)
		}
		s.stop()
		changed := 0
		for _, route := range s.seen.routes {
			if route.Changed {
				changed++
			}
			if len(route.Hops) != 2 || route.Hops[0].Addr != addr("10.0.0.1") || route.Hops[1].Addr != addr(host(0)) {
				t.Fatalf("route = %+v", route)
			}
		}
		if changed != 1 || len(s.seen.routes) < 14 {
			t.Errorf("%d of %d routes are news, want the first", changed, len(s.seen.routes))
		}
	})
}

// TestFiftyReloads applies changing plans from many goroutines within a
// second, then drains: nothing deadlocks, nothing runs twice.
func TestFiftyReloads(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(options(0)), network.Connect(options(1))}})
		s.names.set("name.test", addr(host(90)))
		s.names.slow["dead.test"] = true
		var reloads sync.WaitGroup
		for i := range 50 {
			time.Sleep(20 * time.Millisecond)
			reloads.Go(func() {
				p := plan(ping(host(0), time.Second), ping("name.test", time.Second), ping("dead.test", time.Second), ping(host(1+i), time.Second))
				if err := s.agent.Apply(context.Background(), p); err != nil {
					t.Errorf("Apply: %v", err)
				}
			})
		}
		reloads.Wait()
		time.Sleep(10 * time.Second)
		if took := s.drain(); took > time.Second {
			t.Errorf("drained in %v", took)
		}
		for _, name := range []string{host(0), "name.test"} {
			rounds := s.seen.roundsOf(name)
			for i, round := range rounds {
				if round.N != uint64(i+1) || i > 0 && round.Started.Monotonic < rounds[i-1].Ended.Monotonic+time.Second {
					t.Fatalf("%s: round %d began %v after the one before", name, round.N, round.Started.Monotonic-rounds[i-1].Ended.Monotonic)
				}
			}
			if len(rounds) < 10 {
				t.Errorf("%s: %d rounds", name, len(rounds))
			}
		}
		if n := len(s.seen.roundsOf(host(50))); n < 10 {
			t.Errorf("last plan: %d rounds", n)
		}
	})
}

// TestNewerPlanTakesOver has a reload while one still waits for a dead name.
func TestNewerPlanTakesOver(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.slow["dead.test"] = true
		older := make(chan error)
		go func() { older <- s.agent.Apply(context.Background(), plan(ping("dead.test", time.Second))) }()
		time.Sleep(time.Second)
		began := time.Now()
		s.apply(plan(ping(host(0), time.Second)))
		if err := <-older; err != nil || time.Since(began) != 0 {
			t.Errorf("older Apply = %v after %v, want nil at once", err, time.Since(began))
		}
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 0 {
			t.Errorf("%d names of a plan that is gone called unresolved", n)
		}
	})
}

// TestApplyBeforeRun gives the plan first.
func TestApplyBeforeRun(t *testing.T) {
	simulate(t, func(t *testing.T) {
		seen, names := &record{}, newBook()
		names.set("name.test", addr(host(3)))
		a, err := agent.New(agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))},
			Resolver:    names, Sinks: []agent.Sink{seen},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := once(plan(ping(host(0), 0), ping("name.test", 0), ping("nosuch.test", 0)))
		if err := a.Apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, target := range p.Targets[:2] {
			if n := seen.count(target, netsonde.OutcomeOK); n != 1 {
				t.Errorf("%s: %d answers", target.Name, n)
			}
		}
	})
}

// TestReloadOfTheFamily looks a name up anew when another family is wanted.
func TestReloadOfTheFamily(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.set("name.test", addr("fd00:1::1"), addr(host(1)))
		s.apply(plan(ping("name.test", time.Second)))
		time.Sleep(10 * time.Second)
		six := ping("name.test", time.Second)
		six.Family = netsonde.Family6
		s.apply(plan(six))
		time.Sleep(10 * time.Second)
		s.stop()
		rounds := s.seen.roundsOf("name.test")
		if first, last := rounds[0].Addr, rounds[len(rounds)-1].Addr; first != addr(host(1)) || last != addr("fd00:1::1") {
			t.Errorf("probed %v, then %v", first, last)
		}
		if n := len(s.seen.eventsOf(netsonde.EventAddressChanged)); n != 0 {
			t.Errorf("what the user changed told as %d changes of the name", n)
		}
	})
}

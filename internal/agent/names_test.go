package agent_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/fstest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

func TestAddressChange(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		s := startOn(t, network.Network)
		s.names.set("name.test", addr(host(1)), addr(host(2)))
		s.apply(plan(ping("name.test", time.Second)))
		time.Sleep(70 * time.Second)
		// Servers deal their addresses out in turn: no change.
		s.names.set("name.test", addr(host(2)), addr(host(1)))
		time.Sleep(70 * time.Second)
		if events := s.seen.eventsOf(netsonde.EventAddressChanged); len(events) != 0 {
			t.Fatalf("events = %+v, want none yet", events)
		}
		s.names.set("name.test", addr(host(2)))
		time.Sleep(70 * time.Second)
		events := s.seen.eventsOf(netsonde.EventAddressChanged)
		if len(events) != 1 || events[0].Old != addr(host(1)) || events[0].New != addr(host(2)) || events[0].Target.Host != "name.test" {
			t.Fatalf("events = %+v, want one from %s to %s", events, host(1), host(2))
		}
		// The last good address is kept while the name cannot be found.
		s.names.set("name.test")
		before := network.Account(addr(host(2))).Sent
		time.Sleep(10 * time.Minute)
		if after := network.Account(addr(host(2))).Sent; after < before+500 {
			t.Errorf("%d probes in ten minutes without the name", after-before)
		}
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 0 {
			t.Errorf("%d times called unresolved", n)
		}
		s.drain()
		for i, round := range s.seen.roundsOf("name.test") {
			if round.N != uint64(i+1) {
				t.Fatalf("round %d follows %d others", round.N, i)
			}
		}
	})
}

func TestUnresolved(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		p := plan(ping("nosuch.test", time.Second), ping(host(0), time.Second))
		s.apply(p)
		time.Sleep(10 * time.Minute)
		events := s.seen.eventsOf(netsonde.EventUnresolved)
		if len(events) != 1 || events[0].Target.Host != "nosuch.test" || events[0].Text != "no such host" {
			t.Errorf("events = %+v, want one of nosuch.test", events)
		}
		// At 0, 1, 3, 7, 15, 31, 63 s and then every minute.
		if n := s.names.askedFor("nosuch.test"); n < 14 || n > 16 {
			t.Errorf("asked %d times in ten minutes", n)
		}
		s.apply(plan(p.Targets...))
		time.Sleep(time.Second)
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 2 {
			t.Errorf("told %d times, want again after the reload", n)
		}
		s.names.set("nosuch.test", addr(host(5)))
		time.Sleep(2 * time.Minute)
		if n := s.seen.count(p.Targets[0], netsonde.OutcomeOK); n < 50 {
			t.Errorf("%d answers since the name can be found", n)
		}
		if n := len(s.seen.eventsOf(netsonde.EventAddressChanged)); n != 0 {
			t.Errorf("a first address called a change")
		}
	})
}

func TestNoHosts(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		none := plan(ping("a.test", time.Second), ping("b.test", time.Second))
		if err := s.agent.Apply(t.Context(), none); !errors.Is(err, agent.ErrNoHosts) {
			t.Errorf("Apply = %v, want ErrNoHosts", err)
		}
		if err := s.agent.Apply(t.Context(), plan()); !errors.Is(err, agent.ErrNoHosts) {
			t.Errorf("Apply of an empty plan = %v, want ErrNoHosts", err)
		}
		time.Sleep(time.Second)
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 2 {
			t.Errorf("%d unresolved, want 2", n)
		}
		s.apply(plan(ping("a.test", time.Second), ping(host(0), time.Second)))
		if err := s.agent.Apply(t.Context(), none); !errors.Is(err, agent.ErrNoHosts) {
			t.Errorf("Apply after a reload = %v, want ErrNoHosts", err)
		}
	})
}

// TestWrongFamily has an address that the family does not allow.
func TestWrongFamily(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		wrong := ping("fd00:1::1", time.Second)
		wrong.Family = netsonde.Family4
		if err := s.agent.Apply(t.Context(), plan(wrong)); !errors.Is(err, agent.ErrNoHosts) {
			t.Errorf("Apply = %v, want ErrNoHosts", err)
		}
		time.Sleep(10 * time.Minute)
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 1 {
			t.Errorf("told %d times, want 1", n)
		}
		if n := s.names.askedFor("fd00:1::1"); n != 0 {
			t.Errorf("an address was looked up %d times", n)
		}
	})
}

// TestDeadNamesDelayNobody has a thousand names whose lookups hang before one
// that is found.
func TestDeadNamesDelayNobody(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		var targets []*netsonde.Target
		for i := range 1000 {
			dead := fmt.Sprintf("dead%d.test", i)
			s.names.slow[dead] = true
			targets = append(targets, ping(dead, time.Second))
		}
		s.names.set("live.test", addr(host(1)))
		targets = append(targets, ping("live.test", time.Second), ping(host(2), time.Second))
		began := time.Now()
		s.apply(plan(targets...))
		if took := time.Since(began); took < 10*time.Second || took > 15*time.Second {
			t.Errorf("Apply took %v", took)
		}
		time.Sleep(time.Second)
		for name, most := range map[string]time.Duration{host(2): 0, "live.test": 4 * time.Second} {
			rounds := s.seen.roundsOf(name)
			if len(rounds) == 0 {
				t.Fatalf("%s: no round", name)
			}
			if at := rounds[0].Started.Time().Sub(began); at > most {
				t.Errorf("%s: first round after %v, want %v at most", name, at, most)
			}
		}
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 1000 {
			t.Errorf("%d unresolved, want 1000", n)
		}
	})
}

func TestApplyEndsWithItsContext(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.slow["dead.test"] = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := s.agent.Apply(ctx, plan(ping("dead.test", time.Second), ping(host(0), time.Second)))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Apply = %v, want DeadlineExceeded", err)
		}
		time.Sleep(time.Second)
		if n := len(s.seen.roundsOf(host(0))); n != 2 {
			t.Errorf("%d rounds, want 2: the plan stays", n)
		}
		// What nobody waits for any more is looked up all the same.
		time.Sleep(time.Minute)
		if n := s.names.askedFor("dead.test"); n < 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestGatewayTarget(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		proc := fstest.MapFS{"net/route": &fstest.MapFile{Data: []byte(
			"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
				"eth0\t00000000\t" + nativeHex(addr("10.0.0.1")) + "\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")}}
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(options(0))}, Proc: proc})
		gateway := ping("_gateway", time.Second)
		s.apply(plan(gateway))
		time.Sleep(1500 * time.Millisecond)
		if n := s.seen.count(gateway, netsonde.OutcomeOK); n != 2 {
			t.Errorf("%d answers, want 2", n)
		}
		if rounds := s.seen.roundsOf("_gateway"); rounds[0].Addr != addr("10.0.0.1") {
			t.Errorf("probed %v", rounds[0].Addr)
		}
		if n := s.names.askedFor("_gateway"); n != 0 {
			t.Errorf("the resolver was asked %d times", n)
		}
	})
}

// TestGatewayFromResolver has no default route: the resolver may know better.
func TestGatewayFromResolver(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Proc: fstest.MapFS{}})
		s.names.set("_gateway", netip.MustParseAddr(host(1)))
		s.apply(plan(ping("_gateway", time.Second)))
	})
}

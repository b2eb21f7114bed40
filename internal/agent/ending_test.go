package agent_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

func TestDrain(t *testing.T) {
	for _, test := range []struct {
		name   string
		target *netsonde.Target
		after  time.Duration
		// least and most bound how long the drain takes.
		least, most time.Duration
		rounds      int
	}{
		{"in a long sleep", ping(host(0), time.Minute), 10 * time.Second, 0, 0, 1},
		{"answer on its way", ping(host(0), time.Minute), 2 * time.Millisecond, 2 * time.Millisecond, 2 * time.Millisecond, 1},
		{"black hole pending", ping("10.9.0.1", time.Minute), 300 * time.Millisecond, 700 * time.Millisecond, 710 * time.Millisecond, 1},
		{"busy", ping(host(0), 0), 10 * time.Second, 0, 10 * time.Millisecond, 2000},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := startOn(t, newLAN(1).Network)
				s.apply(plan(test.target))
				time.Sleep(test.after)
				if took := s.drain(); took < test.least || took > test.most {
					t.Errorf("drained in %v, want %v to %v", took, test.least, test.most)
				}
				if s.err != nil {
					t.Errorf("Run = %v", s.err)
				}
				if n := len(s.seen.roundsOf(test.target.Name)); n < test.rounds || n > test.rounds+1 {
					t.Errorf("%d rounds, want %d", n, test.rounds)
				}
				if err := s.agent.Apply(t.Context(), plan(test.target)); !errors.Is(err, agent.ErrEnding) {
					t.Errorf("Apply after the end = %v, want ErrEnding", err)
				}
			})
		})
	}
}

func TestDrainWithoutPlan(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		time.Sleep(time.Hour)
		if took := s.drain(); took != 0 || s.err != nil {
			t.Errorf("drained in %v with %v", took, s.err)
		}
	})
}

func TestDrainEndsLookups(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.slow["dead.test"] = true
		applied := make(chan error)
		go func() { applied <- s.agent.Apply(context.Background(), plan(ping("dead.test", time.Second))) }()
		time.Sleep(time.Second)
		if took := s.drain(); took != 0 {
			t.Errorf("drained in %v", took)
		}
		if err := <-applied; !errors.Is(err, agent.ErrEnding) {
			t.Errorf("Apply = %v, want ErrEnding", err)
		}
	})
}

func TestCancelEndsAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.names.slow["dead.test"] = true
		s.apply(plan(ping("10.9.0.1", time.Second), ping(host(0), time.Second)))
		time.Sleep(300 * time.Millisecond)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != 0 || s.err != nil {
			t.Errorf("ended in %v with %v", took, s.err)
		}
		if err := s.agent.Apply(t.Context(), plan(ping(host(0), time.Second))); !errors.Is(err, agent.ErrEnding) {
			t.Errorf("Apply after the end = %v, want ErrEnding", err)
		}
	})
}

func TestRunTwice(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		s.drain()
		if err := s.agent.Run(t.Context()); err == nil {
			t.Error("a second Run began")
		}
	})
}

// TestOnce runs a plan that comes to an end: targets that answer, are silent,
// have several groups, have none, and cannot be resolved.
func TestOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := start(t, agent.Config{Connections: []agent.Connection{newLAN(1).Connect(options(0))}})
		two := ping(host(0), 0)
		two.Groups = append(two.Groups, netsonde.Group{Name: "other", Probes: []netsonde.Probe{{
			ID: 7, Kind: netsonde.KindTrace, Timeout: time.Second, Hops: 30,
		}}})
		none := ping(host(1), 0)
		none.Groups = nil
		silent := ping("10.9.0.1", 0)
		p := once(plan(two, none, silent, ping("nosuch.test", 0)))
		s.apply(p)
		if took := s.end(); took < time.Second || took > 1010*time.Millisecond {
			t.Errorf("ended after %v, want the timeout of a second", took)
		}
		if s.err != nil {
			t.Errorf("Run = %v", s.err)
		}
		if n := len(s.seen.roundsOf(two.Name)); n != 2 {
			t.Errorf("%d rounds of two groups", n)
		}
		if n := s.seen.count(silent, netsonde.OutcomeUnanswered); n != 1 {
			t.Errorf("%d unanswered, want 1", n)
		}
		if n := len(s.seen.eventsOf(netsonde.EventUnresolved)); n != 1 {
			t.Errorf("%d unresolved, want 1", n)
		}
	})
}

func TestOnceWithoutHosts(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		err := s.agent.Apply(t.Context(), once(plan(ping("nosuch.test", 0))))
		if !errors.Is(err, agent.ErrNoHosts) {
			t.Errorf("Apply = %v, want ErrNoHosts", err)
		}
		if s.end(); s.err != nil {
			t.Errorf("Run = %v", s.err)
		}
	})
}

// TestOnceOnManyShards has shards without any target.
func TestOnceOnManyShards(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		var connections []agent.Connection
		for i := range 8 {
			connections = append(connections, network.Connect(options(i)))
		}
		s := start(t, agent.Config{Connections: connections})
		s.names.set("late.test", addr(host(9)))
		p := once(plan(ping(host(0), 0), ping("late.test", 0)))
		s.apply(p)
		s.end()
		for _, target := range p.Targets {
			if n := s.seen.count(target, netsonde.OutcomeOK); n != 1 {
				t.Errorf("%s: %d answers", target.Name, n)
			}
		}
	})
}

func TestNewRefuses(t *testing.T) {
	if _, err := agent.New(agent.Config{}); err == nil {
		t.Error("an agent without connections was made")
	}
	mute := options(0)
	mute.ICMP = nil
	if _, err := agent.New(agent.Config{Connections: []agent.Connection{newLAN(1).Connect(mute)}}); err == nil {
		t.Error("an agent without identities was made")
	}
}

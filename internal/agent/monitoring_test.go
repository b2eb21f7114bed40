package agent_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// TestDay monitors for a day over a line that loses, doubles, delays and
// reorders packets, and counts exactly what the line lost.
func TestDay(t *testing.T) {
	for seed, length := range []time.Duration{24 * time.Hour, time.Hour, time.Hour} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				network := newLAN(uint64(seed))
				network.link.SetQuality(simnet.Quality{
					Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond,
					Loss: 0.01, Duplicate: 0.01, Reorder: 0.02, HeldBack: 50 * time.Millisecond,
				})
				s := startOn(t, network.Network)
				targets := []*netsonde.Target{ping(host(0), 4*time.Second), ping(host(1), 4*time.Second), ping("fd00:1::1", 10*time.Second)}
				s.apply(plan(targets...))
				time.Sleep(length)
				s.drain()
				for _, target := range targets {
					truth := network.Account(addr(target.Host))
					answered := s.seen.count(target, netsonde.OutcomeOK)
					lost := s.seen.count(target, netsonde.OutcomeUnanswered)
					if answered != truth.Answered || lost != truth.Sent-truth.Answered {
						t.Errorf("%s: answered %d, lost %d; the network saw %d, %d", target.Name, answered, lost, truth.Answered, truth.Sent-truth.Answered)
					}
					// A round takes at most the RTT of 0.15 s, or a second when it is lost.
					least := int(length / (target.Groups[0].Cadence.Pause + 200*time.Millisecond))
					if truth.Sent < least {
						t.Errorf("%s: %d probes in %v, want %d at least", target.Name, truth.Sent, length, least)
					}
					for i, round := range s.seen.roundsOf(target.Name) {
						if round.N != uint64(i+1) {
							t.Fatalf("%s: round %d follows %d others", target.Name, round.N, i)
						}
					}
				}
			})
		})
	}
}

// TestManyDueAtOnce has more targets due at once than the receive buffer
// holds answers.
func TestManyDueAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		small := options(0)
		small.Buffer = 256
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(small)}})
		// Answers come at once, so that each batch that is sent fills the buffer.
		network.Client().Answer(netip.MustParsePrefix("127.0.0.0/8"), simnet.AnswerAll)
		var targets []*netsonde.Target
		for i := range 20000 {
			targets = append(targets, ping(fmt.Sprintf("127.%d.%d.1", i/250, i%250+1), time.Second))
		}
		s.apply(plan(targets...))
		time.Sleep(2500 * time.Millisecond)
		s.drain()
		for _, target := range targets {
			if n := s.seen.count(target, netsonde.OutcomeOK); n != 3 {
				t.Fatalf("%s: %d answers, want 3", target.Name, n)
			}
		}
	})
}

// TestSendingDoesNotWait has all packets of a moment leave in it, however
// many there are and long before the first is answered.
func TestSendingDoesNotWait(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		var targets []*netsonde.Target
		for i := range 1000 {
			targets = append(targets, ping(host(i), time.Minute))
		}
		s.apply(plan(targets...))
		time.Sleep(time.Second)
		s.stop()
		for _, target := range targets {
			rounds := s.seen.roundsOf(target.Name)
			if len(rounds) != 1 || rounds[0].Ended.Monotonic-rounds[0].Started.Monotonic != 4*time.Millisecond {
				t.Fatalf("%s: rounds = %+v, want one of 4 ms", target.Name, rounds)
			}
		}
	})
}

func TestShardsShareTheTargets(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		s := start(t, agent.Config{Connections: []agent.Connection{
			network.Connect(options(0)), network.Connect(options(1)), network.Connect(options(2)),
		}})
		var targets []*netsonde.Target
		for i := range 300 {
			targets = append(targets, ping(host(i), time.Second))
		}
		s.apply(plan(targets...))
		time.Sleep(10500 * time.Millisecond)
		s.drain()
		for _, target := range targets {
			if n := s.seen.count(target, netsonde.OutcomeOK); n != 11 {
				t.Errorf("%s: %d answers, want 11", target.Name, n)
			}
		}
		for shard := range 3 {
			if len(s.seen.batches[shard]) == 0 {
				t.Errorf("shard %d has seen nothing", shard)
			}
			for i, number := range s.seen.batches[shard] {
				if number != uint64(i+1) {
					t.Fatalf("shard %d: batch %d follows %d others", shard, number, i)
				}
			}
		}
	})
}

// TestDuplicateEntries has one host three times, over a line that loses.
func TestDuplicateEntries(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(3)
		network.link.SetQuality(simnet.Quality{Delay: time.Millisecond, Loss: 0.1})
		s := startOn(t, network.Network)
		var targets []*netsonde.Target
		for i := range 3 {
			target := ping(fmt.Sprintf("%s#%d", host(0), i+1), time.Second)
			target.Host = host(0)
			targets = append(targets, target)
		}
		s.apply(plan(targets...))
		time.Sleep(10 * time.Minute)
		s.drain()
		answered, lost := 0, 0
		for _, target := range targets {
			answered += s.seen.count(target, netsonde.OutcomeOK)
			lost += s.seen.count(target, netsonde.OutcomeUnanswered)
		}
		truth := network.Account(addr(host(0)))
		if answered != truth.Answered || lost != truth.Sent-truth.Answered || lost == 0 {
			t.Errorf("answered %d, lost %d; the network saw %+v", answered, lost, truth)
		}
	})
}

func TestClockSteps(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, -time.Hour, time.Second, -time.Second} {
		t.Run(step.String(), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				network := newLAN(1)
				s := startOn(t, network.Network)
				target := ping(host(0), 0)
				s.apply(plan(target))
				for range 50 {
					time.Sleep(997 * time.Millisecond)
					network.StepClock(step)
				}
				s.drain()
				truth := network.Account(addr(host(0)))
				if n := s.seen.count(target, netsonde.OutcomeOK); n != truth.Sent {
					t.Errorf("%d of %d answered", n, truth.Sent)
				}
				if s.seen.longest > 5*time.Millisecond {
					t.Errorf("longest RTT %v on a line of 4 ms", s.seen.longest)
				}
			})
		})
	}
}

// TestPause stops the process while answers are on their way, more of them
// than one read takes.
func TestPause(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		s := startOn(t, network.Network)
		var targets []*netsonde.Target
		for i := range 500 {
			targets = append(targets, ping(host(i), time.Second))
		}
		s.apply(plan(targets...))
		// A round starts a second after the one before, or after the pause in
		// which it ended, and lasts 4 ms. So each pause begins with the answers
		// on their way, and ends long after their deadline.
		time.Sleep(1006 * time.Millisecond)
		for range 10 {
			network.Pause(30 * time.Second)
			time.Sleep(31002 * time.Millisecond)
		}
		s.drain()
		for _, target := range targets {
			truth := network.Account(addr(target.Host))
			if n := s.seen.count(target, netsonde.OutcomeOK); n != truth.Sent || n != 12 {
				t.Errorf("%s: %d of %d answered, want 12", target.Name, n, truth.Sent)
			}
		}
	})
}

// TestOverrun loses answers in the receive buffer, which is nobody else's fault.
func TestOverrun(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		small := options(0)
		small.Buffer = 40
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(small)}})
		var targets []*netsonde.Target
		for i := range 60 {
			targets = append(targets, ping(host(i), time.Second))
		}
		s.apply(plan(targets...))
		time.Sleep(5 * time.Second)
		s.drain()
		overrun := 0
		for _, target := range targets {
			overrun += s.seen.count(target, netsonde.OutcomeOverrun)
			if n := s.seen.count(target, netsonde.OutcomeUnanswered); n != 0 {
				t.Errorf("%s: %d called lost", target.Name, n)
			}
		}
		if overrun == 0 {
			t.Error("no overrun in a buffer of 40 for 60 answers at once")
		}
	})
}

// TestSecondResultIsNotForgotten has a result too soon after another to go out
// at once, and nothing else to do for a minute.
func TestSecondResultIsNotForgotten(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startOn(t, newLAN(1).Network)
		began := time.Now()
		s.apply(plan(ping("10.0.0.1", time.Minute), ping(host(0), time.Minute)))
		time.Sleep(30 * time.Second)
		s.stop()
		var after []time.Duration
		for _, at := range s.seen.handed {
			after = append(after, at.Sub(began))
		}
		if want := []time.Duration{2 * time.Millisecond, 12 * time.Millisecond}; !slices.Equal(after, want) {
			t.Errorf("handed out after %v, want %v", after, want)
		}
	})
}

func TestSendErrors(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		failing := options(0)
		failing.SendError = func(p *packet.Probe) syscall.Errno {
			if p.Destination == addr(host(1)) {
				return syscall.ENOBUFS
			}
			return 0
		}
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(failing)}})
		good, bad, nowhere := ping(host(0), time.Second), ping(host(1), time.Second), ping("192.0.2.1", time.Second)
		s.apply(plan(good, bad, nowhere))
		time.Sleep(10500 * time.Millisecond)
		s.drain()
		if n := s.seen.count(good, netsonde.OutcomeOK); n != 11 {
			t.Errorf("neighbour: %d answers, want 11", n)
		}
		for _, target := range []*netsonde.Target{bad, nowhere} {
			if n := s.seen.count(target, netsonde.OutcomeSendFailed); n != 11 {
				t.Errorf("%s: %d sends failed, want 11", target.Name, n)
			}
		}
	})
}

func TestLateAnswerIsAmended(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		network.link.SetQuality(simnet.Quality{Delay: 800 * time.Millisecond})
		s := startOn(t, network.Network)
		target := ping(host(0), time.Minute)
		s.apply(plan(target))
		time.Sleep(10 * time.Second)
		s.stop()
		if n := s.seen.count(target, netsonde.OutcomeUnanswered); n != 1 {
			t.Errorf("%d unanswered, want 1", n)
		}
		if len(s.seen.amends) != 1 || s.seen.amends[0].Outcome != netsonde.OutcomeLate || s.seen.amends[0].RTT < 1600*time.Millisecond {
			t.Errorf("amends = %+v, want one late", s.seen.amends)
		}
	})
}

func TestConnectionFails(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		failing := network.Connect(options(0))
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(options(1)), failing}})
		s.apply(plan(ping(host(0), time.Second)))
		time.Sleep(time.Second)
		broken := errors.New("the card was pulled out")
		failing.Fail(broken)
		if took := s.end(); took > time.Second {
			t.Errorf("ended after %v", took)
		}
		if !errors.Is(s.err, broken) {
			t.Errorf("Run = %v, want %v", s.err, broken)
		}
	})
}

// TestResultsAreSoonHandedOut measures from the end of a round to the sink,
// and that batches keep their distance when there are many.
func TestResultsAreSoonHandedOut(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(1)
		network.link.SetQuality(simnet.Quality{Delay: time.Millisecond, Jitter: 100 * time.Millisecond})
		s := startOn(t, network.Network)
		lone := ping(host(0), time.Second)
		s.apply(plan(lone))
		time.Sleep(5500 * time.Millisecond)
		synctest.Wait()
		if n := len(s.seen.roundsOf(lone.Name)); n != len(s.seen.handed) {
			t.Fatalf("%d rounds in %d batches", n, len(s.seen.handed))
		}
		for i, round := range s.seen.roundsOf(lone.Name) {
			if late := s.seen.handed[i].Sub(round.Ended.Time()); late != 0 {
				t.Errorf("round %d handed out after %v, want at once", i+1, late)
			}
		}
		var targets []*netsonde.Target
		for i := range 200 {
			targets = append(targets, ping(host(i), 100*time.Millisecond))
		}
		s.apply(plan(targets...))
		time.Sleep(2 * time.Second)
		s.stop()
		// The last batch goes out when the agent ends, whenever that is.
		handed := s.seen.handed[6 : len(s.seen.handed)-1]
		for i := 1; i < len(handed); i++ {
			if apart := handed[i].Sub(handed[i-1]); apart < 10*time.Millisecond {
				t.Fatalf("batches %v apart, want 10 ms", apart)
			}
		}
		if len(handed) < 150 {
			t.Errorf("%d batches in two seconds", len(handed))
		}
	})
}

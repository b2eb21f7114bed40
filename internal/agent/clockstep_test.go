package agent_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// unstamped is a connection whose answers bear no stamps of the kernel's.
type unstamped struct{ agent.Connection }

func (u unstamped) ReadBatch(replies []packet.Reply, until time.Duration) (int, netsonde.Instant, error) {
	n, empty, err := u.Connection.ReadBatch(replies, until)
	for i := range replies[:n] {
		replies[i].Stamp, replies[i].Left = 0, 0
	}
	return n, empty, err
}

// account writes down what each probe did, in order, by the monotonic clock.
type account struct {
	byProbe map[netsonde.ProbeID][]string
	stamps  map[netsonde.Stamps]int
}

func (a *account) Consume(b *netsonde.Batch) {
	note := func(id netsonde.ProbeID, format string, arguments ...any) {
		a.byProbe[id] = append(a.byProbe[id], fmt.Sprintf(format, arguments...))
	}
	for _, burst := range b.Bursts {
		for _, s := range burst.Samples {
			note(burst.Probe, "round %d echo %d sent %v %v after %v from %v", burst.Round, s.Sequence, s.Sent.Monotonic, s.Outcome, s.RTT, s.From)
			a.stamps[s.Stamps]++
		}
	}
	for _, r := range b.Routes {
		text := fmt.Sprintf("round %d trace %v %v", r.Round, r.Started.Monotonic, r.End)
		for _, hop := range r.Hops {
			text += fmt.Sprintf(" %v %v", hop.Addr, hop.RTT)
		}
		note(r.Probe, "%s", text)
	}
	for _, s := range b.Services {
		note(s.Probe, "round %d check %v after %v", s.Round, s.State, s.RTT)
	}
	for _, s := range b.Stalls {
		note(s.Probe, "rounds %d from %d stalled at %v", s.Rounds, s.First, s.Due.Monotonic)
	}
	for _, amend := range b.Amends {
		note(amend.Probe, "round %d echo %d is %v after %v after all", amend.Round, amend.Sequence, amend.Outcome, amend.RTT)
	}
	for _, r := range b.Rounds {
		note(r.Target.Groups[r.Group].Probes[0].ID, "round %d from %v to %v", r.N, r.Started.Monotonic, r.Ended.Monotonic)
	}
}

// kept runs pings, traces and checks, at fixed rates and after completion, over
// a line that delays, doubles and loses, while the real clock is stepped to and
// fro at random moments, or is not.
func kept(t *testing.T, stamps netsonde.Stamps, steps bool, seed uint64) (seen *account) {
	seen = &account{byProbe: map[netsonde.ProbeID][]string{}, stamps: map[netsonde.Stamps]int{}}
	simulate(t, func(t *testing.T) {
		network := newLAN(seed)
		network.link.SetQuality(simnet.Quality{
			Delay: 3 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05, HeldBack: 900 * time.Millisecond,
		})
		o := options(0)
		var connection agent.Connection
		switch stamps {
		case netsonde.StampsKernel:
			o.Stamps = stamps
			connection = network.Connect(o)
		case netsonde.StampsUser:
			connection = unstamped{network.Connect(o)}
		default:
			connection = network.Connect(o)
		}
		s := start(t, agent.Config{
			Connections: []agent.Connection{connection}, Sinks: []agent.Sink{seen},
			Checks: checksOf(takes(30 * time.Millisecond)),
		})
		var targets []*netsonde.Target
		for i := range 4 {
			spaced := netsonde.Probe{Kind: netsonde.KindPing, Timeout: 500 * time.Millisecond, Count: 4, Size: 41, Spacing: 100 * time.Millisecond}
			trace := netsonde.Probe{Kind: netsonde.KindTrace, Timeout: 500 * time.Millisecond, Hops: 8}
			check := netsonde.Probe{Kind: netsonde.KindHTTP, Port: 80, Timeout: 500 * time.Millisecond}
			targets = append(targets,
				fixed(time.Second, ping(host(i), 0)), ping(host(100+i), 300*time.Millisecond),
				fixed(2*time.Second, target(host(200+i), 0, spaced)), target(host(300+i), time.Second, spaced),
				fixed(3*time.Second, target(host(400+i), 0, trace)), target(host(500+i), time.Second, trace),
				fixed(2*time.Second, target(host(600+i), 0, check)), target(host(700+i), time.Second, check))
		}
		s.apply(plan(targets...))
		moments := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it must be the same again
		for began := time.Now(); time.Since(began) < time.Minute; {
			time.Sleep(time.Duration(moments.Int64N(int64(1500 * time.Millisecond))))
			by := time.Hour
			if moments.IntN(2) == 0 {
				by = -by
			}
			if steps {
				network.StepClock(by)
			}
		}
		s.drain()
	})
	return seen
}

// TestClockStepsChangeNothing compares a run whose real clock is stepped by an
// hour again and again with one whose clock is let alone: each probe has the same
// samples, in the same order, at the same times of the monotonic clock.
func TestClockStepsChangeNothing(t *testing.T) {
	for _, stamps := range []netsonde.Stamps{netsonde.StampsKernel, netsonde.StampsKernelReceive, netsonde.StampsUser} {
		t.Run(stamps.String(), func(t *testing.T) {
			const seed = 1
			alone, stepped := kept(t, stamps, false, seed), kept(t, stamps, true, seed)
			if len(alone.byProbe) != 32 || alone.stamps[stamps] == 0 || stepped.stamps[stamps] == 0 {
				t.Fatalf("%d probes are told of, with stamps %v and %v", len(alone.byProbe), alone.stamps, stepped.stamps)
			}
			if stamps != netsonde.StampsUser && stepped.stamps[netsonde.StampsUser] == 0 {
				t.Error("no step fell between an echo and its answer")
			}
			lines, wrong := 0, 0
			for id, before := range alone.byProbe {
				after := stepped.byProbe[id]
				lines += len(before)
				if slices.Equal(before, after) {
					continue
				}
				if wrong++; wrong > 3 {
					continue
				}
				for i := range before {
					if i >= len(after) || before[i] != after[i] {
						t.Errorf("%v, line %d: %q without steps, with them %q", id, i, before[i], after[min(i, len(after)):min(i+1, len(after))])
						break
					}
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d probes did something else", wrong, len(alone.byProbe))
			}
			t.Logf("%d lines of %d probes are the same; stamps of the stepped run: %v", lines, len(alone.byProbe), stepped.stamps)
		})
	}
}

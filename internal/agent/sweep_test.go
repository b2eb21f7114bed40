package agent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
	"netsonde/internal/simnet"
)

// echoes makes targets that are pinged with so many echoes, each with an
// identity of its own.
func echoes(count int, names ...string) []*netsonde.Target {
	return sweepTargets(names, netsonde.Probe{
		Kind: netsonde.KindPing, Timeout: time.Second, Count: count, Size: 41, Spacing: 100 * time.Millisecond,
	})
}

func sweepTargets(names []string, probes ...netsonde.Probe) (targets []*netsonde.Target) {
	id := netsonde.ProbeID(0)
	for _, name := range names {
		own := slices.Clone(probes)
		for i := range own {
			id++
			own[i].ID = id
		}
		targets = append(targets, &netsonde.Target{
			Name: name, Host: name, Groups: []netsonde.Group{{Name: "all", Probes: own}},
		})
	}
	return targets
}

// hostNames are hosts of newLAN that answer, or with 9 for second octet do not.
func hostNames(octet, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("10.%d.%d.%d", octet, i/250, i%250+1))
	}
	return names
}

// sweeping is a sweep that runs.
type sweeping struct {
	t      *testing.T
	sweep  *agent.Sweep
	seen   *record
	names  *book
	cancel context.CancelFunc
	ended  chan struct{}
	err    error

	mu    sync.Mutex
	taken int
}

func startSweep(t *testing.T, config agent.SweepConfig, targets []*netsonde.Target) *sweeping {
	t.Helper()
	s := &sweeping{t: t, seen: &record{}, names: newBook(), ended: make(chan struct{})}
	config.Sinks = append(config.Sinks, s.seen)
	if config.Resolver == nil {
		config.Resolver = s.names
	}
	config.Key = 1
	config.Targets = s.counted(targets)
	var err error
	if s.sweep, err = agent.NewSweep(config); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sweeping) counted(targets []*netsonde.Target) iter.Seq[*netsonde.Target] {
	return func(yield func(*netsonde.Target) bool) {
		for _, target := range targets {
			s.mu.Lock()
			s.taken++
			s.mu.Unlock()
			if !yield(target) {
				return
			}
		}
	}
}

func (s *sweeping) takenSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

func (s *sweeping) run() *sweeping {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.t.Cleanup(cancel)
	go func() {
		defer close(s.ended)
		s.err = s.sweep.Run(ctx)
	}()
	return s
}

// end waits for the sweep and returns how long that took.
func (s *sweeping) end() time.Duration {
	s.t.Helper()
	began := time.Now()
	select {
	case <-s.ended:
	case <-time.After(time.Hour):
		s.t.Fatal("the sweep has not ended within an hour")
	}
	return time.Since(began)
}

// mustTellEach fails unless every target was told just once, with that outcome
// of all its echoes.
func (s *sweeping) mustTellEach(targets []*netsonde.Target, outcome netsonde.Outcome) {
	s.t.Helper()
	for _, target := range targets {
		if rounds := s.seen.roundsOf(target.Name); len(rounds) != 1 || rounds[0].Target != target {
			s.t.Fatalf("%s was told %d times", target.Name, len(rounds))
		}
		if got, want := s.seen.count(target, outcome), target.Groups[0].Probes[0].Count; got != want {
			s.t.Fatalf("%s has %d echoes that are %v, want %d", target.Name, got, outcome, want)
		}
	}
}

func TestSweepTellsEveryTargetOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		n := newLAN(1)
		answered, silent := echoes(1, hostNames(1, 3000)...), echoes(1, hostNames(9, 2000)...)
		for i, target := range silent {
			target.Groups[0].Probes[0].ID = netsonde.ProbeID(10000 + i)
		}
		s := startSweep(t, agent.SweepConfig{Connection: n.Connect(options(0))}, slices.Concat(answered, silent)).run()
		took := s.end()
		if s.err != nil {
			t.Fatal(s.err)
		}
		s.mustTellEach(answered, netsonde.OutcomeOK)
		s.mustTellEach(silent, netsonde.OutcomeUnanswered)
		if took > 1100*time.Millisecond {
			t.Errorf("took %v, though nothing was to be waited for but the timeout", took)
		}
	})
}

func TestSweepSpacesTheEchoesOfATarget(t *testing.T) {
	simulate(t, func(t *testing.T) {
		n := newLAN(1)
		targets := echoes(5, hostNames(1, 300)...)
		s := startSweep(t, agent.SweepConfig{Connection: n.Connect(options(0))}, targets).run()
		took := s.end()
		s.mustTellEach(targets, netsonde.OutcomeOK)
		if took < 400*time.Millisecond || took > 500*time.Millisecond {
			t.Errorf("five echoes 100 ms apart took %v", took)
		}
	})
}

// The answers of all targets come at once: what the buffer does not hold would
// be lost.
func TestSweepNeverOverflowsTheReceiveBuffer(t *testing.T) {
	for _, window := range []int{64, 0} {
		simulate(t, func(t *testing.T) {
			n := newLAN(1)
			o := options(0)
			o.Buffer = 64
			connection := n.Connect(o)
			targets := echoes(1, hostNames(1, 2000)...)
			s := startSweep(t, agent.SweepConfig{Connection: connection, Window: window}, targets).run()
			s.end()
			if lost := connection.Overruns(); (lost == 0) != (window == 64) {
				t.Fatalf("with a window of %d the buffer overflowed by %d", window, lost)
			}
			if window == 64 {
				s.mustTellEach(targets, netsonde.OutcomeOK)
			}
		})
	}
}

func TestSweepDoesNotWaitForTheSilent(t *testing.T) {
	simulate(t, func(t *testing.T) {
		n := newLAN(1)
		targets := echoes(1, hostNames(9, 2000)...)
		targets = slices.Concat(targets, echoes(1, hostNames(1, 10)...))
		for i, target := range targets {
			target.Groups[0].Probes[0].ID = netsonde.ProbeID(i + 1)
			target.Groups[0].Probes[0].Timeout = time.Minute
		}
		s := startSweep(t, agent.SweepConfig{Connection: n.Connect(options(0)), Window: 100}, targets).run()
		time.Sleep(2000 / 100 * 170 * time.Millisecond)
		s.mustTellEach(targets[2000:], netsonde.OutcomeOK)
		s.end()
	})
}

// sends are the moments at which packets left.
type sends struct {
	mu sync.Mutex
	at []time.Time
}

func (s *sends) connect(n lan) *simnet.Connection {
	o := options(0)
	o.SendError = func(*packet.Probe) syscall.Errno {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.at = append(s.at, time.Now())
		return 0
	}
	return n.Connect(o)
}

func TestSweepKeepsItsRate(t *testing.T) {
	for name, test := range map[string]struct {
		config  agent.SweepConfig
		targets []*netsonde.Target
		want    time.Duration
	}{
		"one echo":    {agent.SweepConfig{Rates: probe.Rates{All: 1000}}, echoes(1, hostNames(1, 2000)...), 2 * time.Second},
		"four echoes": {agent.SweepConfig{Rates: probe.Rates{All: 1000}}, echoes(4, hostNames(1, 500)...), 2 * time.Second},
		"one network": {agent.SweepConfig{Rates: probe.Rates{Network: 100}}, echoes(1, hostNames(1, 250)...), 2500 * time.Millisecond},
		"exempt": {agent.SweepConfig{Rates: probe.Rates{All: 10, Network: 10, Destination: 10}, Exempt: func(netip.Addr) bool { return true }},
			echoes(1, hostNames(1, 2000)...), 0},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				var sent sends
				test.config.Connection = sent.connect(newLAN(1))
				began := time.Now()
				s := startSweep(t, test.config, test.targets).run()
				s.end()
				s.mustTellEach(test.targets, netsonde.OutcomeOK)
				last := sent.at[len(sent.at)-1].Sub(began)
				if last < test.want*95/100 || last > test.want+400*time.Millisecond {
					t.Errorf("the last packet left after %v, want %v", last, test.want)
				}
				if test.config.Rates.All != 1000 {
					return
				}
				for i := range sent.at[:len(sent.at)-150] {
					if d := sent.at[i+150].Sub(sent.at[i]); d < 90*time.Millisecond {
						t.Fatalf("150 packets left within %v at 1000 a second", d)
					}
				}
			})
		})
	}
}

func TestSweepStartsNothingWhileTheWriterIsBehind(t *testing.T) {
	simulate(t, func(t *testing.T) {
		n := newLAN(1)
		targets := echoes(1, hostNames(1, 5000)...)
		room := make(chan struct{})
		asked := 0
		s := startSweep(t, agent.SweepConfig{Connection: n.Connect(options(0)), Room: func(ctx context.Context) error {
			if asked++; asked <= 100 {
				return nil
			}
			select {
			case <-room:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}, targets).run()
		time.Sleep(time.Minute)
		if taken := s.takenSoFar(); taken != 101 {
			t.Errorf("%d targets were taken while there was room for 100", taken)
		}
		s.mustTellEach(targets[:100], netsonde.OutcomeOK)
		if told := s.seen.roundsOf(targets[100].Name); told != nil {
			t.Error("a target was measured while the writer was behind")
		}
		close(room)
		s.end()
		s.mustTellEach(targets, netsonde.OutcomeOK)
	})
}

func TestSweepEndsWhenThereWillBeNoRoom(t *testing.T) {
	simulate(t, func(t *testing.T) {
		gone := errors.New("the reader is gone")
		asked := 0
		// Some have begun, and have echoes left to send.
		targets := echoes(3, hostNames(1, 500)...)
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0)), Room: func(context.Context) error {
			if asked++; asked > 10 {
				return gone
			}
			return nil
		}}, targets).run()
		s.end()
		if !errors.Is(s.err, gone) {
			t.Errorf("Run returned %v", s.err)
		}
	})
}

func TestSweepTakesFewTargetsAhead(t *testing.T) {
	var names []string
	resolvable := newBook()
	for _, address := range hostNames(1, 20000) {
		name := address + ".example"
		names = append(names, name)
		resolvable.addresses[name] = []netip.Addr{netip.MustParseAddr(address)}
	}
	ports := make([]netsonde.Probe, 4000)
	for i := range ports {
		ports[i] = netsonde.Probe{Kind: netsonde.KindTCP, Timeout: time.Second, Port: uint16(i + 1)}
	}
	for name, test := range map[string]struct {
		targets []*netsonde.Target
		begun   int
		most    int
	}{
		"addresses":  {echoes(1, hostNames(1, 20000)...), 1000, 3300},
		"names":      {echoes(1, names...), 1000, 3000},
		"many ports": {sweepTargets(hostNames(1, 1000), ports...), 0, 60},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := startSweep(t, agent.SweepConfig{
					Connection: newLAN(1).Connect(options(0)), Resolver: resolvable, Rates: probe.Rates{All: 1000},
				}, test.targets).run()
				time.Sleep(time.Second)
				if taken := s.takenSoFar(); taken < test.begun || taken > test.most {
					t.Errorf("%d targets were taken when about %d had begun", taken, test.begun)
				}
				s.cancel()
				s.end()
			})
		})
	}
}

func TestSweepThatIsCancelledEndsAtOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		targets := echoes(1, hostNames(9, 5000)...)
		targets[4000].Host = "slow.example"
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0))}, targets)
		s.names.slow["slow.example"] = true
		s.run()
		time.Sleep(100 * time.Millisecond)
		s.cancel()
		if took := s.end(); took > 0 || s.err != nil {
			t.Errorf("it ended after %v with %v", took, s.err)
		}
	})
}

func TestSweepThatIsDrainedTellsWhatItKnows(t *testing.T) {
	simulate(t, func(t *testing.T) {
		targets := echoes(10, hostNames(1, 400)...)
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0)), Rates: probe.Rates{All: 1000}}, targets).run()
		time.Sleep(1950 * time.Millisecond)
		s.sweep.Drain()
		if took := s.end(); took > 10*time.Millisecond || s.err != nil {
			t.Errorf("it ended after %v with %v, though all had answered", took, s.err)
		}
		told := 0
		for _, target := range targets {
			rounds := len(s.seen.roundsOf(target.Name))
			told += rounds
			if got := s.seen.count(target, netsonde.OutcomeOK); (got > 0) != (rounds == 1) {
				t.Fatalf("%s was told %d times with %d answers", target.Name, rounds, got)
			}
		}
		// As many begin as leave room for the echoes of those that have: a hundred
		// a second, as soon as those before have ended.
		if told < 195 || told > 215 {
			t.Errorf("%d targets were told", told)
		}
		if got := s.seen.count(targets[150], netsonde.OutcomeOK); got < 8 || got > 10 {
			t.Errorf("a target that had 900 ms for ten echoes was told with %d", got)
		}
	})
}

func TestSweepTellsNamesWithoutAddress(t *testing.T) {
	simulate(t, func(t *testing.T) {
		names := []string{"good.example", "bad.example", "10.1.0.1", "slow.example", "fd00:1::1", "last.example"}
		targets := echoes(1, names...)
		for _, target := range targets {
			target.Family = netsonde.Family4
		}
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0))}, targets)
		s.names.set("good.example", addr("10.1.0.2"))
		s.names.set("last.example", addr("10.1.0.3"))
		s.names.slow["slow.example"] = true
		s.run()
		time.Sleep(time.Second)
		s.mustTellEach([]*netsonde.Target{targets[0], targets[2], targets[5]}, netsonde.OutcomeOK)
		if took := s.end(); took > 10*time.Second {
			t.Errorf("the slow name held the end up for %v", took)
		}
		var unresolved []string
		for _, event := range s.seen.eventsOf(netsonde.EventUnresolved) {
			unresolved = append(unresolved, event.Target.Name+": "+event.Text)
		}
		slices.Sort(unresolved)
		want := []string{
			"bad.example: no such host", "fd00:1::1: no address of the wanted family",
			"slow.example: context deadline exceeded",
		}
		if !slices.Equal(unresolved, want) {
			t.Errorf("unresolved are %q, want %q", unresolved, want)
		}
	})
}

func TestSweepThatHasOnlyBadNamesEnds(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0))}, echoes(1, "a.example", "b.example")).run()
		s.end()
		if events := s.seen.eventsOf(netsonde.EventUnresolved); len(events) != 2 {
			t.Errorf("%d names were told to have no address, want 2", len(events))
		}
	})
}

func TestSweepTraces(t *testing.T) {
	simulate(t, func(t *testing.T) {
		targets := sweepTargets(hostNames(1, 200),
			netsonde.Probe{Kind: netsonde.KindTrace, Hops: 30, Timeout: time.Second},
			netsonde.Probe{Kind: netsonde.KindTrace, Hops: 30, Timeout: time.Second, Flow: 1})
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0))}, targets).run()
		s.end()
		if len(s.seen.routes) != 400 {
			t.Fatalf("%d routes were told, want 400", len(s.seen.routes))
		}
		for _, route := range s.seen.routes {
			if route.End != netsonde.RouteReached || len(route.Hops) != 2 {
				t.Fatalf("a route ended as %v after %d hops", route.End, len(route.Hops))
			}
		}
	})
}

// serviceChecks are checks that take a while and count how many run.
type serviceChecks struct {
	mu            sync.Mutex
	running, most int
	began         []time.Time
	takes         time.Duration
}

func (c *serviceChecks) check(ctx context.Context, _ *netsonde.Probe, _ string, _ netip.Addr) netsonde.Service {
	c.mu.Lock()
	c.running++
	c.most = max(c.most, c.running)
	c.began = append(c.began, time.Now())
	c.mu.Unlock()
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	return netsonde.Service{State: netsonde.ServiceOpen}
}

func portProbes(n int) (probes []netsonde.Probe) {
	for i := range n {
		probes = append(probes, netsonde.Probe{Kind: netsonde.KindHTTP, Port: uint16(i + 1), Timeout: time.Second})
	}
	return probes
}

func TestSweepBoundsItsChecks(t *testing.T) {
	for name, test := range map[string]struct {
		hosts, ports, limit, rate int
		takes, want               time.Duration
	}{
		"many hosts":   {hosts: 500, ports: 3, limit: 100, takes: 20 * time.Millisecond, want: 300 * time.Millisecond},
		"many ports":   {hosts: 2, ports: 1000, limit: 100, takes: 20 * time.Millisecond, want: 400 * time.Millisecond},
		"one a target": {hosts: 3, ports: 150, limit: 1000, rate: 50, takes: time.Millisecond, want: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				checks := &serviceChecks{takes: test.takes}
				targets := sweepTargets(hostNames(1, test.hosts), portProbes(test.ports)...)
				s := startSweep(t, agent.SweepConfig{
					Connection: newLAN(1).Connect(options(0)), CheckLimit: test.limit, Rates: probe.Rates{Destination: test.rate},
					Checks: map[netsonde.Kind]agent.Check{netsonde.KindHTTP: checks.check},
				}, targets).run()
				took := s.end()
				if len(s.seen.services) != test.hosts*test.ports || len(s.seen.rounds) != test.hosts {
					t.Fatalf("%d services of %d hosts were told", len(s.seen.services), len(s.seen.rounds))
				}
				if checks.most > test.limit {
					t.Errorf("%d checks ran at the same time, want at most %d", checks.most, test.limit)
				}
				if took < test.want*95/100 || took > test.want*120/100 {
					t.Errorf("took %v, want %v", took, test.want)
				}
			})
		})
	}
}

func TestSweepThatIsDrainedTellsChecksThatRan(t *testing.T) {
	simulate(t, func(t *testing.T) {
		checks := &serviceChecks{takes: 100 * time.Millisecond}
		targets := sweepTargets(hostNames(1, 3), portProbes(10)...)
		s := startSweep(t, agent.SweepConfig{
			Connection: newLAN(1).Connect(options(0)), CheckLimit: 4,
			Checks: map[netsonde.Kind]agent.Check{netsonde.KindHTTP: checks.check},
		}, targets).run()
		time.Sleep(150 * time.Millisecond)
		s.sweep.Drain()
		if took := s.end(); took > 60*time.Millisecond {
			t.Errorf("it ended after %v", took)
		}
		if len(s.seen.services) != 8 || len(checks.began) != 8 {
			t.Errorf("%d services were told of %d that were checked, want 8", len(s.seen.services), len(checks.began))
		}
		if len(s.seen.rounds) != 1 || len(s.seen.roundsOf(targets[0].Name)) != 1 {
			t.Errorf("%d targets were told, want the first alone", len(s.seen.rounds))
		}
	})
}

func TestSweepFailsWithItsConnection(t *testing.T) {
	simulate(t, func(t *testing.T) {
		connection := newLAN(1).Connect(options(0))
		broken := errors.New("broken")
		s := startSweep(t, agent.SweepConfig{Connection: connection}, echoes(1, hostNames(9, 10)...)).run()
		synctest.Wait()
		connection.Fail(broken)
		s.end()
		if !errors.Is(s.err, broken) {
			t.Errorf("Run returned %v", s.err)
		}
	})
}

func TestSweepRunsOnce(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := startSweep(t, agent.SweepConfig{Connection: newLAN(1).Connect(options(0))}, nil).run()
		s.end()
		if err := s.sweep.Run(context.Background()); err == nil || s.err != nil {
			t.Errorf("Run returned %v, and then %v", s.err, err)
		}
		s.sweep.Drain()
	})
}

func TestNewSweepRefuses(t *testing.T) {
	if _, err := agent.NewSweep(agent.SweepConfig{}); err == nil || !strings.Contains(err.Error(), "no connection") {
		t.Errorf("without a connection: %v", err)
	}
	n := newLAN(1)
	if _, err := agent.NewSweep(agent.SweepConfig{Connection: n.Connect(simnet.Options{})}); err == nil {
		t.Error("a connection without identities was taken")
	}
}

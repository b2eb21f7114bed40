package probe_test

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// machine runs an engine whose probes are all answered at once. Its monotonic
// clock began some time ago, and its real one may be stepped.
type machine struct {
	engine    *probe.Engine
	monotonic time.Duration
	epoch     int64 // what the real one shows at the monotonic origin
	told      func(*netsonde.Batch)
}

func (m *machine) now() netsonde.Instant {
	return netsonde.Instant{Monotonic: m.monotonic, Real: m.epoch + int64(m.monotonic)}
}

func (m *machine) apply(targets ...*netsonde.Target) {
	m.engine.Apply(m.now(), targets)
	for _, target := range targets {
		m.engine.SetAddress(m.now(), target.Name, netip.MustParseAddr("192.0.2.1"))
	}
}

func (m *machine) run(d time.Duration) {
	for until := m.monotonic + d; ; {
		now := m.now()
		m.engine.Expire(now, now)
		for _, p := range sendAll(m.engine, now) {
			answer(m.engine, now, p)
		}
		for _, due := range m.engine.Due(nil) {
			m.engine.Checked(now, netsonde.Service{Probe: due.Probe.ID, Round: due.Round, State: netsonde.ServiceOpen})
		}
		if batch := m.engine.Take(); batch != nil {
			m.told(batch)
		}
		due, ok := m.engine.Next()
		if !ok || due > until {
			m.monotonic = until
			return
		}
		m.monotonic = max(m.monotonic, due)
	}
}

func newMachine(monotonic time.Duration, epoch int64, told func(*netsonde.Batch)) *machine {
	return &machine{
		engine:    probe.New(probe.Options{ICMP: []uint16{1, 2}, Key: 1}),
		monotonic: monotonic, epoch: epoch, told: told,
	}
}

// fixedHost has a group of pings and one of checks, at the same rate.
func fixedHost(name string, every time.Duration, count int) *netsonde.Target {
	target := &netsonde.Target{Name: name, Host: name}
	for _, p := range []netsonde.Probe{
		{Kind: netsonde.KindPing, Count: count, Size: 56, Timeout: every},
		{Kind: netsonde.KindTCP, Port: 80, Timeout: every},
	} {
		p.ID = netsonde.NewProbeID(name, 0, p)
		target.Groups = append(target.Groups, netsonde.Group{
			Name: p.Kind.String(), Cadence: netsonde.Cadence{Every: every}, Probes: []netsonde.Probe{p},
		})
	}
	return target
}

// phaseOf is where in its interval a round started, and where its probe has it.
func phaseOf(round netsonde.Round, epoch int64) (got, want time.Duration) {
	group := round.Target.Groups[round.Group]
	every := int64(group.Cadence.Every)
	return time.Duration((epoch + int64(round.Started.Monotonic)) % every),
		time.Duration(uint64(group.Probes[0].ID) % uint64(every))
}

// TestReloadsMoveNobodyElse changes, adds and removes a tenth of the targets
// again and again, at any time, while the real clock is stepped to and fro.
// All others start each of their rounds at their phase, one interval after
// the one before.
func TestReloadsMoveNobodyElse(t *testing.T) {
	intervals := []time.Duration{170 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second}
	type place struct {
		name  string
		group int
	}
	for seed := range uint64(6) {
		chance := rand.New(rand.NewPCG(seed, 1))
		var targets []*netsonde.Target
		changed := map[string]bool{}
		last := map[place]time.Duration{}
		rounds, names := 0, 0
		origin := 1_800_000_000_000_000_000 + chance.Int64N(1e12)
		m := newMachine(time.Duration(chance.Int64N(int64(time.Hour))), origin, func(batch *netsonde.Batch) {
			if len(batch.Stalls) > 0 {
				t.Fatalf("seed %d: stalled without a pause: %+v", seed, batch.Stalls[0])
			}
			for _, round := range batch.Rounds {
				if changed[round.Target.Name] {
					continue
				}
				rounds++
				at := place{round.Target.Name, round.Group}
				every := round.Target.Groups[round.Group].Cadence.Every
				if before, known := last[at]; known && round.Started.Monotonic-before != every {
					t.Errorf("seed %d: %v started %v after the round before, not %v", seed, at, round.Started.Monotonic-before, every)
				}
				if got, want := phaseOf(round, origin); got != want {
					t.Errorf("seed %d: %v started at %v of its %v, not at %v", seed, at, got, every, want)
				}
				last[at] = round.Started.Monotonic
			}
		})
		fresh := func() *netsonde.Target {
			names++
			return fixedHost("host"+strconv.Itoa(names), intervals[chance.IntN(len(intervals))], 1+chance.IntN(3))
		}
		for range 100 {
			targets = append(targets, fresh())
		}
		for range 15 {
			m.apply(targets...)
			m.run(time.Duration(chance.Int64N(int64(10 * time.Second))))
			m.epoch += []int64{0, int64(time.Hour), -int64(time.Hour), 1}[chance.IntN(4)]
			for i, target := range targets {
				every := target.Groups[0].Cadence.Every
				switch chance.IntN(30) {
				case 0:
					targets[i] = fresh()
				case 1:
					changed[target.Name] = true
					targets[i] = fixedHost(target.Name, intervals[chance.IntN(len(intervals))], 2)
				case 2:
					changed[target.Name] = true
					targets[i] = fixedHost(target.Name, every, 5)
				default:
					// The same, said again.
					targets[i] = fixedHost(target.Name, every, target.Groups[0].Probes[0].Count)
				}
			}
			chance.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
		}
		if rounds < 5000 {
			t.Errorf("seed %d: only %d rounds", seed, rounds)
		}
	}
}

// TestRestartKeepsThePhase has a second process on another monotonic clock.
func TestRestartKeepsThePhase(t *testing.T) {
	targets := []*netsonde.Target{
		fixedHost("a", time.Second, 1), fixedHost("b", 7*time.Second, 1), fixedHost("c", 5*time.Minute, 1),
	}
	const began = 1_800_000_000_123_456_789
	for _, process := range []struct{ monotonic, after time.Duration }{{0, 0}, {83 * time.Hour, 61 * time.Second}} {
		rounds := map[string]int{}
		m := newMachine(process.monotonic, began+int64(process.after-process.monotonic), nil)
		origin := m.epoch
		m.told = func(batch *netsonde.Batch) {
			for _, round := range batch.Rounds {
				name := round.Target.Name
				rounds[name]++
				got, want := phaseOf(round, origin)
				if name == "c" && round.N == 1 {
					got, want = got%(10*time.Second), want%(10*time.Second)
				}
				if got != want {
					t.Errorf("after %v: round %d of %s at %v of its interval, not at %v", process.monotonic, round.N, name, got, want)
				}
			}
		}
		m.apply(targets...)
		m.run(20 * time.Minute)
		if rounds["a"] != 2*1200 || rounds["c"] < 2*4 {
			t.Errorf("rounds = %v", rounds)
		}
	}
}

// TestPhasesAreSpread starts many targets at the same moment: neither their
// first rounds nor later ones come in a burst.
func TestPhasesAreSpread(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 5 * time.Minute} {
		const count, width = 10_000, 10 * time.Millisecond
		starts := map[time.Duration]int{}
		m := newMachine(0, 1_800_000_000_000_000_000, func(batch *netsonde.Batch) {
			for _, round := range batch.Rounds {
				starts[round.Started.Monotonic/width]++
			}
		})
		var targets []*netsonde.Target
		for i := range count {
			target, _ := fixedTarget(i, every)
			targets = append(targets, target)
		}
		m.apply(targets...)
		within := min(every, 10*time.Second)
		m.run(within - 1)
		total, most := 0, 0
		for _, n := range starts {
			total += n
			most = max(most, n)
		}
		if even := int(count * width / within); total != count || most > even+even/2+20 {
			t.Errorf("every %v: %d of %d started in the first %v, at most %d within %v, evenly %d", every, total, count, within, most, width, even)
		}
	}
}

// TestCheckEndsBeforeTheNextRound gives a check whose timeout is the interval
// no more than what is left of that.
func TestCheckEndsBeforeTheNextRound(t *testing.T) {
	target := fixedHost("a", time.Second, 1)
	target.Groups = target.Groups[1:]
	e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1})
	e.Apply(at(0), []*netsonde.Target{target})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	due, ok := e.Next()
	for _, late := range []time.Duration{0, 3 * time.Millisecond, 400 * time.Millisecond} {
		if !ok {
			t.Fatal("no round is due")
		}
		sendAll(e, at(due+late))
		checks := e.Due(nil)
		want := time.Second
		if late < 5*time.Millisecond {
			want -= late
		}
		if len(checks) != 1 || checks[0].Timeout != want || !checks[0].Fixed {
			t.Fatalf("%v late: %+v, want one check of at most %v", late, checks, want)
		}
		e.Checked(at(due+late+time.Millisecond), netsonde.Service{Probe: checks[0].Probe.ID, Round: checks[0].Round})
		due, ok = e.Next()
	}
}

// TestAnotherHostIsLookedUpFirst keeps nothing that was known of the old name.
func TestAnotherHostIsLookedUpFirst(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1})
	target := fixedHost("a", time.Second, 1)
	e.Apply(at(0), []*netsonde.Target{target})
	e.Unresolved(at(0), "a")
	if _, ok := e.Next(); !ok {
		t.Fatal("no round of an unresolved name is due")
	}
	moved := fixedHost("a", time.Second, 1)
	moved.Host = "elsewhere"
	e.Apply(at(0), []*netsonde.Target{moved})
	if due, ok := e.Next(); ok {
		t.Errorf("a round is due at %v before the new name was looked up", due)
	}
}

// TestRoundsThatWaitForNothing has rounds that end as they begin, of an engine
// that may start them ahead of their time: each must still take a millisecond.
func TestRoundsThatWaitForNothing(t *testing.T) {
	p := netsonde.Probe{Kind: netsonde.KindTrace, Hops: 4, Timeout: time.Second}
	p.ID = netsonde.NewProbeID("a", 0, p)
	e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1}) // which can make no traces
	e.Apply(at(0), []*netsonde.Target{{Name: "a", Host: "a", Groups: []netsonde.Group{{Name: "all", Probes: []netsonde.Probe{p}}}}})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	e.Ahead(time.Millisecond)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sendAll(e, at(0))
	}()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the engine does not come back")
	}
	if rounds := len(e.Take().Rounds); rounds != 1 {
		t.Errorf("%d rounds at once", rounds)
	}
}

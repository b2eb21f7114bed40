package probe

import (
	"math"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"

	"pgregory.net/rapid"
)

// departure is a packet that left.
type departure struct {
	at time.Duration
	to netip.Addr
}

// pacedRun sends what an engine has to send whenever it says that it has, as a
// shard does, and has every echo answered.
type pacedRun struct {
	engine *Engine
	now    time.Duration
	left   []departure
	checks []time.Duration
	// late is how late the shard wakes.
	late func() time.Duration
	// silent has nothing answered.
	silent bool
}

func (r *pacedRun) turn() {
	var out [64]packet.Probe
	for n := len(out); n == len(out); {
		n = r.engine.Advance(at(r.now), out[:])
		for i := range out[:n] {
			out[i].Sent = at(r.now)
			r.left = append(r.left, departure{r.now, out[i].Destination})
		}
		r.engine.Sent(out[:n])
		for i := range out[:n] {
			if r.silent {
				break
			}
			p := &out[i]
			r.engine.Receive(&packet.Reply{
				Kind: packet.EchoReply, Protocol: p.Protocol, From: p.Destination, Destination: p.Destination,
				Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(r.now),
			})
		}
	}
	for _, due := range r.engine.Admit(at(r.now), nil, math.MaxInt) {
		r.checks = append(r.checks, r.now)
		r.engine.Checked(at(r.now), netsonde.Service{Probe: due.Probe.ID, Round: due.Round})
	}
	r.engine.Expire(at(r.now), at(r.now))
}

// run goes on until nothing is under way, at most for so long.
func (r *pacedRun) run(t interface{ Fatalf(string, ...any) }, most time.Duration) {
	end := r.now + most
	for r.turn(); !r.engine.Idle(); r.turn() {
		next, ok := r.engine.Next()
		if !ok {
			t.Fatalf("nothing is scheduled though %d targets are under way", r.engine.Begun())
		}
		r.now = max(r.now, next)
		if r.late != nil {
			r.now += r.late()
		}
		if r.now > end {
			t.Fatalf("%d targets are under way after %v", r.engine.Begun(), most)
		}
	}
}

func pacedEngine(rates Rates) *Engine {
	ids := make([]uint16, 100)
	for i := range ids {
		ids[i] = uint16(i + 1)
	}
	return New(Options{ICMP: ids, UDP: ids, Trace: true, Key: 1, Rates: rates})
}

// The rates hold for packets, whatever they belong to.
func TestRatesHoldWithinATarget(t *testing.T) {
	host := netip.MustParseAddr("192.0.2.1")
	var traces, checks []netsonde.Probe
	for i := range 100 {
		traces = append(traces, netsonde.Probe{Kind: netsonde.KindTrace, Hops: 8, Flow: uint8(i), Timeout: time.Second})
	}
	for range 500 {
		checks = append(checks, netsonde.Probe{Kind: netsonde.KindTCP, Timeout: time.Second})
	}
	for name, test := range map[string]struct {
		rates       Rates
		probes      []netsonde.Probe
		packets     int
		least, most time.Duration
		spaced      time.Duration
	}{
		"echoes behind one another": {Rates{All: 100}, []netsonde.Probe{{Kind: netsonde.KindPing, Count: 1000, Timeout: time.Second}},
			1000, 9800 * time.Millisecond, 10100 * time.Millisecond, 9 * time.Millisecond},
		"echoes too close": {Rates{Destination: 100}, []netsonde.Probe{{Kind: netsonde.KindPing, Count: 100, Spacing: time.Millisecond, Timeout: time.Second}},
			100, 980 * time.Millisecond, 1010 * time.Millisecond, 9 * time.Millisecond},
		"echoes far enough apart": {Rates{Destination: 100}, []netsonde.Probe{{Kind: netsonde.KindPing, Count: 10, Spacing: 100 * time.Millisecond, Timeout: time.Second}},
			10, 900 * time.Millisecond, 900 * time.Millisecond, 100 * time.Millisecond},
		"flows":  {Rates{All: 10}, traces, 100, 9800 * time.Millisecond, 10100 * time.Millisecond, 90 * time.Millisecond},
		"checks": {Rates{All: 10}, checks, 500, 49800 * time.Millisecond, 50100 * time.Millisecond, 90 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := &pacedRun{engine: pacedEngine(test.rates)}
			r.engine.Begin(at(0), begunTarget(1, test.probes...), host)
			r.run(t, time.Minute)
			moments := r.checks
			for _, d := range r.left {
				moments = append(moments, d.at)
			}
			if len(moments) < test.packets {
				t.Fatalf("%d packets left, want %d at least", len(moments), test.packets)
			}
			if took := moments[test.packets-1]; took < test.least || took > test.most {
				t.Errorf("%d packets left within %v, want %v to %v", test.packets, took, test.least, test.most)
			}
			for i := range moments[1:] {
				if d := moments[i+1] - moments[i]; d < test.spaced {
					t.Fatalf("packet %d left %v after the one before, want %v", i+1, d, test.spaced)
				}
			}
		})
	}
}

func TestRatesDoNotHoldForTheExempt(t *testing.T) {
	e := New(Options{ICMP: []uint16{1}, Key: 1, Rates: Rates{All: 1, Network: 1, Destination: 1},
		Exempt: func(a netip.Addr) bool { return a.IsLoopback() }})
	r := &pacedRun{engine: e}
	other := netip.MustParseAddr("192.0.2.1")
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 1000, Timeout: time.Second}
	check := netsonde.Probe{Kind: netsonde.KindTCP, Timeout: time.Second}
	e.Begin(at(0), begunTarget(1, ping), other) // in the way
	e.Begin(at(0), begunTarget(2, check), other)
	e.Begin(at(0), begunTarget(3, ping), netip.MustParseAddr("127.0.0.1"))
	e.Begin(at(0), begunTarget(4, check), netip.MustParseAddr("127.0.0.1"))
	r.turn()
	if len(r.left) != 1001 || len(r.checks) != 1 {
		t.Errorf("%d packets left and %d checks ran at once, want 1001 and 1", len(r.left), len(r.checks))
	}
}

// Whoever waits for a network holds up nobody else.
func TestALineHoldsUpNobodyElse(t *testing.T) {
	r := &pacedRun{engine: pacedEngine(Rates{All: 10_000, Network: 100, Destination: 10})}
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 1, Timeout: time.Second}
	for i := range 50 {
		r.engine.Begin(at(0), begunTarget(netsonde.ProbeID(i+1), ping), netip.MustParseAddr("192.0.2.1"))
	}
	r.engine.Begin(at(0), begunTarget(100, ping), netip.MustParseAddr("198.51.100.1"))
	r.turn()
	if len(r.left) != 2 || r.engine.Held() != 49 || r.engine.Unsent() != 0 {
		t.Errorf("%d packets left, %d wait in a line and %d elsewhere", len(r.left), r.engine.Held(), r.engine.Unsent())
	}
}

func TestDrainForgetsWhoeverWaits(t *testing.T) {
	r := &pacedRun{engine: pacedEngine(Rates{All: 1000, Destination: 1})}
	host := netip.MustParseAddr("192.0.2.1")
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 3, Timeout: time.Second}
	check := netsonde.Probe{Kind: netsonde.KindTCP, Timeout: time.Second}
	for i := range 100 {
		r.engine.Begin(at(0), begunTarget(netsonde.ProbeID(10*i+1), ping), host)
		r.engine.Begin(at(0), begunTarget(netsonde.ProbeID(10*i+2), check, check), host)
	}
	r.turn()
	r.engine.DrainSweep(at(1))
	r.engine.Drain(at(1))
	r.turn()
	if r.engine.Begun() != 0 || len(r.left) != 1 || len(r.checks) != 0 {
		t.Errorf("%d targets are left, %d packets left and %d checks ran", r.engine.Begun(), len(r.left), len(r.checks))
	}
	r.run(t, time.Hour)
	r.now += time.Hour
	r.turn()
	if len(r.left) != 1 || len(r.checks) != 0 || r.engine.Held() != 0 {
		t.Errorf("after the drain %d packets had left, %d checks had run", len(r.left), len(r.checks))
	}
}

// Whatever is asked for, whenever the shard wakes: no second sees more packets
// than the rates and their bursts, everything leaves, and in little more time
// than the slowest rate wants.
func TestRatesHoldInAnySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := Rates{
			All:         rapid.IntRange(50, 1000).Draw(t, "all"),
			Network:     rapid.SampledFrom([]int{0, 20, 100, 300}).Draw(t, "network"),
			Destination: rapid.SampledFrom([]int{0, 10, 50, 100}).Draw(t, "destination"),
		}
		lateness := rapid.IntRange(0, 5000).Draw(t, "lateness")
		r := &pacedRun{engine: pacedEngine(rates)}
		r.late = func() time.Duration {
			return time.Duration(rapid.IntRange(0, lateness).Draw(t, "late")) * time.Microsecond
		}
		id := netsonde.ProbeID(1)
		want, networks, hosts := 0, map[netip.Prefix]int{}, map[netip.Addr]int{}
		for range rapid.IntRange(1, 40).Draw(t, "targets") {
			to := netip.AddrFrom4([4]byte{192, 0, byte(rapid.IntRange(0, 3).Draw(t, "network")), byte(rapid.IntRange(1, 3).Draw(t, "host"))})
			count := rapid.IntRange(1, 20).Draw(t, "count")
			spacing := time.Duration(rapid.SampledFrom([]int{0, 1, 100}).Draw(t, "spacing")) * time.Millisecond
			r.engine.Begin(at(r.now), begunTarget(id, netsonde.Probe{
				Kind: netsonde.KindPing, Count: count, Spacing: spacing, Timeout: time.Second,
			}), to)
			id++
			want, networks[network(to)], hosts[to] = want+count, networks[network(to)]+count, hosts[to]+count
		}
		slowest := seconds(want, rates.All)
		for _, n := range networks {
			slowest = max(slowest, seconds(n, rates.Network))
		}
		for _, n := range hosts {
			slowest = max(slowest, seconds(n, rates.Destination))
		}
		r.run(t, 3*slowest+10*time.Second)
		// Echoes that the process slept through are told as stalled and not sent.
		if len(r.left) > want {
			t.Fatalf("%d packets left, want %d", len(r.left), want)
		}
		mustKeep(t, r.left, rates.All, func(netip.Addr) netip.Prefix { return netip.Prefix{} })
		mustKeep(t, r.left, rates.Network, network)
		mustKeep(t, r.left, rates.Destination, host)
	})
}

func seconds(packets, perSecond int) time.Duration {
	if perSecond == 0 {
		return 0
	}
	return time.Duration(packets) * time.Second / time.Duration(perSecond)
}

// mustKeep fails if more packets of one key left within a second than the rate
// and what may leave at once.
func mustKeep(t *rapid.T, left []departure, perSecond int, key func(netip.Addr) netip.Prefix) {
	if perSecond == 0 {
		return
	}
	of := newRate(perSecond)
	most := perSecond + 1 + int(of.slack/of.interval)
	recent := map[netip.Prefix][]time.Duration{}
	for _, d := range left {
		k := key(d.to)
		list := append(recent[k], d.at)
		for d.at-list[0] >= time.Second {
			list = list[1:]
		}
		if len(list) > most {
			t.Fatalf("%d packets left within a second at %d a second", len(list), perSecond)
		}
		recent[k] = list
	}
}

// Bursts that take all sequences, each with a part of its echoes, do not wait
// for one another for ever.
func TestSilentBurstsMakeRoomForEachOther(t *testing.T) {
	e := New(Options{ICMP: []uint16{1}, Key: 1, Rates: Rates{All: 1 << 20}})
	run := pacedRun{engine: e, silent: true}
	const targets, count = 4, 1 << 15
	for i := range targets {
		probe := netsonde.Probe{ID: netsonde.ProbeID(i + 1), Kind: netsonde.KindPing, Count: count, Size: 41, Timeout: time.Second}
		target := &netsonde.Target{Name: strconv.Itoa(i), Groups: []netsonde.Group{{Probes: []netsonde.Probe{probe}, Cadence: netsonde.Cadence{Once: true}}}}
		e.Begin(at(0), target, netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}))
	}
	run.run(t, time.Minute)
	if len(run.left) != targets*count {
		t.Errorf("%d packets left, want %d", len(run.left), targets*count)
	}
}

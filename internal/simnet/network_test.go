package simnet_test

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// echoes sends echoes to an address, a batch at a time, and returns the replies
// in the order in which they came.
func echoes(t *testing.T, c *simnet.Connection, to netip.Addr, count int, change func(*packet.Probe)) []packet.Reply {
	t.Helper()
	var all []packet.Reply
	buffer := make([]packet.Reply, 128)
	for i := range count {
		p := packet.Probe{Destination: to, Identity: 0x1000, Sequence: uint16(i), Size: 41, Token: uint64(i)}
		if change != nil {
			change(&p)
		}
		if err := c.WriteBatch([]packet.Probe{p}); err != nil {
			t.Fatal(err)
		}
	}
	for until := c.Now().Monotonic + 10*time.Second; c.Now().Monotonic < until; {
		n, _, err := c.ReadBatch(buffer, until)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, buffer[:n]...)
	}
	return all
}

func connect(t *testing.T, n *simnet.Network) *simnet.Connection {
	c := n.Connect(simnet.Options{Capabilities: identities()})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestQuality(t *testing.T) {
	const count = 4000
	for _, test := range []struct {
		name    string
		quality simnet.Quality
		// replies is how many come, give or take five standard deviations.
		replies, deviation float64
		shortest, longest  time.Duration
		inOrder            bool
	}{
		{"delay", simnet.Quality{Delay: 5 * time.Millisecond}, count, 0, 12 * time.Millisecond, 12 * time.Millisecond, true},
		{"jitter", simnet.Quality{Delay: 5 * time.Millisecond, Jitter: 10 * time.Millisecond}, count, 0, 12 * time.Millisecond, 32 * time.Millisecond, false},
		// Twice over the link: 0.9 · 0.9 come back.
		{"loss", simnet.Quality{Loss: 0.1}, 0.81 * count, math.Sqrt(count * 0.81 * 0.19), 2 * time.Millisecond, 2 * time.Millisecond, true},
		// Each way doubles one in ten: 1.1 · 1.1 come back.
		{"duplicate", simnet.Quality{Duplicate: 0.1}, 1.21 * count, math.Sqrt(count * 0.25), 2 * time.Millisecond, 2 * time.Millisecond, true},
		{"reorder", simnet.Quality{Reorder: 0.1, HeldBack: 50 * time.Millisecond}, count, 0, 2 * time.Millisecond, 102 * time.Millisecond, false},
		{"all lost", simnet.Quality{Loss: 1}, 0, 0, 0, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1, addr("10.0.0.2"), netip.Addr{})
				router, host := n.Node(addr("10.0.0.1"), netip.Addr{}), n.Node(addr("10.0.1.1"), netip.Addr{})
				n.Link(n.Client(), router, simnet.Quality{Delay: time.Millisecond})
				n.Link(router, host, test.quality)
				c := connect(t, n)
				sent := c.Now()
				replies := echoes(t, c, addr("10.0.1.1"), count, nil)
				if off := math.Abs(float64(len(replies)) - test.replies); off > 5*test.deviation {
					t.Errorf("%d replies, want %v ± %.0f", len(replies), test.replies, 5*test.deviation)
				}
				for _, r := range replies {
					if rtt := time.Duration(r.Stamp - sent.Real); rtt < test.shortest || rtt > test.longest {
						t.Fatalf("RTT %v, want %v to %v", rtt, test.shortest, test.longest)
					}
				}
				inOrder := slices.IsSortedFunc(replies, func(a, b packet.Reply) int { return int(a.Sequence) - int(b.Sequence) })
				if inOrder != test.inOrder {
					t.Errorf("in order: %v, want %v", inOrder, test.inOrder)
				}
				answered := map[uint16]bool{}
				for _, r := range replies {
					answered[r.Sequence] = true
				}
				if account := n.Account(addr("10.0.1.1")); account.Sent != count || account.Answered != len(answered) {
					t.Errorf("account %+v, want %d sent, %d answered", account, count, len(answered))
				}
			})
		})
	}
}

// TestSeed replays a network by its seed.
func TestSeed(t *testing.T) {
	run := func(seed uint64) (trail string) {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.New(seed, addr("10.0.0.2"), netip.Addr{})
			host := n.Node(addr("10.0.1.1"), netip.Addr{})
			n.Link(n.Client(), host, simnet.Quality{Jitter: time.Second, Loss: 0.1, Duplicate: 0.1})
			for _, r := range echoes(t, connect(t, n), addr("10.0.1.1"), 200, nil) {
				trail += fmt.Sprintln(r.Sequence, r.Stamp)
			}
		})
		return trail
	}
	if first, again := run(1), run(1); first != again {
		t.Error("the same seed gave another network")
	}
	if run(1) == run(2) {
		t.Error("another seed gave the same network")
	}
}

// TestFork has two routers side by side: a flow keeps to one of them, other
// flows spread over both, and a link that is down moves everything.
func TestFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1, addr("10.0.0.2"), netip.Addr{})
		first := n.Node(addr("10.0.0.1"), netip.Addr{})
		left, right := n.Node(addr("10.0.2.1"), netip.Addr{}), n.Node(addr("10.0.3.1"), netip.Addr{})
		host := n.Node(addr("10.0.9.1"), netip.Addr{})
		n.Link(n.Client(), first, simnet.Quality{})
		down := n.Link(first, left, simnet.Quality{})
		n.Link(first, right, simnet.Quality{})
		n.Link(left, host, simnet.Quality{})
		n.Link(right, host, simnet.Quality{})
		c := connect(t, n)
		second := func(fixed bool) map[netip.Addr]int {
			seen := map[netip.Addr]int{}
			for _, r := range echoes(t, c, addr("10.0.9.1"), 100, func(p *packet.Probe) {
				p.TTL, p.Size, p.FixedFlow = 2, packet.FlowSize, fixed
			}) {
				seen[r.From]++
			}
			return seen
		}
		if seen := second(true); len(seen) != 1 {
			t.Errorf("one flow seen at %v", seen)
		}
		sides := map[uint8]map[netip.Addr]bool{}
		both := map[netip.Addr]bool{}
		for _, r := range echoes(t, c, addr("10.0.9.1"), 96, func(p *packet.Probe) {
			p.TTL, p.Size, p.FixedFlow, p.Flow = 2, packet.FlowSize, true, uint8(p.Sequence%8)
		}) {
			flow := uint8(r.Sequence % 8)
			if sides[flow] == nil {
				sides[flow] = map[netip.Addr]bool{}
			}
			sides[flow][r.From], both[r.From] = true, true
		}
		for flow, seen := range sides {
			if len(seen) != 1 {
				t.Errorf("flow %d seen at %v", flow, seen)
			}
		}
		if len(sides) != 8 || len(both) != 2 {
			t.Errorf("%d flows seen at %v", len(sides), both)
		}
		if seen := second(false); len(seen) != 2 {
			t.Errorf("a hundred flows seen at %v", seen)
		}
		down.SetDown(true)
		if seen := second(false); seen[addr("10.0.3.1")] != 100 {
			t.Errorf("with the left link down seen at %v", seen)
		}
		down.SetDown(false)
		if seen := second(false); len(seen) != 2 {
			t.Errorf("with the left link up again seen at %v", seen)
		}
	})
}

func TestAnswers(t *testing.T) {
	prefix := netip.MustParsePrefix("10.0.5.0/24")
	for _, test := range []struct {
		answer simnet.Answer
		// echo, datagram and segment say what comes back: kind, type, code, and whether
		// it comes from the address that was probed.
		echo, datagram, segment string
	}{
		{simnet.AnswerAll, "1 0/0 true", "3 3/3 true", "4 0/0 true"},
		{simnet.AnswerNoEcho, "", "3 3/3 true", "4 0/0 true"},
		{simnet.AnswerNothing, "", "", ""},
		{simnet.AnswerProhibited, "3 3/13 false", "3 3/13 false", "3 3/13 false"},
		{simnet.AnswerNoRoute, "3 3/0 false", "3 3/0 false", "3 3/0 false"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n, _, host := chain(1)
			host.Answer(prefix, test.answer)
			c := connect(t, n)
			for protocol, want := range map[packet.Protocol]string{
				packet.Echo: test.echo, packet.UDP: test.datagram, packet.TCP: test.segment,
			} {
				got := ""
				for _, r := range echoes(t, c, addr("10.0.5.7"), 1, func(p *packet.Probe) {
					if p.Protocol = protocol; protocol != packet.Echo {
						p.Identity, p.Sequence, p.Port = 40000, 1, 33440
					}
				}) {
					got += fmt.Sprintf("%d %d/%d %v", r.Kind, r.Type, r.Code, r.From == addr("10.0.5.7"))
				}
				if got != want {
					t.Errorf("answer %d, protocol %d: %q, want %q", test.answer, protocol, got, want)
				}
			}
		})
	}
}

func TestSilentAndLimitedRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, router, _ := chain(1)
		c := connect(t, n)
		expire := func(p *packet.Probe) { p.TTL = 1 }
		if got := len(echoes(t, c, addr("10.0.1.1"), 50, expire)); got != 50 {
			t.Errorf("%d errors of 50", got)
		}
		router.SetLimit(simnet.Limit{PerSecond: 1, Burst: 6})
		if got := len(echoes(t, c, addr("10.0.1.1"), 50, expire)); got != 6 {
			t.Errorf("%d errors of a bucket of 6", got)
		}
		// Ten seconds have gone by meanwhile, and the bucket holds no more.
		if got := len(echoes(t, c, addr("10.0.1.1"), 50, expire)); got != 6 {
			t.Errorf("%d errors of a bucket that is full again", got)
		}
		router.SetSilent(true)
		if got := len(echoes(t, c, addr("10.0.1.1"), 50, expire)); got != 0 {
			t.Errorf("%d errors of a silent router", got)
		}
		if got := len(echoes(t, c, addr("10.0.1.1"), 50, nil)); got != 50 {
			t.Errorf("%d echoes of 50 behind a silent router", got)
		}
	})
}

func TestClockAndPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, _ := chain(1)
		c := connect(t, n)
		before := c.Now()
		n.StepClock(-time.Hour)
		time.Sleep(time.Second)
		n.StepClock(2 * time.Hour)
		after := c.Now()
		if d := after.Monotonic - before.Monotonic; d != time.Second {
			t.Errorf("monotonic clock went %v in a second", d)
		}
		if d := time.Duration(after.Real - before.Real); d != time.Hour+time.Second {
			t.Errorf("real clock went %v", d)
		}
		n.Pause(time.Minute)
		if _, empty, _ := c.ReadBatch(make([]packet.Reply, 1), 0); empty.Monotonic != after.Monotonic+time.Minute {
			t.Errorf("a read in a pause of a minute ended after %v", empty.Monotonic-after.Monotonic)
		}
	})
}

func TestBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, _ := chain(1)
		can := identities()
		c := n.Connect(simnet.Options{Capabilities: can, Buffer: 10})
		if got := len(echoes(t, c, addr("10.0.1.1"), 25, nil)); got != 10 || c.Overruns() != 15 {
			t.Errorf("%d replies, %d overruns; want 10, 15", got, c.Overruns())
		}
		c.Close()
		if err := c.WriteBatch([]packet.Probe{{Destination: addr("10.0.1.1")}}); err == nil {
			t.Error("a closed connection sends")
		}
		if _, _, err := c.ReadBatch(make([]packet.Reply, 1), 0); err == nil {
			t.Error("a closed connection reads")
		}
	})
}

package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// hopRun is an engine and a network in which every target stands behind two
// routers, the first of which all share. Answers come a millisecond later.
type hopRun struct {
	engine *Engine
	now    time.Duration
	coming []packet.Reply
	// expired are the times at which packets run out, by router.
	expired map[netip.Addr][]time.Duration
	pings   int
	// deaf is when targets stop answering pings, 0 for never.
	deaf   time.Duration
	told   int // inquiries
	routes []netsonde.Route
}

// routers are those on the way to a target: the second is that of its /24.
func routers(to netip.Addr) [2]netip.Addr {
	b := to.As4()
	return [2]netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 1}), netip.AddrFrom4([4]byte{10, 1, b[2], 1})}
}

func newHopRun(o Options) *hopRun {
	for i := range 16 {
		o.ICMP = append(o.ICMP, uint16(i+1))
	}
	o.Trace, o.Key = true, 1
	return &hopRun{engine: New(o), expired: map[netip.Addr][]time.Duration{}}
}

// run lets time pass until then, or until nothing is under way if that is done.
func (r *hopRun) run(until time.Duration) {
	var out [64]packet.Probe
	for r.now <= until {
		for n := len(out); n == len(out); {
			n = r.engine.Advance(at(r.now), out[:])
			for i := range out[:n] {
				r.send(&out[i])
			}
			r.engine.Sent(out[:n])
		}
		for len(r.coming) > 0 && r.coming[0].Read.Monotonic <= r.now {
			r.engine.Receive(&r.coming[0])
			r.coming = r.coming[1:]
		}
		r.engine.Expire(at(r.now), at(r.now))
		if batch := r.engine.Take(); batch != nil {
			r.routes = append(r.routes, batch.Routes...)
			r.told += len(batch.Evidence)
		}
		next, ok := r.engine.Next()
		if len(r.coming) > 0 && (!ok || r.coming[0].Read.Monotonic < next) {
			next, ok = r.coming[0].Read.Monotonic, true
		}
		if !ok {
			return
		}
		r.now = max(r.now, next)
	}
}

func (r *hopRun) send(p *packet.Probe) {
	p.Sent = at(r.now)
	reply := packet.Reply{
		Kind: packet.EchoReply, Protocol: p.Protocol, From: p.Destination, Destination: p.Destination,
		Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(r.now + time.Millisecond),
	}
	switch {
	case p.TTL == 0:
		r.pings++
		if r.deaf > 0 && r.now >= r.deaf {
			return
		}
	case p.TTL <= 2 && !p.Destination.IsLoopback():
		reply.Kind, reply.From = packet.TimeExceeded, routers(p.Destination)[p.TTL-1]
		r.expired[reply.From] = append(r.expired[reply.From], r.now)
	}
	r.coming = append(r.coming, reply)
}

// checkRate reports a span of time in which more packets ran out than the rate
// allows, with what may leave at once after a rest.
func checkRate(t *testing.T, times []time.Duration, perSecond int) {
	t.Helper()
	burst := 1 + int(paceBurst*time.Duration(perSecond)/time.Second)
	for i := range times {
		for j := i; j < len(times); j += 7 {
			if most := int((times[j]-times[i])*time.Duration(perSecond)/time.Second) + burst + 1; j-i+1 > most {
				t.Fatalf("%d packets in %v from %v on, %d are allowed", j-i+1, times[j]-times[i], times[i], most)
			}
		}
	}
}

func traceTarget(i int, addr string, groups ...netsonde.Group) (*netsonde.Target, netip.Addr) {
	name := fmt.Sprintf("%s-%d", addr, i)
	for g := range groups {
		groups[g].Name = fmt.Sprint(g)
		groups[g].Probes = slices.Clone(groups[g].Probes)
		for j := range groups[g].Probes {
			groups[g].Probes[j].ID = netsonde.ProbeID(mix(uint64(1000*i + 10*g + j)))
		}
	}
	return &netsonde.Target{Name: name, Host: name, Groups: groups}, netip.MustParseAddr(addr)
}

func icmpTrace() netsonde.Probe {
	return netsonde.Probe{Kind: netsonde.KindTrace, Protocol: netsonde.TraceICMP, Hops: 30, Timeout: time.Second}
}

// A sweep knows no router before it: the hops of one number count as one.
func TestRouterRateHoldsForSweeps(t *testing.T) {
	const rate, count = 100, 300
	for name, rates := range map[string]Rates{
		"alone": {Router: rate}, "beside others": {All: 10_000, Network: 2000, Destination: 100, Router: rate},
	} {
		r := newHopRun(Options{Rates: rates})
		for i := range count {
			target, addr := traceTarget(i, fmt.Sprintf("192.0.%d.%d", i%4, 2+i/4), netsonde.Group{
				Cadence: netsonde.Cadence{Once: true}, Probes: []netsonde.Probe{icmpTrace()},
			})
			r.engine.Begin(at(0), target, addr)
		}
		r.run(time.Minute)
		first := r.expired[routers(netip.MustParseAddr("192.0.0.2"))[0]]
		if len(r.routes) != count || len(first) != count || r.engine.Begun() != 0 || r.engine.Held() != 0 {
			t.Fatalf("%s: %d routes, %d packets to the first router, %d under way, %d held", name, len(r.routes), len(first), r.engine.Begun(), r.engine.Held())
		}
		for _, route := range r.routes {
			if route.End != netsonde.RouteReached || len(route.Hops) != 3 || route.Hops[0].Silent() || route.Hops[1].Silent() {
				t.Fatalf("%s: a route is told as %+v", name, route)
			}
		}
		checkRate(t, first, rate)
		var second []time.Duration
		for to := range 4 {
			second = append(second, r.expired[routers(netip.AddrFrom4([4]byte{192, 0, byte(to), 2}))[1]]...)
		}
		slices.Sort(second)
		checkRate(t, second, rate)
		if took := first[count-1]; took > 4*time.Second {
			t.Errorf("%s: %d packets through one router took %v", name, count, took)
		}
	}
}

// The traces of a plan keep the rate of each router that they know, and pings
// do not wait for them.
func TestRouterRateHoldsForPlansAndDelaysNoPing(t *testing.T) {
	const rate, count = 40, 60
	r := newHopRun(Options{Rates: Rates{Router: rate}})
	var plan []*netsonde.Target
	var addresses []netip.Addr
	for i := range count {
		target, addr := traceTarget(i, fmt.Sprintf("192.0.%d.%d", i%4, 2+i/4),
			netsonde.Group{Cadence: netsonde.Cadence{Every: time.Second}, Probes: []netsonde.Probe{icmpTrace()}},
			netsonde.Group{Cadence: netsonde.Cadence{Every: 100 * time.Millisecond}, Probes: []netsonde.Probe{
				{Kind: netsonde.KindPing, Count: 1, Size: 56, Timeout: time.Second},
			}})
		plan, addresses = append(plan, target), append(addresses, addr)
	}
	r.engine.Apply(at(0), plan)
	for i, target := range plan {
		r.engine.SetAddress(at(0), target.Name, addresses[i])
	}
	const lasts = 10
	r.run(lasts * time.Second)
	if want := 10 * lasts * count; r.pings < want-count || r.pings > want+count {
		t.Errorf("%d pings left, want %d", r.pings, want)
	}
	first := r.expired[routers(addresses[0])[0]]
	// Once it is known, the first router is another line than the first hop.
	known := first[:0:0]
	for _, expired := range first {
		if expired > 3*time.Second {
			known = append(known, expired)
		}
	}
	checkRate(t, known, rate)
	if len(known) < 7*rate*9/10 {
		t.Errorf("only %d packets ran out at the first router in 7 s at %d a second", len(known), rate)
	}
	told := map[netsonde.ProbeID]int{}
	for _, route := range r.routes {
		told[route.Probe]++
		if route.End != netsonde.RouteReached {
			t.Fatalf("a route is told as %+v", route)
		}
	}
	if len(told) != count {
		t.Errorf("the routes of %d targets were told, want %d", len(told), count)
	}
}

// Rounds that follow one another are not bounded, nor are addresses of this machine.
func TestRouterRateSpares(t *testing.T) {
	const count = 200
	exempt := netip.MustParseAddr("192.0.2.2")
	for name, test := range map[string]struct {
		addr    string
		cadence netsonde.Cadence
		wait    bool
	}{
		"fixed":            {"192.0.2.3", netsonde.Cadence{Every: time.Hour}, true},
		"after completion": {"192.0.2.3", netsonde.Cadence{Pause: time.Hour}, false},
		"exempt":           {"192.0.2.2", netsonde.Cadence{Every: time.Hour}, false},
		"loopback":         {"127.0.0.2", netsonde.Cadence{Every: time.Hour}, false},
	} {
		r := newHopRun(Options{Rates: Rates{Router: 1}, Exempt: func(a netip.Addr) bool { return a == exempt }})
		var plan []*netsonde.Target
		for i := range count {
			target, _ := traceTarget(i, test.addr, netsonde.Group{Cadence: test.cadence, Probes: []netsonde.Probe{icmpTrace()}})
			plan = append(plan, target)
		}
		r.engine.Apply(at(0), plan)
		for _, target := range plan {
			r.engine.SetAddress(at(0), target.Name, netip.MustParseAddr(test.addr))
		}
		r.run(12 * time.Second)
		// Traces of an hour's cadence all begin within ten seconds.
		if waits := r.engine.Held() > 0; waits != test.wait {
			t.Errorf("%s: some wait: %v, want %v", name, waits, test.wait)
		}
		if len(r.routes) < count && !test.wait {
			t.Errorf("%s: %d routes were told within twelve seconds, want %d", name, len(r.routes), count)
		}
	}
}

// A trace that stands in a line survives what happens to its target.
func TestRouterLineOfForgottenTargets(t *testing.T) {
	r := newHopRun(Options{Rates: Rates{Router: 2}})
	var plan []*netsonde.Target
	for i := range 10 {
		target, _ := traceTarget(i, "192.0.2.3", netsonde.Group{Cadence: netsonde.Cadence{Every: time.Second}, Probes: []netsonde.Probe{icmpTrace()}})
		plan = append(plan, target)
	}
	apply := func(plan []*netsonde.Target) {
		r.engine.Apply(at(r.now), plan)
		for _, target := range plan {
			r.engine.SetAddress(at(r.now), target.Name, netip.MustParseAddr("192.0.2.3"))
		}
	}
	apply(plan)
	r.run(2 * time.Second)
	if r.engine.Held() == 0 {
		t.Fatal("nothing waits")
	}
	apply(plan[:2])
	r.run(30 * time.Second)
	told := map[netsonde.ProbeID]int{}
	for _, route := range r.routes {
		told[route.Probe]++
	}
	for _, target := range plan[:2] {
		if n := told[target.Groups[0].Probes[0].ID]; n < 10 {
			t.Errorf("%s was traced %d times in 30 s", target.Name, n)
		}
	}
	if held := r.engine.Held(); held > 2 {
		t.Errorf("%d wait, of 2 targets", held)
	}
	for _, b := range r.engine.pacer.routers.kept {
		if b.waiting < 0 || b.waiting > 2 {
			t.Errorf("%d stand in a line", b.waiting)
		}
	}
	r.engine.Drain(at(r.now))
	r.run(r.now + 10*time.Second)
	if !r.engine.Idle() {
		t.Error("a drained engine does not come to rest")
	}
}

// The traces of inquiries take from the same buckets as those of the plan.
func TestRouterRateHoldsForEvidence(t *testing.T) {
	const rate, count = 10, 8
	for name, traces := range map[string]bool{"routers are known": true, "nothing is known": false} {
		r := newHopRun(Options{Rates: Rates{Router: rate}})
		r.engine.Gather(count, netsonde.Allowance{All: 1e6, Network: 1e6, Destination: 1e6})
		r.deaf = 11500 * time.Millisecond
		var plan []*netsonde.Target
		for i := range count {
			groups := []netsonde.Group{{Cadence: netsonde.Cadence{Every: time.Second}, Probes: []netsonde.Probe{
				{Kind: netsonde.KindPing, Count: 1, Size: 56, Timeout: 200 * time.Millisecond},
			}}}
			if traces {
				groups = append(groups, netsonde.Group{
					Cadence: netsonde.Cadence{Every: 5 * time.Second}, Probes: []netsonde.Probe{icmpTrace()},
				})
			}
			target, _ := traceTarget(i, fmt.Sprintf("192.0.1.%d", 2+i), groups...)
			plan = append(plan, target)
		}
		r.engine.Apply(at(0), plan)
		for i, target := range plan {
			r.engine.SetAddress(at(0), target.Name, netip.MustParseAddr(fmt.Sprintf("192.0.1.%d", 2+i)))
		}
		r.run(r.deaf)
		before := len(r.expired[routers(netip.MustParseAddr("192.0.1.2"))[0]])
		// A later allowance takes no bucket's tokens back.
		r.engine.Gather(count, netsonde.Allowance{All: 1e6, Network: 1e6, Destination: 1e5})
		r.run(20 * time.Second)
		first := r.expired[routers(netip.MustParseAddr("192.0.1.2"))[0]][before:]
		if r.told == 0 || len(first) < rate {
			t.Errorf("%s: %d inquiries were told, %d packets ran out", name, r.told, len(first))
		}
		checkRate(t, first, rate)
	}
}

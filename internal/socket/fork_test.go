package socket_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
	"netsonde/internal/socket"
)

// newFork returns a client whose packets to 10.7.9.9 and fd07:9::9 fork at the
// second router, behind which there are two ways:
//
//	client ─ router ─┬─ left ──┬─ host
//	                 └─ right ─┘
func newFork(t *testing.T) *lab.Node {
	t.Helper()
	network := lab.ForTest(t)
	client, router, host := network.Node("client"), network.Node("router"), network.Node("host")
	left, right := network.Node("left"), network.Node("right")
	link := func(a, b *lab.Node, number int) {
		four, six := fmt.Sprintf("10.7.%d.", number), fmt.Sprintf("fd07:%d::", number)
		network.Link(a, b).Addresses(four+"1/24", four+"2/24").Addresses(six+"1/64", six+"2/64")
	}
	link(client, router, 1)
	link(router, left, 2)
	link(router, right, 3)
	link(left, host, 4)
	link(right, host, 5)
	for _, n := range []*lab.Node{router, left, right} {
		n.Forward()
	}
	host.Unlimited()
	host.Address("10.7.9.9/32", "fd07:9::9/128")
	client.PingGroups(0, 1<<31-1)
	client.Route("default4", "10.7.1.2")
	client.Route("default6", "fd07:1::2")
	router.Route("10.7.9.9/32", "10.7.2.2", "10.7.3.2")
	router.Route("fd07:9::9/128", "fd07:2::2", "fd07:3::2")
	for _, side := range []struct {
		node *lab.Node
		back string
		on   string
	}{{left, "2", "4"}, {right, "3", "5"}} {
		side.node.Route("default4", "10.7."+side.back+".1")
		side.node.Route("default6", "fd07:"+side.back+"::1")
		side.node.Route("10.7.9.9/32", "10.7."+side.on+".2")
		side.node.Route("fd07:9::9/128", "fd07:"+side.on+"::2")
	}
	host.Route("default4", "10.7.4.1")
	host.Route("default6", "fd07:4::1")
	return client
}

// forkFlows are so many that one side is left out once in 32,768 runs.
const forkFlows = 16

// TestFlowsAtAFork traces over a router that shares the load: each flow stays
// on its side, and both sides are found. It needs root and namespaces.
func TestFlowsAtAFork(t *testing.T) {
	client := newFork(t)
	for _, protocol := range []netsonde.TraceProtocol{netsonde.TraceUDP, netsonde.TraceTCP} {
		for _, to := range []string{"10.7.9.9", "fd07:9::9"} {
			t.Run(fmt.Sprintf("protocol %d to %s", protocol, to), func(t *testing.T) {
				c := openForTest(t, client, socket.KindRaw)
				sides := map[netip.Addr]bool{}
				of := map[uint8]netip.Addr{}
				const rounds = 4
				for _, route := range traces(t, c, protocol, netip.MustParseAddr(to), forkFlows, rounds) {
					if route.End != netsonde.RouteReached || len(route.Hops) != 3 || route.Protocol != protocol {
						t.Fatalf("told %+v", route)
					}
					side := route.Hops[1].Addr
					if known, ok := of[route.Flow]; ok && known != side {
						t.Errorf("flow %d went by %v and by %v", route.Flow, known, side)
					}
					of[route.Flow], sides[side] = side, true
				}
				if len(of) != forkFlows || len(sides) != 2 {
					t.Errorf("%d flows, sides %v; want %d and both", len(of), sides, forkFlows)
				}
			})
		}
	}
}

// TestTCPTracesWithoutRights traces by connection attempts, whose every hop is
// a flow of its own.
func TestTCPTracesWithoutRights(t *testing.T) {
	client := newFork(t)
	for _, name := range []string{"ping", "port"} {
		for _, to := range []string{"10.7.9.9", "fd07:9::9"} {
			t.Run(name+" to "+to, func(t *testing.T) {
				c := openForTest(t, client, kinds[name])
				for _, route := range traces(t, c, netsonde.TraceTCP, netip.MustParseAddr(to), 2, 2) {
					if route.End != netsonde.RouteReached || len(route.Hops) != 3 || route.Protocol != netsonde.TraceTCP {
						t.Errorf("told %+v", route)
					}
					for _, hop := range route.Hops {
						if hop.Silent() || hop.RTT <= 0 {
							t.Errorf("hop %+v", hop)
						}
					}
				}
			})
		}
	}
}

// traces runs an engine over a connection until each flow has been traced so
// many rounds.
func traces(t *testing.T, c inNode, protocol netsonde.TraceProtocol, to netip.Addr, flows, rounds int) (routes []netsonde.Route) {
	t.Helper()
	can := c.Capabilities()
	e := probe.New(probe.Options{ICMP: can.ICMP, UDP: can.UDP, Trace: can.Trace, Key: 7})
	target := &netsonde.Target{Name: "host", Host: "host"}
	for flow := range flows {
		p := netsonde.Probe{
			Kind: netsonde.KindTrace, Protocol: protocol, Port: 33440, Flow: uint8(flow), Hops: 30, Timeout: time.Second,
		}
		p.ID = netsonde.NewProbeID("host", 0, p)
		target.Groups = append(target.Groups, netsonde.Group{Name: fmt.Sprint(flow), Probes: []netsonde.Probe{p}})
	}
	now := c.Now()
	e.Apply(now, []*netsonde.Target{target})
	e.SetAddress(now, "host", to)
	var out [64]packet.Probe
	var in [64]packet.Reply
	for deadline := now.Monotonic + patience; len(routes) < flows*rounds; {
		if c.Now().Monotonic > deadline {
			t.Fatalf("%d traces of %d have ended", len(routes), flows*rounds)
		}
		n := e.Advance(c.Now(), out[:])
		if err := c.WriteBatch(out[:n]); err != nil {
			t.Fatal(err)
		}
		e.Sent(out[:n])
		n, empty, err := c.ReadBatch(in[:], c.Now().Monotonic+time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for i := range in[:n] {
			e.Receive(&in[i])
		}
		e.Expire(c.Now(), empty)
		if batch := e.Take(); batch != nil {
			routes = append(routes, batch.Routes...)
		}
	}
	return routes
}

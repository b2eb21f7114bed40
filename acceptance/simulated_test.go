package acceptance_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// simulated is the network in memory.
type simulated struct {
	*simnet.Network
	near, upper, far           *simnet.Node
	upperWay, lowerWay, access *simnet.Link
	connections                uint16
}

// newSimulated makes a network on which nothing but its last link costs time.
func newSimulated() *simulated {
	var none netip.Addr
	n := &simulated{Network: simnet.New(1, netip.MustParseAddr("10.7.0.2"), none)}
	n.near, n.upper, n.far = n.Node(nearRouter, none), n.Node(upperRouter, none), n.Node(farRouter, none)
	upper2, lower2 := n.Node(upperRouter2, none), n.Node(lowerRouter2, none)
	lower, host := n.Node(lowerRouter, none), n.Node(hostAddress(1), none)
	host.Answer(hosts, simnet.AnswerAll)
	n.Link(n.Client(), n.near, simnet.Quality{})
	n.upperWay = n.Link(n.near, n.upper, simnet.Quality{})
	n.lowerWay = n.Link(n.near, lower, simnet.Quality{})
	n.Link(n.upper, upper2, simnet.Quality{})
	n.Link(lower, lower2, simnet.Quality{})
	n.Link(upper2, n.far, simnet.Quality{})
	n.Link(lower2, n.far, simnet.Quality{})
	n.access = n.Link(n.far, host, simnet.Quality{})
	n.fork(true, false)
	return n
}

func (n *simulated) connect(t *testing.T) agent.Connection {
	first := 0x1000 + 16*n.connections
	c := n.Connect(simnet.Options{Capabilities: packet.Capabilities{
		ICMP: []uint16{first, first + 1}, UDP: []uint16{40000 + n.connections}, Trace: true,
	}})
	n.connections++
	t.Cleanup(func() { c.Close() })
	return c
}

func (n *simulated) impair(loss float64, delay time.Duration) {
	n.access.SetQuality(simnet.Quality{Delay: delay})
	n.access.SetQualityFrom(n.far, simnet.Quality{Loss: loss, Delay: delay})
}

func (n *simulated) lost() int {
	account := n.Account(hostAddress(1))
	return account.Sent - account.Answered
}

func (n *simulated) fork(upper, lower bool) {
	n.upperWay.SetDown(!upper)
	n.lowerWay.SetDown(!lower)
}

func (n *simulated) silence(silent bool) { n.upper.SetSilent(silent) }

func (n *simulated) limit() { n.near.SetLimit(simnet.Limit{PerSecond: 1, Burst: 6}) }

// TestSimulated runs the bodies in simulated time.
func TestSimulated(t *testing.T) {
	for _, body := range bodies {
		for name, protocol := range map[string]netsonde.TraceProtocol{"UDP": netsonde.TraceUDP, "ICMP": netsonde.TraceICMP} {
			t.Run(body.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { body.run(t, newSimulated(), protocol) })
			})
		}
	}
}

package acceptance_test

import (
	"context"
	"os"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/lab"
	"netsonde/internal/socket"
)

// kernel is the network of namespaces. Its last link is a wire of this process.
type kernel struct {
	client, near, upper *lab.Node
	wire                *lab.Wire
	kind                socket.Kind
	silent              *lab.Filter
}

// newKernel makes a network whose client measures with sockets of a kind.
func newKernel(t *testing.T, kind socket.Kind) *kernel {
	t.Helper()
	network := lab.ForTest(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		lab.Skip(t, err.Error())
	}
	n := &kernel{client: network.Node("client"), near: network.Node("near"), upper: network.Node("upper"), kind: kind}
	upper2, lower2 := network.Node("upper2"), network.Node("lower2")
	lower, far, host := network.Node("lower"), network.Node("far"), network.Node("host")
	network.Link(n.client, n.near).Addresses("10.7.0.2/24", "10.7.0.1/24")
	network.Link(n.near, n.upper).Addresses("10.7.1.1/24", "10.7.1.2/24")
	network.Link(n.near, lower).Addresses("10.7.2.1/24", "10.7.2.2/24")
	network.Link(n.upper, upper2).Addresses("10.7.3.1/24", "10.7.3.2/24")
	network.Link(lower, lower2).Addresses("10.7.4.1/24", "10.7.4.2/24")
	network.Link(upper2, far).Addresses("10.7.5.1/24", "10.7.5.2/24")
	network.Link(lower2, far).Addresses("10.7.6.1/24", "10.7.6.2/24")
	n.wire = network.Wire(far, host, 1)
	n.wire.Addresses("10.7.7.1/24", "10.7.7.2/24")
	for _, router := range []*lab.Node{n.near, n.upper, upper2, lower, lower2, far} {
		router.Forward()
	}
	host.Unlimited()
	host.Local(hosts.String())
	n.client.PingGroups(0, 1<<31-1)

	n.client.Route("default4", "10.7.0.1")
	n.fork(true, false)
	n.upper.Route(hosts.String(), "10.7.3.2")
	upper2.Route(hosts.String(), "10.7.5.2")
	lower.Route(hosts.String(), "10.7.4.2")
	lower2.Route(hosts.String(), "10.7.6.2")
	far.Route(hosts.String(), "10.7.7.2")
	host.Route("default4", "10.7.7.1")
	// What the far side sends always comes back by upper.
	far.Route("10.7.0.0/24", "10.7.5.1")
	upper2.Route("10.7.0.0/24", "10.7.3.1")
	lower2.Route("10.7.0.0/24", "10.7.4.1")
	n.upper.Route("10.7.0.0/24", "10.7.1.1")
	lower.Route("10.7.0.0/24", "10.7.2.1")
	n.carry(t)
	return n
}

// carry runs the wire for the rest of the test.
func (n *kernel) carry(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.wire.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the wire ended with %v", err)
		}
	})
}

func (n *kernel) connect(t *testing.T) agent.Connection {
	t.Helper()
	var c *socket.Connection
	err := n.client.Do(func() (err error) {
		c, err = socket.Open(socket.Options{Kind: n.kind, Origin: time.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (n *kernel) impair(loss float64, delay time.Duration) {
	n.wire.Back(lab.Effects{Delay: delay})
	if loss == 0 {
		n.wire.Forth(lab.Effects{Delay: delay})
		return
	}
	n.wire.Forth(lab.Effects{Loss: loss, Delay: delay, Match: echoRequest})
}

// echoRequest tells the IPv4 packets that are ICMP echo requests.
func echoRequest(packet []byte) bool {
	const header, protocolICMP, request = 20, 1, 8
	return len(packet) > header && packet[0] == 0x45 && packet[9] == protocolICMP && packet[header] == request
}

func (n *kernel) lost() int {
	forth, _ := n.wire.Counts()
	return int(forth.Lost)
}

func (n *kernel) fork(upper, lower bool) {
	var gateways []string
	if upper {
		gateways = append(gateways, upperRouter.String())
	}
	if lower {
		gateways = append(gateways, lowerRouter.String())
	}
	n.near.Route(hosts.String(), gateways...)
}

func (n *kernel) silence(silent bool) {
	if silent {
		n.silent = n.upper.Silent()
		return
	}
	n.silent.Remove()
}

func (n *kernel) limit() { n.near.Sysctl("net.ipv4.icmp_ratelimit", "1000") }

// TestKernel runs the bodies over real sockets. It needs root, namespaces and
// /dev/net/tun.
func TestKernel(t *testing.T) {
	requireTools(t, "nft")
	for _, body := range bodies {
		for name, c := range map[string]struct {
			kind     socket.Kind
			protocol netsonde.TraceProtocol
		}{
			"raw UDP":   {socket.KindRaw, netsonde.TraceUDP},
			"raw ICMP":  {socket.KindRaw, netsonde.TraceICMP},
			"ping ICMP": {socket.KindPing, netsonde.TraceICMP},
		} {
			t.Run(body.name+" "+name, func(t *testing.T) { body.run(t, newKernel(t, c.kind), c.protocol) })
		}
	}
}

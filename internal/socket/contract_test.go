package socket_test

import (
	"maps"
	"net/netip"
	"path"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/agent"
	"netsonde/internal/connectiontest"
	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// contractNetwork is a client, a router and a host, of whose addresses one
// swallows everything:
//
//	client 10.8.1.1 ─ 10.8.1.2 router 10.8.2.1 ─ 10.8.2.2 host, 10.8.9.1 silent
//
// and the same with fd08:1:: and so on.
type contractNetwork struct {
	client, router, host *lab.Node
}

func newContractNetwork(t *testing.T) contractNetwork {
	t.Helper()
	network := lab.ForTest(t)
	n := contractNetwork{network.Node("client"), network.Node("router"), network.Node("host")}
	network.Link(n.client, n.router).Addresses("10.8.1.1/24", "10.8.1.2/24").Addresses("fd08:1::1/64", "fd08:1::2/64")
	network.Link(n.router, n.host).Addresses("10.8.2.1/24", "10.8.2.2/24").Addresses("fd08:2::1/64", "fd08:2::2/64")
	n.router.Forward()
	n.client.PingGroups(0, 1<<31-1)
	// Closed ports are answered by these, at once and each time.
	n.client.Unlimited()
	n.host.Unlimited()
	n.host.Address("10.8.9.1/32", "fd08:9::1/128")
	n.host.Drop(lab.HookInput, "ip daddr 10.8.9.1")
	n.host.Drop(lab.HookInput, "ip6 daddr fd08:9::1")
	for _, six := range []bool{false, true} {
		prefix, from, there, back := "default4", "10.8.9.1/32", "10.8.1.2", "10.8.2.1"
		if six {
			prefix, from, there, back = "default6", "fd08:9::1/128", "fd08:1::2", "fd08:2::1"
		}
		n.client.Route(prefix, there)
		n.host.Route(prefix, back)
		n.router.Route(from, far(six).String())
	}
	n.client.Unreachable("fd08:3::/64")
	return n
}

// far is the host's address of a family.
func far(six bool) netip.Addr {
	if six {
		return netip.MustParseAddr("fd08:2::2")
	}
	return netip.MustParseAddr("10.8.2.2")
}

// inNode is a connection whose packets leave from its node's thread: the TCP
// attempts of the port method open a socket each time.
type inNode struct {
	*socket.Connection
	node *lab.Node
}

var _ agent.Connection = inNode{}

func (c inNode) WriteBatch(probes []packet.Probe) error {
	return c.node.Do(func() error { return c.Connection.WriteBatch(probes) })
}

// openIn opens a connection in a node.
func openIn(t *testing.T, node *lab.Node, kind socket.Kind) inNode {
	t.Helper()
	c := inNode{node: node}
	err := node.Do(func() (err error) {
		c.Connection, err = socket.Open(socket.Options{Kind: kind, Origin: time.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// forgetOpening reads the answer that Open's own last echo may have left. It
// bears the token 0, by which an engine knows it for none of its own.
func forgetOpening(t *testing.T, c agent.Connection) {
	t.Helper()
	var replies [8]packet.Reply
	n, _, err := c.ReadBatch(replies[:], 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range replies[:n] {
		if r.Token != 0 {
			t.Errorf("a fresh connection has read %+v", r)
		}
	}
}

// contractVariant is one way to measure.
type contractVariant struct {
	kind   socket.Kind
	answer packet.ReplyKind
	// largest are the payloads of the largest echo, IPv4 and IPv6.
	largest [2]int
	// without are the nftables words of packets that the client may not send,
	// so that each probe has one answer where there could be two.
	without []string
	// noSource6 tells that IPv6 probes cannot choose their source.
	noSource6 bool
	// exempt says of a case why the method has no part in it.
	exempt map[string]string
}

func contractVariants() map[string]contractVariant {
	const (
		headers4 = 20 + 8
		headers6 = 8 // the IPv6 payload length leaves the IPv6 header out
		most     = 1<<16 - 1
	)
	largest := [2]int{most - headers4, most - headers6}
	attempts := map[string]string{
		"payload_too_large": "a TCP attempt has no payload: it makes good the datagram that is too large",
	}
	alone := maps.Clone(attempts)
	alone["kept_whole"] = "a TCP attempt has no payload, and stands for no datagram that must stay whole"
	alone["whole_among_others"] = alone["kept_whole"]
	return map[string]contractVariant{
		"raw":  {kind: socket.KindRaw, largest: largest},
		"ping": {kind: socket.KindPing, largest: largest, noSource6: true},
		"port by UDP": {
			kind: socket.KindPort, answer: packet.PortAnswered, largest: largest, exempt: attempts,
			without: []string{"tcp dport 80"},
		},
		"port by TCP": {
			kind: socket.KindPort, answer: packet.PortAnswered, exempt: alone,
			without: []string{"udp dport 33434 ip ttl > 1", "udp dport 33434 ip6 hoplimit > 1"},
		},
	}
}

// TestContract runs the contract of connections over the kernel's network. It
// needs root and namespaces.
func TestContract(t *testing.T) {
	requireTools(t, "ping", "nft")
	for name, variant := range contractVariants() {
		for _, six := range []bool{false, true} {
			family := "IPv4"
			if six {
				family = "IPv6"
			}
			t.Run(name+" "+family, func(t *testing.T) { runContract(t, variant, six) })
		}
	}
}

func runContract(t *testing.T, variant contractVariant, six bool) {
	n := newContractNetwork(t)
	for _, match := range variant.without {
		n.client.Drop(lab.HookOutput, match)
	}
	connectiontest.Run(t, func(t *testing.T, body func(*testing.T, connectiontest.Network)) {
		if why := variant.exempt[path.Base(t.Name())]; why != "" {
			t.Log(why)
			return
		}
		c := openIn(t, n.client, variant.kind)
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		forgetOpening(t, c)
		body(t, n.describe(t, c, variant, six))
	})
}

// describe tells the contract what is around a connection.
func (n contractNetwork) describe(t *testing.T, c agent.Connection, variant contractVariant, six bool) connectiontest.Network {
	d := connectiontest.Network{
		Connection:     c,
		Answering:      []netip.Addr{localhost4, netip.MustParseAddr("10.8.1.2"), far(false), far(true)},
		LargestPayload: variant.largest[0],
		MTU:            1500,
		EchoAnswer:     variant.answer,
		Silent:         netip.MustParseAddr("10.8.9.1"),
		Far:            far(false),
		FirstHop:       netip.MustParseAddr("10.8.1.2"),
		Refused:        netip.MustParseAddr("255.255.255.255"),
		Foreign:        func() { n.foreign(t, variant.kind, six) },
	}
	if six {
		d.Answering = []netip.Addr{localhost6, netip.MustParseAddr("fd08:1::2"), far(true), far(false)}
		if variant.noSource6 {
			d.Answering = d.Answering[1:]
		}
		d.LargestPayload = variant.largest[1]
		d.Silent = netip.MustParseAddr("fd08:9::1")
		d.Far = far(true)
		d.FirstHop = netip.MustParseAddr("fd08:1::2")
		d.Refused = netip.MustParseAddr("fd08:3::1")
	}
	return d
}

// foreign brings the client the answers to another program's echoes, the
// errors about them, those of a second connection, and what is no answer.
func (n contractNetwork) foreign(t *testing.T, kind socket.Kind, six bool) {
	t.Helper()
	host := far(six)
	for _, arguments := range [][]string{{"-c", "3", "-i", "0.01", "-s", "41"}, {"-c", "1", "-W", "1", "-t", "1"}} {
		// The second ping ends at the router, which ping tells as a failure.
		text, err := n.client.Output(t.Context(), "ping", append(arguments, host.String())...)
		if (err != nil) != (arguments[1] == "1") {
			t.Fatalf("ping %v: %v\n%s", arguments, err, text)
		}
	}
	second := openIn(t, n.client, kind)
	if err := second.WriteBatch([]packet.Probe{probeOf(second.Connection, host, 1)}); err != nil {
		t.Fatal(err)
	}
	collect(t, second.Connection, 1)
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	n.hostile(t, six)
}

// hostile has the host send the client what starts like an ICMP message.
func (n contractNetwork) hostile(t *testing.T, six bool) {
	t.Helper()
	domain, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	var client unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{10, 8, 1, 1}}
	types := []byte{0, 3, 11}
	if six {
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		client = &unix.SockaddrInet6{Addr: netip.MustParseAddr("fd08:1::1").As16()}
		types = []byte{129, 1, 3}
	}
	err := n.host.Do(func() error {
		fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, kind := range types {
			for _, length := range []int{4, 8, 12, 40} {
				message := make([]byte, length)
				message[0] = kind
				if err := unix.Sendto(fd, message, 0, client); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

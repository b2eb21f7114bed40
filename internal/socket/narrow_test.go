package socket_test

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
	"netsonde/internal/packet"
)

// TestNarrowPath sends probes that a link behind the router has no room for.
// Each is the first to a fresh network, where nobody has learnt the path's MTU.
func TestNarrowPath(t *testing.T) {
	for _, name := range []string{"raw", "ping", "port"} {
		for _, to := range []netip.Addr{netip.MustParseAddr("10.8.2.2"), netip.MustParseAddr("fd08:2::2")} {
			t.Run(name+" to "+to.String(), func(t *testing.T) {
				c := openIn(t, newNarrowPath(t), kinds[name])
				t.Cleanup(func() {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				})
				var probes []packet.Probe
				for i, size := range []int{0, 1200, 1453, 2000, 9000, 65000} {
					p := probeOf(c.Connection, to, uint16(i+1))
					p.Size, p.TTL = size, 9 // a TTL keeps TCP, which would make it good, away
					probes = append(probes, p)
				}
				if err := c.WriteBatch(probes); err != nil {
					t.Fatal(err)
				}
				for _, r := range collect(t, c.Connection, len(probes)) {
					if r.Kind != packet.EchoReply && r.Kind != packet.PortAnswered {
						t.Errorf("%d bytes: %+v", probes[r.Sequence-1].Size, r)
					}
				}
			})
		}
	}
}

// TestNarrowPathIsLearnt sends IPv6 probes that fit the first link and not the
// second: the router tells of it, and the kernel then cuts what is sent again.
func TestNarrowPathIsLearnt(t *testing.T) {
	for _, name := range []string{"raw", "ping", "port"} {
		t.Run(name, func(t *testing.T) {
			c := openIn(t, newNarrowPath(t), kinds[name])
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			p := probeOf(c.Connection, netip.MustParseAddr("fd08:2::2"), 1)
			p.Size, p.TTL = 1400, 9
			probes := []packet.Probe{p}
			r := exchangeIn(t, c, probes)
			if r.Kind != packet.Unreachable || r.Type != 2 || r.From != netip.MustParseAddr("fd08:1::2") {
				t.Fatalf("the first probe got %+v", r)
			}
			// A raw socket may be given the error just before the kernel learns from it.
			for end := c.Now().Monotonic + patience; r.Type == 2; {
				if r = exchangeIn(t, c, probes); c.Now().Monotonic > end {
					t.Fatalf("still %+v", r)
				}
			}
			if r.Kind != packet.EchoReply && r.Kind != packet.PortAnswered {
				t.Errorf("sent again: %+v", r)
			}
		})
	}
}

// TestNarrowLinkOfOurOwn sends echoes that our own link has no room for: they are
// cut, unless they must not be.
func TestNarrowLinkOfOurOwn(t *testing.T) {
	network := lab.ForTest(t)
	client, host := network.Node("client"), network.Node("host")
	network.Link(client, host).Addresses("10.8.1.1/24", "10.8.1.2/24").MTU(400)
	client.PingGroups(0, 1<<31-1)
	host.Unlimited()
	for _, name := range []string{"raw", "ping"} {
		c := openIn(t, client, kinds[name])
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		sequence := uint16(0)
		for _, whole := range []bool{false, true} {
			for _, size := range []int{372, 373, 0, 500, 512, 513, 400, 3000} {
				sequence++
				p := probeOf(c.Connection, netip.MustParseAddr("10.8.1.2"), sequence)
				p.Size, p.DontFragment = size, whole
				probes := []packet.Probe{p}
				if whole && size > 372 {
					if err := c.WriteBatch(probes); err != nil {
						t.Fatal(err)
					}
					if probes[0].Errno != unix.EMSGSIZE {
						t.Errorf("%s: %d bytes, not to be cut: %v", name, size, probes[0].Errno)
					}
				} else if r := exchangeIn(t, c, probes); r.Kind != packet.EchoReply || probes[0].Errno != 0 {
					t.Errorf("%s: %d bytes, %v: %+v", name, size, probes[0].Errno, r)
				}
			}
		}
	}
}

// TestNarrowLinkOfManyEchoes sends a batch that our own link has no room for, and
// another after the link has become narrower.
func TestNarrowLinkOfManyEchoes(t *testing.T) {
	network := lab.ForTest(t)
	client, host := network.Node("client"), network.Node("host")
	link := network.Link(client, host).Addresses("10.8.1.1/24", "10.8.1.2/24")
	host.Unlimited()
	c := openIn(t, client, kinds["raw"])
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	sequence := uint16(0)
	for _, room := range []int{500, 400} {
		link.MTU(room)
		var probes []packet.Probe
		for _, size := range []int{0, 490, 480, 512, 490, 300, 380, 390, 380, 490} {
			sequence++
			p := probeOf(c.Connection, netip.MustParseAddr("10.8.1.2"), sequence)
			p.Size = size
			probes = append(probes, p)
		}
		if err := c.WriteBatch(probes); err != nil {
			t.Fatal(err)
		}
		for i, p := range probes {
			if p.Errno != 0 {
				t.Errorf("MTU %d: number %d, of %d bytes: %v", room, i, p.Size, p.Errno)
			}
		}
		for _, r := range collect(t, c.Connection, len(probes)) {
			if r.Kind != packet.EchoReply {
				t.Errorf("MTU %d: %+v", room, r)
			}
		}
	}
}

// exchangeIn sends from the connection's node and returns the first reply.
func exchangeIn(t *testing.T, c inNode, probes []packet.Probe) packet.Reply {
	t.Helper()
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	return collect(t, c.Connection, 1)[0]
}

// newNarrowPath returns a client whose packets go through a router and a link
// of 1,300 bytes to 10.8.2.2 and fd08:2::2.
func newNarrowPath(t *testing.T) *lab.Node {
	t.Helper()
	network := lab.ForTest(t)
	client, router, host := network.Node("client"), network.Node("router"), network.Node("host")
	network.Link(client, router).Addresses("10.8.1.1/24", "10.8.1.2/24").Addresses("fd08:1::1/64", "fd08:1::2/64")
	narrow := network.Link(router, host).Addresses("10.8.2.1/24", "10.8.2.2/24").Addresses("fd08:2::1/64", "fd08:2::2/64")
	narrow.MTU(1300)
	router.Forward()
	client.PingGroups(0, 1<<31-1)
	host.Unlimited()
	client.Route("default4", "10.8.1.2")
	client.Route("default6", "fd08:1::2")
	host.Route("default4", "10.8.2.1")
	host.Route("default6", "fd08:2::1")
	return client
}

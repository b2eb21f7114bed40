package socket_test

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// The network of these tests: we 10.9.1.1 – router 10.9.1.2, 10.9.2.1 – target
// 10.9.2.2, and the same with fd09:1:: and fd09:2::. The router
// refuses to forward to 10.9.3.0/24 and fd09:3::/64.
var (
	router4, target4 = netip.MustParseAddr("10.9.1.2"), netip.MustParseAddr("10.9.2.2")
	router6, target6 = netip.MustParseAddr("fd09:1::2"), netip.MustParseAddr("fd09:2::2")
	refused4         = netip.MustParseAddr("10.9.3.1")
	refused6         = netip.MustParseAddr("fd09:3::1")
)

func buildRoute(t *testing.T) (router neighbour) {
	t.Helper()
	router, target := newNeighbour(t), newNeighbour(t)
	run(t, "ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", router.pid)
	router.run(t, "ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", target.pid)
	link := func(in func(testing.TB, ...string), device, four, six string) {
		in(t, "ip", "link", "set", device, "up")
		in(t, "ip", "addr", "add", four+"/24", "dev", device)
		in(t, "ip", "addr", "add", six+"/64", "dev", device, "nodad")
	}
	here := func(t testing.TB, arguments ...string) { run(t, arguments[0], arguments[1:]...) }
	link(here, "near", "10.9.1.1", "fd09:1::1")
	link(router.run, "far", "10.9.1.2", "fd09:1::2")
	link(router.run, "near", "10.9.2.1", "fd09:2::1")
	link(target.run, "far", "10.9.2.2", "fd09:2::2")
	run(t, "ip", "route", "add", "default", "via", "10.9.1.2")
	run(t, "ip", "route", "add", "default", "via", "fd09:1::2")
	target.run(t, "ip", "route", "add", "default", "via", "10.9.2.1")
	target.run(t, "ip", "route", "add", "default", "via", "fd09:2::1")
	router.set(t, "ipv4/ip_forward", "1")
	router.set(t, "ipv6/conf/all/forwarding", "1")
	router.run(t, "ip", "route", "add", "10.9.3.0/24", "via", "10.9.2.2")
	router.run(t, "ip", "route", "add", "fd09:3::/64", "via", "fd09:2::2")
	router.run(t, "nft", "add table inet t; add chain inet t f { type filter hook forward priority 0; }; "+
		"add rule inet t f ip daddr 10.9.3.0/24 reject with icmp type admin-prohibited; "+
		"add rule inet t f ip6 daddr fd09:3::/64 reject with icmpv6 type admin-prohibited")
	for _, n := range []neighbour{router, target} {
		n.set(t, "ipv4/icmp_ratelimit", "0")
		n.set(t, "ipv4/icmp_msgs_per_sec", "100000")
		n.set(t, "ipv4/icmp_msgs_burst", "100000")
		n.set(t, "ipv6/icmp/ratelimit", "0")
	}
	// Neighbour discovery must be over before the first probe is measured.
	run(t, "ping", "-q", "-c1", "-w5", target4.String())
	run(t, "ping", "-q", "-c1", "-w5", target6.String())
	return router
}

func TestTrace(t *testing.T) {
	if !inNamespace(t, "nsenter", "nft", "ping") {
		return
	}
	openPings(t)
	buildRoute(t)
	cases := []struct{ router, target, refused netip.Addr }{
		{router4, target4, refused4}, {router6, target6, refused6},
	}
	for name, kind := range kinds {
		protocols := []packet.Protocol{packet.Echo}
		if kind == socket.KindRaw {
			protocols = append(protocols, packet.UDP)
		}
		for _, protocol := range protocols {
			for _, at := range cases {
				title := name + " echo to " + at.target.String()
				if protocol == packet.UDP {
					title = name + " UDP to " + at.target.String()
				}
				t.Run(title, func(t *testing.T) {
					c := open(t, kind)
					probe := func(to netip.Addr, sequence uint16, ttl uint8) packet.Probe {
						p := probeOf(c, to, sequence)
						p.TTL, p.FixedFlow, p.Protocol = ttl, true, protocol
						if protocol == packet.UDP {
							p.Identity, p.Port = c.Capabilities().UDP[0], 33500
						}
						return p
					}
					probes := []packet.Probe{probe(at.target, 1, 1), probe(at.target, 2, 2), probe(at.refused, 3, 9)}
					replies := map[uint16]packet.Reply{}
					for _, r := range exchange(t, c, probes, 3) {
						replies[r.Sequence] = r
					}
					for i, want := range []struct {
						from, to netip.Addr
						kind     packet.ReplyKind
					}{
						{at.router, at.target, packet.TimeExceeded},
						{at.target, at.target, reached(kind, protocol)},
						{at.router, at.refused, packet.Unreachable},
					} {
						r, p := replies[uint16(i+1)], probes[i]
						if r.Kind != want.kind || r.From != want.from || r.Destination != want.to || r.Protocol != protocol ||
							r.Identity != p.Identity || r.HasToken && r.Token != p.Token || r.TTL == 0 || r.Stamp == 0 {
							t.Errorf("%+v answers %+v (errno %v)", r, p, p.Errno)
						}
					}
					if r := replies[3]; r.From.Is4() && (r.Type != 3 || r.Code != 13) || r.From.Is6() && (r.Type != 1 || r.Code != 1) {
						t.Errorf("prohibited is told as type %d, code %d", r.Type, r.Code)
					}
					nothingMore(t, c)
				})
			}
		}
	}
}

// reached is how a target answers a probe of a trace.
func reached(kind socket.Kind, protocol packet.Protocol) packet.ReplyKind {
	switch {
	case kind == socket.KindPort:
		return packet.PortAnswered
	case protocol == packet.UDP:
		return packet.Unreachable
	default:
		return packet.EchoReply
	}
}

func TestErrorsDoNotFailLaterSends(t *testing.T) {
	if !inNamespace(t, "nsenter", "nft", "ping") {
		return
	}
	openPings(t)
	buildRoute(t)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			c := open(t, kind)
			for i := range 200 {
				// Each batch finds the errors that the one before has caused.
				probes := []packet.Probe{probeOf(c, refused4, uint16(2*i)), probeOf(c, target4, uint16(2*i+1))}
				probes[0].TTL, probes[1].TTL = 9, 9
				replies := exchange(t, c, probes, 1)
				for _, p := range probes {
					if p.Errno != 0 {
						t.Fatalf("probe %d to %s: %v", p.Sequence, p.Destination, p.Errno)
					}
				}
				if len(replies) < 2 {
					collect(t, c, 2-len(replies))
				}
			}
		})
	}
}

func TestFullQueueIsSeen(t *testing.T) {
	if !inNamespace(t, "nsenter", "nft", "ping", "tc") {
		return
	}
	openPings(t)
	buildRoute(t)
	run(t, "tc", "qdisc", "add", "dev", "near", "root", "tbf", "rate", "100kbit", "burst", "2k", "limit", "3k")
	for name, kind := range kinds {
		for _, to := range []netip.Addr{target4, target6} {
			if hidesFailures(kind, to) {
				continue
			}
			t.Run(name+" "+to.String(), func(t *testing.T) {
				c := open(t, kind)
				probes := make([]packet.Probe, 200)
				for i := range probes {
					probes[i] = probeOf(c, to, uint16(i))
					probes[i].TTL = 9 // keeps TCP, which would make it good, away
				}
				if err := c.WriteBatch(probes); err != nil {
					t.Fatal(err)
				}
				failed := 0
				for i := range probes {
					if probes[i].Sent.Monotonic == 0 {
						t.Fatalf("probe %d has no time", i)
					}
					switch probes[i].Errno {
					case unix.ENOBUFS:
						failed++
					case 0:
					default:
						t.Errorf("probe %d: %v", i, probes[i].Errno)
					}
				}
				if failed == 0 {
					t.Fatal("no send failed")
				}
				collect(t, c, len(probes)-failed)
				nothingMore(t, c)
			})
		}
	}
}

// hidesFailures tells of IPv6 ping sockets, whose sends the kernel calls a
// success even when the packet was dropped on the way out (ping_v6_sendmsg
// ignores what icmpv6_push_pending_frames returns, as of Linux 6.18).
func hidesFailures(kind socket.Kind, to netip.Addr) bool {
	return kind == socket.KindPing && to.Is6()
}

func TestRefusedByFirewall(t *testing.T) {
	if !inNamespace(t, "nft") {
		return
	}
	openPings(t)
	run(t, "nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }; "+
		"add rule inet t o ip daddr 127.0.0.9 drop")
	for name, kind := range kinds {
		c := open(t, kind)
		dropped := probeOf(c, netip.MustParseAddr("127.0.0.9"), 1)
		probes := []packet.Probe{probeOf(c, localhost4, 0), dropped, probeOf(c, localhost4, 2)}
		for i := range probes {
			probes[i].TTL = 9
		}
		exchange(t, c, probes, 2)
		if probes[0].Errno != 0 || probes[1].Errno != unix.EPERM || probes[2].Errno != 0 {
			t.Errorf("%s: %v, %v, %v", name, probes[0].Errno, probes[1].Errno, probes[2].Errno)
		}
	}
}

func TestWithoutIPv6(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	setting(t, "ipv6/conf/all/disable_ipv6", "1")
	for name, kind := range kinds {
		c := open(t, kind)
		probes := []packet.Probe{probeOf(c, localhost6, 0), probeOf(c, localhost4, 1)}
		exchange(t, c, probes, 1)
		if probes[0].Errno == 0 || probes[1].Errno != 0 {
			t.Errorf("%s: IPv6 gives %v, IPv4 %v", name, probes[0].Errno, probes[1].Errno)
		}
	}
}

func TestNoRoute(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := open(t, socket.KindRaw)
	udp := packet.Probe{Protocol: packet.UDP, Destination: target4, Identity: c.Capabilities().UDP[0], Sequence: 1, Port: 33434}
	mixed := probeOf(c, target4, 2)
	mixed.Source = localhost6
	foreign := probeOf(c, localhost4, 3)
	foreign.Source = netip.MustParseAddr("192.0.2.1")
	nowhere := probeOf(c, netip.Addr{}, 4)
	zone := probeOf(c, netip.MustParseAddr("fe80::1%nosuch"), 5)
	probes := []packet.Probe{probeOf(c, target4, 0), udp, mixed, foreign, nowhere, zone}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	for i, p := range probes {
		if p.Errno == 0 || p.Sent.Monotonic == 0 {
			t.Errorf("probe %d: errno %v, sent %v", i, p.Errno, p.Sent)
		}
	}
	if probes[0].Errno != unix.ENETUNREACH || probes[1].Errno != unix.ENETUNREACH || probes[5].Errno != unix.ENODEV {
		t.Errorf("%v, %v, %v", probes[0].Errno, probes[1].Errno, probes[5].Errno)
	}
}

func TestSourceAddress(t *testing.T) {
	if !inNamespace(t, "nft") {
		return
	}
	openPings(t)
	run(t, "ip", "addr", "add", "fd09::5/128", "dev", "lo", "nodad")
	// The firewall shows which source a probe bears: it refuses just that one.
	run(t, "nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }; "+
		"add rule inet t o ip saddr 127.0.0.77 drop; add rule inet t o ip6 saddr fd09::5 drop")
	for name, kind := range kinds {
		c := open(t, kind)
		for to, from := range map[netip.Addr]string{localhost4: "127.0.0.77", localhost6: "fd09::5"} {
			p := probeOf(c, to, 1)
			p.Source, p.TTL = netip.MustParseAddr(from), 9
			probes := []packet.Probe{p}
			if err := c.WriteBatch(probes); err != nil {
				t.Fatal(err)
			}
			want := unix.EPERM
			if kind == socket.KindPing && to.Is6() {
				want = unix.EOPNOTSUPP
			}
			if probes[0].Errno != want {
				t.Errorf("%s: sent from elsewhere than %s: %v", name, from, probes[0].Errno)
			}
		}
	}
}

func TestForeignEchoesStayOut(t *testing.T) {
	if !inNamespace(t, "ping") {
		return
	}
	openPings(t)
	for name, kind := range kinds {
		c := open(t, kind)
		run(t, "ping", "-q", "-c20", "-i0.002", "127.0.0.1")
		run(t, "ping", "-q", "-c20", "-i0.002", "::1")
		var replies [8]packet.Reply
		if n, _, err := c.ReadBatch(replies[:], 0); n != 0 || err != nil {
			t.Errorf("%s: read %+v, %v", name, replies[:n], err)
		}
	}
}

func TestLinkLocal(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	run(t, "ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
	run(t, "ip", "link", "set", "near", "up")
	run(t, "ip", "link", "set", "far", "up")
	run(t, "ip", "addr", "add", "fe80::77/64", "dev", "near", "nodad")
	to := netip.MustParseAddr("fe80::77%near")
	for name, kind := range kinds {
		c := open(t, kind)
		p := probeOf(c, to, 1)
		p.TTL = 9
		r := exchange(t, c, []packet.Probe{p}, 1)[0]
		if r.From != to || r.Destination != to {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestOverrunsAreCounted(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := open(t, socket.KindRaw)
	var probes [256]packet.Probe
	deadline := time.Now().Add(patience)
	for c.Overruns() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("a receive buffer that nobody reads never overran")
		}
		for i := range probes {
			probes[i] = probeOf(c, localhost4, uint16(i))
			probes[i].Size = 8000
		}
		if err := c.WriteBatch(probes[:]); err != nil {
			t.Fatal(err)
		}
	}
}

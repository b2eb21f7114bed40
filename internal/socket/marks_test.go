package socket_test

import (
	"fmt"
	"net/netip"
	"testing"

	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// sort is one sort of packets of a method, and what the firewall calls them.
type sort struct {
	protocol packet.Protocol
	match    string
}

// sorts are the packets that a method sends to an address.
func sorts(kind socket.Kind, six bool) []sort {
	echoes := sort{packet.Echo, "icmp type echo-request"}
	if six {
		echoes.match = "icmpv6 type echo-request"
	}
	segments := sort{packet.TCP, "tcp dport 33440 tcp flags syn"}
	switch kind {
	case socket.KindPort:
		return []sort{{packet.Echo, "udp dport 33434"}, segments}
	case socket.KindPing:
		return []sort{echoes, segments}
	default:
		return []sort{echoes, segments, {packet.UDP, "udp dport 33440"}}
	}
}

// probeFor is a probe of a sort, with a TTL that keeps TCP attempts away from
// datagrams.
func (s sort) probe(c inNode, to netip.Addr, sequence uint16) packet.Probe {
	p := probeOf(c.Connection, to, sequence)
	p.Protocol, p.TTL = s.protocol, 9
	switch s.protocol {
	case packet.UDP:
		p.Identity, p.Port = c.Capabilities().UDP[0], 33440
	case packet.TCP:
		p.Identity, p.Port, p.Token = c.Capabilities().TCP()[0], 33440, 7
	case packet.Echo:
	}
	return p
}

// openForTest opens a connection in a node that ends with the test.
func openForTest(t *testing.T, node *lab.Node, kind socket.Kind) inNode {
	t.Helper()
	c := openIn(t, node, kind)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	forgetOpening(t, c)
	return c
}

// TestMarksOnTheWire counts what arrives at the host with each mark. It needs
// root and namespaces.
func TestMarksOnTheWire(t *testing.T) {
	requireTools(t, "nft")
	for name, kind := range kinds {
		for _, six := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, IPv6 %v", name, six), func(t *testing.T) {
				n := newContractNetwork(t)
				c := openForTest(t, n.client, kind)
				for _, s := range sorts(kind, six) {
					n.countMarks(t, c, s, six)
				}
			})
		}
	}
}

// countMarks sends packets of a sort with and without marks by turns.
func (n contractNetwork) countMarks(t *testing.T, c inNode, s sort, six bool) {
	t.Helper()
	header := "ip"
	if six {
		header = "ip6"
	}
	counters := map[string]*lab.Filter{}
	for _, mark := range []string{"dscp 0", "dscp 46", "dscp 63"} {
		counters[mark] = n.host.Filter(lab.HookInput, s.match+" "+header+" "+mark, "accept")
	}
	want := map[string]uint64{"dscp 0": 3, "dscp 46": 2, "dscp 63": 1}
	if !six {
		counters["whole"] = n.host.Filter(lab.HookInput, s.match+" ip frag-off & 0x4000 == 0x4000", "accept")
		want["whole"] = 3
		if s.protocol == packet.TCP && c.Capabilities().TCPFlows == false {
			want["whole"] = 6 // the kernel's own SYNs are never cut
		}
	}
	probes := make([]packet.Probe, 6)
	for i := range probes {
		probes[i] = s.probe(c, far(six), uint16(i+1))
		probes[i].DSCP = [...]uint8{0, 46, 0, 63, 0, 46}[i]
		probes[i].DontFragment = i%2 == 0
	}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	for _, p := range probes {
		if p.Errno != 0 {
			t.Errorf("%s: %v", s.match, p.Errno)
		}
	}
	collect(t, c.Connection, len(probes))
	for mark, filter := range counters {
		if got, err := filter.Count(); err != nil || got != want[mark] {
			t.Errorf("%s: %d packets with %s (%v), want %d", s.match, got, mark, err, want[mark])
		}
		filter.Remove()
	}
}

// TestWholeOnANarrowPath sends probes that may not be cut over a path that has
// no room for them: each is told so by the router, also when the kernel has
// learnt it, and others go through in between.
func TestWholeOnANarrowPath(t *testing.T) {
	for name, kind := range kinds {
		for _, to := range []string{"10.8.2.2", "fd08:2::2"} {
			t.Run(name+" to "+to, func(t *testing.T) {
				c := openForTest(t, newNarrowPath(t), kind)
				for sequence := range uint16(6) {
					p := probeOf(c.Connection, netip.MustParseAddr(to), sequence)
					p.Size, p.TTL, p.DontFragment = 1400, 9, sequence != 3
					if sequence == 4 {
						p.Size = 1200
					}
					r := exchangeIn(t, c, []packet.Probe{p})
					tooBig := r.Kind == packet.Unreachable && (r.Type == 3 && r.Code == 4 || p.Destination.Is6() && r.Type == 2 && r.Code == 0)
					if tooBig != (p.DontFragment && p.Size == 1400) || r.Sequence != sequence {
						t.Errorf("echo %d of %d bytes, whole %v: %+v", sequence, p.Size, p.DontFragment, r)
					}
				}
			})
		}
	}
}

// TestFixedFlowsOnTheWire looks for the checksums of two flows of echoes.
func TestFixedFlowsOnTheWire(t *testing.T) {
	requireTools(t, "nft")
	n := newContractNetwork(t)
	c := openForTest(t, n.client, socket.KindRaw)
	var probes []packet.Probe
	for i := range uint16(9) {
		p := probeOf(c.Connection, far(false), i)
		p.Identity, p.Size, p.FixedFlow, p.Flow = c.Capabilities().ICMP[0], packet.FlowSize, true, uint8(i%3)
		probes = append(probes, p)
	}
	var counters []*lab.Filter
	for flow := range uint16(3) {
		match := fmt.Sprintf("icmp type echo-request @th,16,16 %#x", packet.FlowChecksum+flow)
		counters = append(counters, n.host.Filter(lab.HookInput, match, "accept"))
	}
	exchange(t, c.Connection, probes, len(probes))
	for flow, counter := range counters {
		if got, err := counter.Count(); err != nil || got != 3 {
			t.Errorf("flow %d: %d packets with its checksum (%v), want 3", flow, got, err)
		}
	}
}

// TestTracesOfALink sends all sorts of packets to a neighbour's address that
// means something on one link only.
func TestTracesOfALink(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			network := lab.ForTest(t)
			client, host := network.Node("client"), network.Node("host")
			network.Link(client, host).Addresses("fe80::a/64", "fe80::b/64")
			client.PingGroups(0, 1<<31-1)
			host.Unlimited()
			c := openForTest(t, client, kind)
			to := netip.MustParseAddr("fe80::b%host")
			for _, s := range sorts(kind, true) {
				for sequence := range uint16(3) {
					p := s.probe(c, to, sequence+1)
					p.TTL = uint8(sequence) // 0, and what a trace sends
					if p.TTL == 0 && kind == socket.KindPort {
						p.TTL = 1 // one answer, not two
					}
					probes := []packet.Probe{p}
					r := exchangeIn(t, c, probes)
					if r.From != to || r.Destination != to || r.Protocol != p.Protocol || r.Identity != p.Identity || r.Sequence != p.Sequence {
						t.Errorf("%s: %+v (errno %v)", s.match, r, probes[0].Errno)
					}
				}
			}
		})
	}
}

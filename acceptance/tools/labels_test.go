package tools_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"netsonde"
	"netsonde/acceptance/built"
	"netsonde/internal/lab"
	"netsonde/internal/packet"
)

// labelledNetwork answers as a network of label switching routers does: the
// first tells where its extensions begin, the second is from before that could
// be told, the third tells no label, and the fourth hop is the target.
type labelledNetwork struct{ first, second netsonde.LabelStack }

func (n labelledNetwork) answer(b []byte) []byte {
	if b[0]>>4 == 4 {
		header, payload, err := packet.ParseIPv4(b)
		if err != nil {
			return nil
		}
		from, message := n.message(b, header.Destination, header.Source, header.TTL, header.Protocol, payload)
		if message == nil {
			return nil
		}
		return append(packet.AppendIPv4Header(nil, packet.IPv4{
			Source: from, Destination: header.Source, Protocol: packet.ProtocolNumberICMP, TTL: 60,
		}, len(message)), message...)
	}
	header, payload, err := packet.ParseIPv6(b)
	if err != nil {
		return nil
	}
	from, message := n.message(b, header.Destination, header.Source, header.HopLimit, header.NextHeader, payload)
	if message == nil {
		return nil
	}
	return append(packet.AppendIPv6Header(nil, packet.IPv6{
		Source: from, Destination: header.Source, NextHeader: packet.ProtocolNumberICMPv6, HopLimit: 60,
	}, len(message)), message...)
}

func (n labelledNetwork) message(datagram []byte, target, client netip.Addr, ttl, protocol uint8, payload []byte) (netip.Addr, []byte) {
	unreachable, code, request := uint8(3), uint8(3), uint8(8)
	if target.Is6() {
		unreachable, code, request = 1, 4, 128
	}
	echo := protocol != packet.ProtocolNumberUDP
	if echo && (protocol != packet.ProtocolNumberICMP && protocol != packet.ProtocolNumberICMPv6 || payload[0] != request) {
		return target, nil // neighbour discovery and the like
	}
	switch from := hopAddress(target, ttl); {
	case ttl == 1:
		return from, packet.AppendLabelled(nil, from, client, datagram, n.first, true)
	case ttl == 2:
		return from, packet.AppendLabelled(nil, from, client, datagram, n.second, false)
	case ttl == 3:
		return from, packet.AppendTimeExceeded(nil, from, client, datagram)
	case echo:
		return target, packet.AppendEchoReply(nil, target, client, payload)
	default:
		return target, packet.AppendUnreachable(nil, target, client, unreachable, code, datagram)
	}
}

// hopAddress is that of a router in the target's network.
func hopAddress(target netip.Addr, ttl uint8) netip.Addr {
	b := target.AsSlice()
	b[len(b)-1] = 100 + ttl
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// TestLabels traces through routers that tell MPLS labels. It needs root,
// namespaces and /dev/net/tun.
func TestLabels(t *testing.T) {
	if err := lab.CanWire(); err != nil {
		lab.Skip(t, err.Error())
	}
	network := labelledNetwork{}
	network.first = network.first.Push(netsonde.Label{Value: 24001, TrafficClass: 5, TTL: 1})
	network.first = network.first.Push(netsonde.Label{Value: 16, Bottom: true, TTL: 254})
	network.second = network.second.Push(netsonde.Label{Value: 1<<20 - 1, Bottom: true, TTL: 1})
	client := lab.ForTest(t).Node("client")
	client.PingGroups(0, 1<<31-1)
	client.Imitate(network.answer, "10.60.0.1/16", "fd60::1/64")
	binary := built.Program(t)
	const labels = "[map[label:24001 tc:5 ttl:1] map[label:16 tc:0 ttl:254]] [map[label:1.048575e+06 tc:0 ttl:1]] <nil> <nil>"
	for _, test := range []struct {
		protocol, target string
		unprivileged     bool
		want             string
	}{
		{"--icmp", "10.60.9.9", false, labels},
		{"--udp", "10.60.9.9", false, labels},
		{"--icmp", "fd60::9", false, labels},
		{"--udp", "fd60::9", false, labels},
		// Ping sockets do not tell, but the hops must be right.
		{"--icmp", "10.60.9.9", true, "<nil> <nil> <nil> <nil>"},
		{"--icmp", "fd60::9", true, "<nil> <nil> <nil> <nil>"},
	} {
		name := fmt.Sprintf("%s %s, unprivileged %v", test.protocol, test.target, test.unprivileged)
		w := &world{binary: binary}
		c := w.prepare(t, "trace", "--json", "--hop-wait=1s", test.protocol, test.target)
		if test.unprivileged {
			c.unprivileged()
		}
		var stdout bytes.Buffer
		c.Stdout = &stdout
		if err := client.Start(c.Cmd); err != nil {
			t.Fatal(err)
		}
		code := c.end(t)
		list := objects(t, stdout.String(), "trace")
		if code != 0 || len(list) != 1 {
			t.Errorf("%s: exit code %d, %s; it said %s", name, code, &stdout, &c.stderr)
			continue
		}
		target := netip.MustParseAddr(test.target)
		want := []string{hopAddress(target, 1).String(), hopAddress(target, 2).String(), hopAddress(target, 3).String(), test.target}
		if got := hopsOf(list[0]["hops"]); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the hops are %q, want %q", name, got, want)
			continue
		}
		var got []any
		for _, hop := range list[0]["hops"].([]any) {
			got = append(got, hop.(map[string]any)["mpls"])
		}
		if text := fmt.Sprint(got...); text != test.want {
			t.Errorf("%s: the labels are %s, want %s", name, text, test.want)
		}
	}
}

package socket

import (
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"

	"netsonde/internal/packet"
)

const (
	testBlock = 0x1230
	testPort  = 40001
)

var testPorts = []uint16{40000, testPort, 40002}

func echo(to, from netip.Addr, identity uint16) []byte {
	return packet.AppendEcho(nil, &packet.Probe{Destination: to, Source: from, Identity: identity, Sequence: 7, Size: 16})
}

func datagramFrom(to, from netip.Addr, port uint16) []byte {
	return packet.AppendUDP(nil, &packet.Probe{Destination: to, Source: from, Identity: port, Sequence: 9, Port: 33434})
}

func in4(from, to netip.Addr, protocol uint8, payload []byte) []byte {
	header := packet.IPv4{Source: from, Destination: to, Protocol: protocol, TTL: 64}
	return append(packet.AppendIPv4Header(nil, header, len(payload)), payload...)
}

func in6(from, to netip.Addr, next uint8, payload []byte) []byte {
	header := packet.IPv6{Source: from, Destination: to, NextHeader: next, HopLimit: 64}
	return append(packet.AppendIPv6Header(nil, header, len(payload)), payload...)
}

// withOptions lengthens an IPv4 header by n words of padding.
func withOptions(datagram []byte, n int) []byte {
	long := append([]byte{}, datagram[:20]...)
	long[0] += byte(n)
	long = append(long, make([]byte, 4*n)...)
	return append(long, datagram[20:]...)
}

func keeps(t *testing.T, program []bpf.Instruction, data []byte) bool {
	t.Helper()
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func TestFilter4(t *testing.T) {
	us, router, target := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.9.9")
	reply := func(id uint16) []byte {
		return in4(target, us, protocolICMP4, packet.AppendEchoReply(nil, target, us, echo(target, us, id)))
	}
	quote := func(original []byte) []byte {
		return in4(router, us, protocolICMP4, packet.AppendTimeExceeded(nil, router, us, original))
	}
	unreachable := func(kind uint8, original []byte) []byte {
		return in4(router, us, protocolICMP4, packet.AppendUnreachable(nil, router, us, kind, 1, original))
	}
	ourEcho := in4(us, target, protocolICMP4, echo(target, us, testBlock))
	ourDatagram := in4(us, target, protocolUDP, datagramFrom(target, us, testPort))
	cases := []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"first identity", reply(testBlock), true},
		{"last identity", reply(testBlock + blockSize - 1), true},
		{"identity below", reply(testBlock - 1), false},
		{"identity above", reply(testBlock + blockSize), false},
		{"reply behind options", withOptions(reply(testBlock), 10), true},
		{"own request", ourEcho, false},
		{"reply cut before the identity", reply(testBlock)[:24], false},
		{"quoted echo", quote(ourEcho), true},
		{"quoted echo of another", quote(in4(us, target, protocolICMP4, echo(target, us, testBlock-1))), false},
		{"quoted echo with options", quote(withOptions(ourEcho, 3)), true},
		{"all with options", withOptions(quote(withOptions(ourEcho, 3)), 2), true},
		{"quoted datagram", quote(ourDatagram), true},
		{"quoted datagram, first port", quote(in4(us, target, protocolUDP, datagramFrom(target, us, testPorts[0]))), true},
		{"quoted datagram, last port", quote(in4(us, target, protocolUDP, datagramFrom(target, us, testPorts[2]))), true},
		{"quoted datagram of another", quote(in4(us, target, protocolUDP, datagramFrom(target, us, testPort+9))), false},
		{"quoted SYN", quote(in4(us, target, protocolTCP, datagramFrom(target, us, testPort))), true},
		{"quoted SYN of another", quote(in4(us, target, protocolTCP, datagramFrom(target, us, testPort+9))), false},
		{"quoted SCTP with our port", quote(in4(us, target, 132, datagramFrom(target, us, testPort))), false},
		{"unreachable", unreachable(icmp4Unreachable, ourDatagram), true},
		{"source quench", unreachable(4, ourDatagram), false},
		{"parameter problem", unreachable(icmp4Parameter, ourEcho), true},
		{"redirect", unreachable(5, ourEcho), false},
		{"error without a quote", quote(nil), false},
		{"empty", nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := keeps(t, filter4(testBlock, testPorts), c.packet); got != c.want {
				t.Errorf("kept = %v, want %v", got, c.want)
			}
		})
	}
}

func TestFilter6(t *testing.T) {
	us, router, target := netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2"), netip.MustParseAddr("fd00::9")
	reply := func(id uint16) []byte { return packet.AppendEchoReply(nil, target, us, echo(target, us, id)) }
	quote := func(original []byte) []byte { return packet.AppendTimeExceeded(nil, router, us, original) }
	unreachable := func(kind uint8, original []byte) []byte {
		return packet.AppendUnreachable(nil, router, us, kind, 0, original)
	}
	ourEcho := in6(us, target, protocolICMP6, echo(target, us, testBlock+3))
	ourDatagram := in6(us, target, protocolUDP, datagramFrom(target, us, testPort))
	cases := []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"first identity", reply(testBlock), true},
		{"last identity", reply(testBlock + blockSize - 1), true},
		{"identity below", reply(testBlock - 1), false},
		{"identity above", reply(testBlock + blockSize), false},
		{"own request", echo(target, us, testBlock), false},
		{"quoted echo", quote(ourEcho), true},
		{"quoted echo of another", quote(in6(us, target, protocolICMP6, echo(target, us, testBlock-1))), false},
		{"quoted datagram", quote(ourDatagram), true},
		{"quoted datagram, last port", quote(in6(us, target, protocolUDP, datagramFrom(target, us, testPorts[2]))), true},
		{"quoted datagram of another", quote(in6(us, target, protocolUDP, datagramFrom(target, us, testPort+9))), false},
		{"quoted fragment", quote(in6(us, target, headerFragment, make([]byte, 16))), true},
		{"quoted hop-by-hop", quote(in6(us, target, headerHopByHop, make([]byte, 16))), true},
		{"quoted routing", quote(in6(us, target, headerRouting, make([]byte, 16))), true},
		{"quoted destination options", quote(in6(us, target, headerDestination, make([]byte, 16))), true},
		{"quoted SYN", quote(in6(us, target, protocolTCP, datagramFrom(target, us, testPort))), true},
		{"quoted SYN of another", quote(in6(us, target, protocolTCP, datagramFrom(target, us, testPort+9))), false},
		{"quoted SCTP", quote(in6(us, target, 132, datagramFrom(target, us, testPort))), false},
		{"unreachable", unreachable(icmp6Unreachable, ourDatagram), true},
		{"too big", unreachable(icmp6TooBig, ourEcho), true},
		{"parameter problem", unreachable(icmp6Parameter, ourEcho), true},
		{"neighbour solicitation", unreachable(135, ourEcho), false},
		{"error without a quote", quote(nil), false},
		{"empty", nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := keeps(t, filter6(testBlock, testPorts), c.packet); got != c.want {
				t.Errorf("kept = %v, want %v", got, c.want)
			}
		})
	}
}

func TestFilterTCP(t *testing.T) {
	us, target := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.9.9")
	answer := func(port uint16, accepts bool) []byte {
		request := packet.AppendTCP(nil, &packet.Probe{Source: us, Destination: target, Identity: port, Port: 80})
		return packet.AppendTCPAnswer(nil, target, us, request, accepts)
	}
	flags := func(value byte) []byte {
		b := answer(testPort, true)
		b[flagsOffset] = value
		return b
	}
	for _, c := range []struct {
		name    string
		segment []byte
		want    bool
	}{
		{"acceptance", answer(testPort, true), true},
		{"refusal", answer(testPort, false), true},
		{"first port", answer(testPorts[0], true), true},
		{"last port", answer(testPorts[2], true), true},
		{"port of another", answer(testPort+9, true), false},
		{"congestion echoed", flags(0x52), true},
		{"own SYN", flags(flagSYN), false},
		{"RST without ACK", flags(flagRST), false},
		{"ACK", flags(flagACK), false},
		{"SYN, RST and ACK", flags(flagSYN | flagRST | flagACK), false},
		{"cut before the flags", answer(testPort, true)[:13], false},
		{"empty", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := keeps(t, filterTCP(true, testPorts), c.segment); got != c.want {
				t.Errorf("IPv6: kept = %v, want %v", got, c.want)
			}
			for options := range 3 {
				datagram := withOptions(in4(target, us, protocolTCP, c.segment), options)
				if got := keeps(t, filterTCP(false, testPorts), datagram); got != c.want {
					t.Errorf("IPv4, %d words of options: kept = %v, want %v", options, got, c.want)
				}
			}
		})
	}
}

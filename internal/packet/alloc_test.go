//go:build !race

// The race detector allocates for what it watches.

package packet

import "testing"

func TestNothingIsAllocated(t *testing.T) {
	buf := make([]byte, 0, 2048)
	probe4 := Probe{Source: host4, Destination: target4, Identity: 1, Sequence: 2, Size: 1000, FixedFlow: true}
	probe6 := Probe{Source: host6, Destination: target6, Identity: 1, Sequence: 2, Size: 1000, FixedFlow: true}
	datagram4, message6 := captures4[2].datagram(t), captures6[2].message(t)
	request := AppendEcho(nil, &probe4)
	answer := AppendTCPAnswer(nil, target4, host4, request, true)
	for name, f := range map[string]func(){
		"AppendEcho":         func() { AppendEcho(buf, &probe4) },
		"AppendEcho, IPv6":   func() { AppendEcho(buf, &probe6) },
		"AppendUDP":          func() { AppendUDP(buf, &probe4) },
		"AppendUDP, IPv6":    func() { AppendUDP(buf, &probe6) },
		"AppendTCP":          func() { AppendTCP(buf, &probe4) },
		"AppendTCP, IPv6":    func() { AppendTCP(buf, &probe6) },
		"AppendEchoReply":    func() { AppendEchoReply(buf, target4, host4, request) },
		"AppendTimeExceeded": func() { AppendTimeExceeded(buf, router4, host4, request) },
		"AppendIPv4Header":   func() { AppendIPv4Header(buf, IPv4{Source: host4, Destination: target4, Protocol: 1, TTL: 64}, 8) },
		"AppendIPv6Header":   func() { AppendIPv6Header(buf, IPv6{host6, target6, 58, 64}, 8) },
		"ParseICMP4": func() {
			header, payload, err := ParseIPv4(datagram4)
			if err == nil {
				_, err = ParseICMP4(payload, header.Source)
			}
			if err != nil {
				t.Error(err)
			}
		},
		"ParseICMP6": func() {
			if _, err := ParseICMP6(message6, router6); err != nil {
				t.Error(err)
			}
		},
		"ParseTCP": func() {
			if _, err := ParseTCP(answer, target4); err != nil {
				t.Error(err)
			}
		},
		"rubbish": func() {
			if _, err := ParseICMP6(message6[:50], router6); err == nil {
				t.Error("a truncated message was taken")
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

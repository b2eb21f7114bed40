package doctor

import (
	"net/netip"
	"slices"
	"testing"
)

func TestStops(t *testing.T) {
	for rule, want := range map[string]Protocols{
		"udp dport 33434-33689 drop":                                 0 | ProtocolUDP,
		"meta l4proto { icmp, ipv6-icmp } counter reject":            ProtocolICMP,
		"meta l4proto != tcp drop":                                   ProtocolAny,
		"ip daddr 192.0.2.1 drop":                                    ProtocolAny,
		"jump elsewhere":                                             ProtocolAny,
		"tcp dport vmap { 22 : drop }":                               ProtocolTCP,
		"th dport 53 drop":                                           ProtocolAny,
		"udp dport 53 accept":                                        0,
		"ct state established,related accept":                        0,
		`icmp type echo-request accept comment "or drop"`:            0,
		`ip daddr 192.0.2.1 drop comment "only udp; not tcp"`:        ProtocolAny,
		"icmpv6 type { echo-request, nd-neighbor-solicit } drop":     ProtocolICMP,
		"meta l4proto { tcp, udp } th dport @blocked counter reject": ProtocolAny,
	} {
		if got := stops(rule); got != want {
			t.Errorf("%q stops %b, want %b", rule, got, want)
		}
	}
}

// What "nft --terse list ruleset" has printed of a firewall with all of it.
func TestParseRules(t *testing.T) {
	got := parseChains(`table ip q2 {
	chain o {
		type filter hook output priority filter; policy accept;
		udp dport 33434-33689 drop
	}
}
table inet q3 {
	set s {
		type inet_service
	}

	chain h {
		counter packets 0 bytes 0 drop
	}

	chain o {
		type filter hook output priority filter; policy accept;
		meta l4proto { icmp, ipv6-icmp } accept
		jump h
	}

	chain i {
		type filter hook input priority filter; policy accept;
		icmp type echo-reply drop
		ct state established,related accept
		udp dport @s reject
	}

	chain f {
		type filter hook forward priority filter; policy drop;
	}
}
`)
	want := []Chain{
		{"ip", "q2", "o", DirectionOut, ProtocolUDP}, {"inet", "q3", "o", DirectionOut, ProtocolAny},
		{"inet", "q3", "i", DirectionIn, ProtocolICMP | ProtocolUDP},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestParseArrival(t *testing.T) {
	four := func(protocol byte, payload ...byte) []byte {
		return append([]byte{0x45, 8: 64, 9: protocol, 12: 192, 13: 0, 14: 2, 15: 1, 19: 0}, payload...)
	}
	six := func(protocol byte, payload ...byte) []byte {
		return append([]byte{0x60, 6: protocol, 8: 0x20, 9: 1, 23: 1, 39: 0}, payload...)
	}
	from4, from6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001::1")
	for name, test := range map[string]struct {
		packet []byte
		want   arrival
	}{
		"echo reply":              {four(1, 0, 0, 0, 0), arrival{from4, answerEcho}},
		"echo request":            {four(1, 8, 0, 0, 0), arrival{}},
		"unreachable":             {four(1, 3, 3, 0, 0), arrival{from4, answerUnreachable}},
		"from a name server":      {four(17, 0, 53, 1, 2), arrival{from4, answerName}},
		"from another port":       {four(17, 1, 53, 1, 2), arrival{}},
		"echo reply of IPv6":      {six(58, 129, 0, 0, 0), arrival{from6, answerEcho}},
		"unreachable of IPv6":     {six(58, 1, 4, 0, 0), arrival{from6, answerUnreachable}},
		"ICMP of the other kind":  {four(58, 129, 0, 0, 0), arrival{}},
		"cut short":               {four(1, 0, 0, 0), arrival{}},
		"options that do not fit": {append([]byte{0x4f}, four(1, 0, 0, 0, 0)[1:]...), arrival{}},
		"nothing":                 {nil, arrival{}},
	} {
		got, ok := parseArrival(test.packet)
		if ok != (test.want.kind != 0) || ok && got != test.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

func FuzzParseArrival(f *testing.F) {
	f.Add([]byte{0x4f, 40: 1})
	f.Add([]byte{0x60, 6: 58, 45: 1})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if seen, ok := parseArrival(packet); ok && !seen.from.IsValid() {
			t.Errorf("%x came from nobody", packet)
		}
	})
}

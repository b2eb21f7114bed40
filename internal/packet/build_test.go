package packet

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

func TestAppendGoldenBytes(t *testing.T) {
	const token = 0x0123456789abcdef
	for _, c := range []struct {
		name    string
		appends func([]byte, *Probe) []byte
		probe   Probe
		want    string
	}{
		// What ping of iputils sent with -s 8.
		{"echo of ping", AppendEcho,
			Probe{Destination: target4, Identity: 0x5baf, Sequence: 1, Size: 8, Token: 0x0001020304050607},
			"0800903f5baf00010001020304050607"},
		{"ICMPv6 echo of ping", AppendEcho,
			Probe{Source: host6, Destination: target6, Identity: 0x5bb0, Sequence: 1, Size: 8, Token: 0x0001020304050607},
			"8000bc7c5bb000010001020304050607"},
		{"echo of ping without payload", AppendEcho,
			Probe{Destination: target4, Identity: 0x3979, Sequence: 1, Token: token},
			"0800be8539790001"},
		{"payload too short for a token", AppendEcho,
			Probe{Destination: target4, Identity: 0x3979, Sequence: 1, Size: 7, Token: token},
			"0800be853979000100000000000000"},
		{"ICMPv6 echo without source", AppendEcho,
			Probe{Destination: target6, Identity: 0x5bb0, Sequence: 1, Size: 9, Token: 0x0001020304050607},
			"800000005bb00001000102030405060700"},

		// The balancing words were found by trying all 65,536.
		{"echo with a fixed flow", AppendEcho,
			Probe{Destination: target4, Identity: 0x1234, Sequence: 7, Size: 12, Token: token, FixedFlow: true},
			"0800beef123400070123456789abcdef88af0000"},
		{"echo with a fixed flow, size raised", AppendEcho,
			Probe{Destination: target4, Identity: 0x1234, Sequence: 7, Size: 11, Token: token, FixedFlow: true},
			"0800beef123400070123456789abcdef88af0000"},
		{"ICMPv6 echo with a fixed flow", AppendEcho,
			Probe{Source: host6, Destination: target6, Identity: 0x1234, Sequence: 7, Size: 12, Token: token, FixedFlow: true},
			"8000beef123400070123456789abcdefb4e90000"},
		{"ICMPv6 echo with a fixed flow without source", AppendEcho,
			Probe{Destination: target6, Identity: 0x1234, Sequence: 7, Size: 12, Token: token, FixedFlow: true},
			"80000000123400070123456789abcdef10af0000"},
		{"echo with another fixed flow", AppendEcho,
			Probe{Destination: target4, Identity: 0x1234, Sequence: 7, Size: 12, Token: token, FixedFlow: true, Flow: 1},
			"0800bef0123400070123456789abcdef88ae0000"},
		{"TCP", AppendTCP,
			Probe{Source: host4, Destination: target4, Identity: 0x8765, Sequence: 0x4321, Port: 443, Token: token},
			"876501bb4321cdef000000006002ffff11bf0000020405b4"},
		{"TCP over IPv6", AppendTCP,
			Probe{Source: host6, Destination: target6, Identity: 0x8765, Sequence: 0x4321, Port: 443, Token: token},
			"876501bb4321cdef000000006002ffffa2920000020405a0"},
		{"UDP", AppendUDP,
			Probe{Source: host4, Destination: target4, Identity: 0x8765, Sequence: 0x4321, Port: 33434, Size: 13, Token: token},
			"8765829a001543210123456789abcdef2847000000"},
		{"UDP over IPv6, size raised", AppendUDP,
			Probe{Source: host6, Destination: target6, Identity: 0x8765, Sequence: 0x4321, Port: 33434, Size: 0, Token: token},
			"8765829a001443210123456789abcdefb9080000"},
	} {
		if got := hex.EncodeToString(c.appends(nil, &c.probe)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestAppendKeepsWhatIsThere also shows that a buffer's old bytes do not shine through.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	echo := Probe{Source: host6, Destination: target6, Identity: 1, Sequence: 2, Size: 30, Token: 3, FixedFlow: true}
	for _, c := range []struct {
		name    string
		appends func([]byte) []byte
	}{
		{"AppendEcho", func(b []byte) []byte { return AppendEcho(b, &echo) }},
		{"AppendUDP", func(b []byte) []byte { return AppendUDP(b, &echo) }},
		{"AppendTCP", func(b []byte) []byte { return AppendTCP(b, &echo) }},
		{"AppendTCPAnswer", func(b []byte) []byte { return AppendTCPAnswer(b, target4, host4, AppendTCP(nil, &echo), false) }},
		{"AppendEchoReply", func(b []byte) []byte { return AppendEchoReply(b, target4, host4, AppendEcho(nil, &echo)) }},
		{"AppendTimeExceeded", func(b []byte) []byte { return AppendTimeExceeded(b, router6, host6, []byte{1, 2, 3}) }},
		{"AppendUnreachable", func(b []byte) []byte { return AppendUnreachable(b, router4, host4, 3, 1, []byte{1, 2, 3}) }},
		{"AppendIPv4Header", func(b []byte) []byte {
			return AppendIPv4Header(b, IPv4{Source: host4, Destination: target4, Protocol: 1, TTL: 64}, 8)
		}},
		{"AppendIPv6Header", func(b []byte) []byte { return AppendIPv6Header(b, IPv6{host6, target6, 58, 64}, 8) }},
	} {
		want := c.appends(nil)
		dirty := bytes.Repeat([]byte{0xa5}, 512)
		got := c.appends(dirty[:3])
		if !bytes.Equal(got[:3], []byte{0xa5, 0xa5, 0xa5}) || !bytes.Equal(got[3:], want) {
			t.Errorf("%s after three bytes:\ngot  %x\nwant a5a5a5%x", c.name, got, want)
		}
	}
}

func TestAppendIPHeadersGoldenBytes(t *testing.T) {
	// The header that the kernel sent for ping, with its identification and
	// flags taken out (0x4ead + 0x4000 added back to its checksum).
	want := "4500001c000000000101cdab" + "c0000201" + "c6336401"
	if got := hex.EncodeToString(AppendIPv4Header(nil, IPv4{Source: host4, Destination: target4, Protocol: 1, TTL: 1}, 8)); got != want {
		t.Errorf("IPv4:\ngot  %s\nwant %s", got, want)
	}
	want = "6000000000183a3f" + "20010db8000200000000000000000001" + "20010db8000100000000000000000001"
	if got := hex.EncodeToString(AppendIPv6Header(nil, IPv6{target6, host6, 58, 63}, 24)); got != want {
		t.Errorf("IPv6:\ngot  %s\nwant %s", got, want)
	}
	if got := AppendIPv4Header(nil, IPv4{Source: host4, Destination: target4, Protocol: 1, TTL: 1}, 65515); got[2] != 0xff || got[3] != 0xff {
		t.Errorf("IPv4: total length %x, want ffff", got[2:4])
	}
}

// TestAnswersAreThoseOfTheKernel builds what the captures hold, from the
// requests that they answer.
func TestAnswersAreThoseOfTheKernel(t *testing.T) {
	for _, captures := range [][]capture{captures4, captures6} {
		for _, c := range captures {
			want := c.message(t)
			to := host4
			if c.reply.From.Is6() {
				to = host6
			}
			var got []byte
			switch c.reply.Kind {
			case EchoReply:
				request := bytes.Clone(want)
				request[0] = 0xee
				request[2] = 0xee
				got = AppendEchoReply(nil, c.reply.From, to, request)
			case TimeExceeded:
				got = AppendTimeExceeded(nil, c.reply.From, to, want[8:])
			default:
				got = AppendUnreachable(nil, c.reply.From, to, want[0], want[1], want[8:])
			}
			if c.name == "time exceeded about a first fragment, cut" {
				want = bytes.Clone(want)
				copy(want[2:4], got[2:4])
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%v %s:\ngot  %x\nwant %x", c.reply.From, c.name, got, want)
			}
		}
	}
}

func TestFlowIsFixed(t *testing.T) {
	for _, family := range []struct{ source, destination netip.Addr }{{host4, target4}, {host6, target6}} {
		for sequence := range 65536 {
			p := Probe{Source: family.source, Destination: family.destination, Identity: 0x4110, Sequence: uint16(sequence),
				Token: uint64(sequence) * 0x9e3779b97f4a7c15, Size: FlowSize, FixedFlow: true}
			b := AppendEcho(nil, &p)
			if b[2] != 0xbe || b[3] != 0xef {
				t.Fatalf("echo %d to %v: checksum %x, want beef", sequence, p.Destination, b[2:4])
			}
			verify(t, &p, ProtocolNumberICMPv6, b)
			if sequence == 0 || sequence == 65535 {
				continue
			}
			verify(t, &p, ProtocolNumberUDP, AppendUDP(nil, &p))
		}
	}
}

// verify checks a message as its receiver does: the sum of everything is 0xffff.
func verify(t *testing.T, p *Probe, protocol uint8, message []byte) {
	t.Helper()
	var pseudo []byte
	if p.Destination.Is6() || protocol == ProtocolNumberUDP {
		pseudo = referencePseudoHeader(p.Source, p.Destination, protocol, len(message))
	}
	if c := referenceChecksum(pseudo, message); c != 0 {
		t.Fatalf("sequence %d to %v, protocol %d: %x is off by %#04x", p.Sequence, p.Destination, protocol, message, c)
	}
}

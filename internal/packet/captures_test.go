package packet

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"netsonde"
)

// Addresses of the network that the captures were made in: a host, a router
// and a second host, all Linux 6.18.
var (
	host4, router4, target4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("198.51.100.1")
	host6, router6, target6 = netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:1::2"), netip.MustParseAddr("2001:db8:2::1")
)

// capture is a datagram as it was seen on the wire, and what it says.
type capture struct {
	name, bytes string
	reply       Reply
	ttl         uint8
	// replyFrom and tokenFrom are the least lengths of the ICMP message that
	// still answer a probe and still hold its token.
	replyFrom, tokenFrom int
}

func (c *capture) datagram(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(c.bytes), ""))
	if err != nil {
		t.Fatalf("capture %s: %v", c.name, err)
	}
	return b
}

// message is the capture's ICMP message.
func (c *capture) message(t testing.TB) []byte {
	t.Helper()
	b := c.datagram(t)
	if c.reply.From.Is6() {
		return b[40:]
	}
	return b[int(b[0]&0xf)*4:]
}

var captures4 = []capture{
	{
		name: "echo reply",
		bytes: `4500 002c edf8 0000 3f01 a1a2 c633 6401 c000 0201
			0000 cfff 3976 0001 4ac0 026b 0000 0000 a75d 0200 0000 0000`,
		reply: Reply{Kind: EchoReply, From: target4, Destination: target4, Identity: 0x3976, Sequence: 1,
			HasToken: true, Token: 0x4ac0026b00000000},
		ttl: 63, replyFrom: 8, tokenFrom: 16,
	},
	{
		name: "time exceeded about an echo",
		bytes: `45c0 0048 60ac 0000 4001 9545 c000 0202 c000 0201
			0b00 f4ff 0000 0000
			4500 002c 4eaa 4000 0101 3ef1 c000 0201 c633 6401
			0800 45eb 3977 0001 4ac0 026b 0000 0000 2971 0200 0000 0000`,
		reply: Reply{Kind: TimeExceeded, From: router4, Destination: target4, Identity: 0x3977, Sequence: 1,
			HasToken: true, Token: 0x4ac0026b00000000, Type: 11},
		ttl: 64, replyFrom: 36, tokenFrom: 44,
	},
	{
		name: "time exceeded about an echo with a recorded route",
		bytes: `4fc0 0098 60ad 0000 4001 6c87 c000 0202 c000 0201
			0727 10c0 0002 01c0 0002 02c0 0002 0200 0000 0000 0000 0000
			0000 0000 0000 0000 0000 0000 0000 0000
			0b00 32f9 0000 0000
			4f00 0054 4eac 4000 0101 4ab6 c000 0201 c633 6401
			0107 270c c000 0201 c000 0202 0000 0000 0000 0000 0000 0000
			0000 0000 0000 0000 0000 0000 0000 0000
			0800 e0d3 3978 0001 4ac0 026b 0000 0000 8e87 0200 0000 0000`,
		reply: Reply{Kind: TimeExceeded, From: router4, Destination: target4, Identity: 0x3978, Sequence: 1,
			HasToken: true, Token: 0x4ac0026b00000000, Type: 11},
		ttl: 64, replyFrom: 76, tokenFrom: 84,
	},
	{
		name: "time exceeded about an echo without payload",
		bytes: `45c0 0038 60ae 0000 4001 9553 c000 0202 c000 0201
			0b00 f4ff 0000 0000
			4500 001c 4ead 4000 0101 3efe c000 0201 c633 6401
			0800 be85 3979 0001`,
		reply: Reply{Kind: TimeExceeded, From: router4, Destination: target4, Identity: 0x3979, Sequence: 1, Type: 11},
		ttl:   64, replyFrom: 36, tokenFrom: 44,
	},
	{
		name: "time exceeded about a datagram",
		bytes: `45c0 0044 614f 0000 4001 94a6 c000 0202 c000 0201
			0b00 4151 0000 0000
			4500 0028 12ab 0000 0111 bae4 c000 0201 c633 6401
			a4fe 829a 0014 ec5b 4041 4243 4445 4647 4849 4a4b`,
		reply: Reply{Kind: TimeExceeded, Protocol: UDP, From: router4, Destination: target4,
			Identity: 0xa4fe, Sequence: 0xec5b, Port: 33434, HasToken: true, Token: 0x4041424344454647,
			Type: 11, Method: netsonde.MethodUDP},
		ttl: 64, replyFrom: 36, tokenFrom: 44,
	},
	{
		name: "port unreachable",
		bytes: `45c0 0044 efe3 0000 3f01 9edf c633 6401 c000 0201
			0303 5683 0000 0000
			4500 0028 16e3 0000 0111 b6ac c000 0201 c633 6401
			97c9 829a 0014 ec5b 4041 4243 4445 4647 4849 4a4b`,
		reply: Reply{Kind: Unreachable, Protocol: UDP, From: target4, Destination: target4,
			Identity: 0x97c9, Sequence: 0xec5b, Port: 33434, HasToken: true, Token: 0x4041424344454647,
			Type: 3, Code: 3, Method: netsonde.MethodUDP},
		ttl: 63, replyFrom: 36, tokenFrom: 44,
	},
	{
		name: "administratively prohibited",
		bytes: `45c0 0040 efdd 0000 4001 061c c000 0202 c000 0201
			030d fcf2 0000 0000
			4500 0024 5577 4000 4001 e756 c000 0201 cb00 7109
			0800 903c 5bb2 0001 0001 0203 0405 0607`,
		reply: Reply{Kind: Unreachable, From: router4, Destination: netip.MustParseAddr("203.0.113.9"),
			Identity: 0x5bb2, Sequence: 1, HasToken: true, Token: 0x0001020304050607, Type: 3, Code: 13},
		ttl: 64, replyFrom: 36, tokenFrom: 44,
	},
}

var captures6 = []capture{
	{
		name: "echo reply",
		bytes: `6002 2dc5 0018 3a3f 2001 0db8 0002 0000 0000 0000 0000 0001
			2001 0db8 0001 0000 0000 0000 0000 0001
			8100 e89d 397c 0001 4cc0 026b 0000 0000 afef 0200 0000 0000`,
		reply: Reply{Kind: EchoReply, From: target6, Destination: target6, Identity: 0x397c, Sequence: 1,
			HasToken: true, Token: 0x4cc0026b00000000, Type: 129},
		ttl: 63, replyFrom: 8, tokenFrom: 16,
	},
	{
		name: "time exceeded about an echo",
		bytes: `600e 6c09 0048 3a40 2001 0db8 0001 0000 0000 0000 0000 0002
			2001 0db8 0001 0000 0000 0000 0000 0001
			0300 3ed4 0000 0000
			600e c85c 0018 3a01 2001 0db8 0001 0000 0000 0000 0000 0001
			2001 0db8 0002 0000 0000 0000 0000 0001
			8000 938b 397d 0001 4cc0 026b 0000 0000 0501 0300 0000 0000`,
		reply: Reply{Kind: TimeExceeded, From: router6, Destination: target6, Identity: 0x397d, Sequence: 1,
			HasToken: true, Token: 0x4cc0026b00000000, Type: 3},
		ttl: 64, replyFrom: 56, tokenFrom: 64,
	},
	{
		// The payload length is that of the fragment; the wire had 1,240 bytes.
		name: "time exceeded about a first fragment, cut",
		bytes: `600e 6c09 0058 3a40 2001 0db8 0001 0000 0000 0000 0000 0002
			2001 0db8 0001 0000 0000 0000 0000 0001
			0300 2ff0 0000 0000
			600e c85c 05b0 2c01 2001 0db8 0001 0000 0000 0000 0000 0001
			2001 0db8 0002 0000 0000 0000 0000 0001
			3a00 0001 3dd9 aaee
			8000 0b08 397e 0001 4cc0 026b 0000 0000 5a11 0300 0000 0000 1011 1213 1415 1617`,
		reply: Reply{Kind: TimeExceeded, From: router6, Destination: target6, Identity: 0x397e, Sequence: 1,
			HasToken: true, Token: 0x4cc0026b00000000, Type: 3},
		ttl: 64, replyFrom: 64, tokenFrom: 72,
	},
	{
		name: "no route",
		bytes: `6009 7a83 0048 3a40 2001 0db8 0001 0000 0000 0000 0000 0002
			2001 0db8 0001 0000 0000 0000 0000 0001
			0100 bca5 0000 0000
			6007 4c53 0018 3a40 2001 0db8 0001 0000 0000 0000 0000 0001
			2001 0db8 0009 0000 0000 0000 0000 0001
			8000 c65f 397f 0001 4cc0 026b 0000 0000 d223 0300 0000 0000`,
		reply: Reply{Kind: Unreachable, From: router6, Destination: netip.MustParseAddr("2001:db8:9::1"),
			Identity: 0x397f, Sequence: 1, HasToken: true, Token: 0x4cc0026b00000000, Type: 1},
		ttl: 64, replyFrom: 56, tokenFrom: 64,
	},
	{
		name: "port unreachable",
		bytes: `600b 613f 0058 3a3f 2001 0db8 0002 0000 0000 0000 0000 0001
			2001 0db8 0001 0000 0000 0000 0000 0001
			0104 9026 0000 0000
			600d ba4e 0028 1101 2001 0db8 0001 0000 0000 0000 0000 0001
			2001 0db8 0002 0000 0000 0000 0000 0001
			b857 829a 0028 5bb0 4041 4243 4445 4647 4849 4a4b 4c4d 4e4f
			5051 5253 5455 5657 5859 5a5b 5c5d 5e5f`,
		reply: Reply{Kind: Unreachable, Protocol: UDP, From: target6, Destination: target6,
			Identity: 0xb857, Sequence: 0x5bb0, Port: 33434, HasToken: true, Token: 0x4041424344454647,
			Type: 1, Code: 4, Method: netsonde.MethodUDP},
		ttl: 63, replyFrom: 56, tokenFrom: 64,
	},
}

func TestParseCaptures(t *testing.T) {
	for _, c := range captures4 {
		header, payload, err := ParseIPv4(c.datagram(t))
		if err != nil {
			t.Errorf("IPv4 %s: %v", c.name, err)
			continue
		}
		if want := (IPv4{Source: c.reply.From, Destination: host4, Protocol: 1, TTL: c.ttl}); header != want {
			t.Errorf("IPv4 %s: header %+v, want %+v", c.name, header, want)
		}
		if got, err := ParseICMP4(payload, header.Source); got != c.reply || err != nil {
			t.Errorf("IPv4 %s:\ngot  %+v, %v\nwant %+v", c.name, got, err, c.reply)
		}
	}
	for _, c := range captures6 {
		header, payload, err := ParseIPv6(c.datagram(t))
		if err != nil {
			t.Errorf("IPv6 %s: %v", c.name, err)
			continue
		}
		if want := (IPv6{Source: c.reply.From, Destination: host6, NextHeader: 58, HopLimit: c.ttl}); header != want {
			t.Errorf("IPv6 %s: header %+v, want %+v", c.name, header, want)
		}
		if got, err := ParseICMP6(payload, header.Source); got != c.reply || err != nil {
			t.Errorf("IPv6 %s:\ngot  %+v, %v\nwant %+v", c.name, got, err, c.reply)
		}
	}
}

// repaired returns a copy whose ICMPv4 checksum is right.
func repaired(message []byte) []byte {
	b := append([]byte(nil), message...)
	if len(b) >= 4 {
		b[2], b[3] = 0, 0
		c := referenceChecksum(b)
		b[2], b[3] = byte(c>>8), byte(c)
	}
	return b
}

// TestParseEveryLength cuts each captured message at each of its bytes.
func TestParseEveryLength(t *testing.T) {
	for _, family := range []struct {
		name     string
		captures []capture
		parse    func([]byte, netip.Addr) (Reply, error)
	}{{"IPv4", captures4, ParseICMP4}, {"IPv6", captures6, ParseICMP6}} {
		for _, c := range family.captures {
			message := c.message(t)
			for n := range len(message) + 1 {
				cut := message[:n]
				if c.reply.From.Is4() {
					cut = repaired(cut)
				}
				want, wantErr := c.reply, error(nil)
				switch {
				case n < c.replyFrom:
					want, wantErr = Reply{}, ErrTruncated
				case n < c.tokenFrom:
					want.HasToken, want.Token = false, 0
				}
				if got, err := family.parse(cut, c.reply.From); got != want || err != wantErr {
					t.Errorf("%s %s, %d bytes:\ngot  %+v, %v\nwant %+v, %v", family.name, c.name, n, got, err, want, wantErr)
				}
			}
		}
	}
}

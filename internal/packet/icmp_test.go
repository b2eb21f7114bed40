package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
)

// family is what differs between ICMP and ICMPv6 in tests of both.
type family struct {
	name                 string
	host, router, target netip.Addr
	icmp, echoRequest    uint8
	headerSize           int
	parse                func([]byte, netip.Addr) (Reply, error)
}

var (
	version4 = family{"ICMP", host4, router4, target4, 1, 8, 20, ParseICMP4}
	version6 = family{"ICMPv6", host6, router6, target6, 58, 128, 40, ParseICMP6}
)

// datagram puts an IP header before a transport message.
func (f *family) datagram(protocol uint8, transport []byte) []byte {
	if f.host.Is4() {
		return append(AppendIPv4Header(nil, IPv4{Source: f.host, Destination: f.target, Protocol: protocol, TTL: 1}, len(transport)), transport...)
	}
	return append(AppendIPv6Header(nil, IPv6{f.host, f.target, protocol, 1}, len(transport)), transport...)
}

// echo is an echo request of ours with identity 1, sequence 2 and token 3, if it fits.
func (f *family) echo(size int) []byte {
	return AppendEcho(nil, &Probe{Source: f.host, Destination: f.target, Identity: 1, Sequence: 2, Size: size, Token: 3})
}

// unreachable is the plainest error about a datagram.
func (f *family) unreachable(original []byte) []byte {
	return AppendUnreachable(nil, f.router, f.host, f.typeUnreachable(), 1, original)
}

func (f *family) typeUnreachable() uint8 {
	if f.host.Is4() {
		return 3
	}
	return 1
}

// expect parses a message and compares error, kind, and whether there is a token.
func (f *family) expect(t *testing.T, name string, message []byte, kind ReplyKind, token bool, wantErr error) {
	t.Helper()
	got, err := f.parse(message, f.router)
	if err != wantErr || got.Kind != kind || got.HasToken != token {
		t.Errorf("%s, %s: kind %d, token %v, %v, want %d, %v, %v", f.name, name, got.Kind, got.HasToken, err, kind, token, wantErr)
	}
	if err != nil && got != (Reply{}) {
		t.Errorf("%s, %s: %v with %+v", f.name, name, err, got)
	}
}

func TestEveryTypeAndCode(t *testing.T) {
	errors4 := map[uint8]ReplyKind{3: Unreachable, 12: Unreachable, 11: TimeExceeded}
	errors6 := map[uint8]ReplyKind{1: Unreachable, 2: Unreachable, 4: Unreachable, 3: TimeExceeded}
	for icmpType := range 256 {
		for code := range 256 {
			typ, code := uint8(icmpType), uint8(code)
			for _, c := range []struct {
				family    *family
				errors    map[uint8]ReplyKind
				errorKind func(uint8, uint8) ReplyKind
				echoReply uint8
			}{{&version4, errors4, ErrorKind4, 0}, {&version6, errors6, ErrorKind6, 129}} {
				want := c.errors[typ]
				if want == TimeExceeded && code != 0 {
					want = 0
				}
				if got := c.errorKind(typ, code); got != want {
					t.Errorf("%s: kind of %d/%d = %d, want %d", c.family.name, typ, code, got, want)
				}
				if typ == c.echoReply {
					want = EchoReply
				}
				var wantErr error
				if want == 0 {
					wantErr = ErrNotReply
				}
				message := AppendUnreachable(nil, c.family.router, c.family.host, typ, code, c.family.datagram(c.family.icmp, c.family.echo(0)))
				got, err := c.family.parse(message, c.family.router)
				if got.Kind != want || err != wantErr {
					t.Errorf("%s %d/%d: kind %d, %v, want %d, %v", c.family.name, typ, code, got.Kind, err, want, wantErr)
				}
				if err == nil && (got.Type != typ || got.Code != code) {
					t.Errorf("%s %d/%d: told as %d/%d", c.family.name, typ, code, got.Type, got.Code)
				}
			}
		}
	}
}

func TestOwnRequestsAreNoReplies(t *testing.T) {
	for _, f := range []family{version4, version6} {
		f.expect(t, "own request", f.echo(56), 0, false, ErrNotReply)
	}
}

func TestChecksumIsVerified(t *testing.T) {
	for _, c := range captures4 {
		message := c.message(t)
		for bit := range 8 * len(message) {
			wrong := bytes.Clone(message)
			wrong[bit/8] ^= 1 << (bit % 8)
			got, err := ParseICMP4(wrong, c.reply.From)
			if got != (Reply{}) || err != ErrChecksum && (bit >= 16 || err != ErrNotReply) {
				t.Errorf("%s, bit %d turned: %+v, %v, want %v", c.name, bit, got, err, ErrChecksum)
			}
		}
	}
}

// TestQuotedLength takes what the quoted IP header says over what is there:
// behind a short datagram may be padding.
func TestQuotedLength(t *testing.T) {
	for _, f := range []family{version4, version6} {
		for said := range 80 {
			original := append(f.datagram(f.icmp, f.echo(8)), make([]byte, 20)...)
			header := 0
			if f.host.Is4() {
				original[3] = byte(said)
				header = f.headerSize
			} else {
				original[5] = byte(said)
			}
			kind, token, err := Unreachable, said-header >= 16, error(nil)
			switch {
			case said < header:
				kind, err = 0, ErrMalformed
			case said-header < 8:
				kind, err = 0, ErrTruncated
			}
			f.expect(t, fmt.Sprintf("quoted length %d", said), f.unreachable(original), kind, token, err)
		}
	}
}

func TestQuotedUDPLength(t *testing.T) {
	for _, f := range []family{version4, version6} {
		for said, want := range map[uint16]struct {
			kind  ReplyKind
			token bool
			err   error
		}{
			0: {0, false, ErrMalformed}, 7: {0, false, ErrMalformed},
			8: {Unreachable, false, nil}, 15: {Unreachable, false, nil},
			16: {Unreachable, true, nil}, 20: {Unreachable, true, nil},
			21: {Unreachable, true, nil}, 0xffff: {Unreachable, true, nil},
		} {
			transport := AppendUDP(nil, &Probe{Source: f.host, Destination: f.target, Identity: 1, Sequence: 2, Port: 3, Token: 4})
			binary.BigEndian.PutUint16(transport[4:], said)
			f.expect(t, "UDP length", f.unreachable(f.datagram(17, transport)), want.kind, want.token, want.err)
		}
	}
}

// TestPaddedQuotes has routers that quote eight transport bytes and fill up
// with zeros behind them, of probes whose own lengths promise a token.
func TestPaddedQuotes(t *testing.T) {
	for _, f := range []family{version4, version6} {
		udp := AppendUDP(nil, &Probe{Source: f.host, Destination: f.target, Identity: 1, Sequence: 2, Port: 3, Size: 56, Token: 4})
		for protocol, transport := range map[uint8][]byte{f.icmp: f.echo(56), ProtocolNumberUDP: udp} {
			original := f.datagram(protocol, transport)
			clear(original[f.headerSize+8:])
			f.expect(t, "padded quote", f.unreachable(original), Unreachable, false, nil)
			copy(original[f.headerSize+8:], "\x00\x00\x00\x00\x00\x00\x00\x01")
			f.expect(t, "quoted token", f.unreachable(original), Unreachable, true, nil)
		}
		padded := append(f.echo(56)[:8], make([]byte, 56)...)
		if got, err := ParseQuotedEcho(padded); got != (Reply{Identity: 1, Sequence: 2}) || err != nil {
			t.Errorf("%s: padded echo: %+v, %v", f.name, got, err)
		}
	}
}

// TestExtensions varies the length that RFC 4884 lets an error tell, over a
// datagram padded to 128 bytes with an extension of eight behind it.
func TestExtensions(t *testing.T) {
	for _, c := range []struct {
		family         *family
		types, without []uint8
		at, unit       int
	}{
		{&version4, []uint8{3, 11, 12}, nil, 5, 4},
		{&version6, []uint8{1, 3}, []uint8{2, 4}, 4, 8},
	} {
		f := c.family
		original := f.datagram(f.icmp, f.echo(100))
		original = append(original[:min(len(original), 128)], make([]byte, 128-min(len(original), 128))...)
		original = append(original, 0x20, 0, 0, 0, 0, 8, 1, 1)
		message := func(icmpType uint8, words int) []byte {
			b := AppendUnreachable(nil, f.router, f.host, icmpType, 0, original)
			b[c.at] = byte(words)
			if f.host.Is4() {
				b = repaired(b)
			}
			return b
		}
		for words := range 256 {
			kind, token, err := Unreachable, true, error(nil)
			length := words * c.unit
			switch {
			case words == 0:
			case length > len(original), length < f.headerSize+8:
				kind, token, err = 0, false, ErrTruncated
			default:
				token = length >= f.headerSize+16
			}
			for _, icmpType := range c.types {
				kind := kind
				if kind != 0 && (icmpType == 11 || f.host.Is6() && icmpType == 3) {
					kind = TimeExceeded
				}
				f.expect(t, "extension", message(icmpType, words), kind, token, err)
			}
			for _, icmpType := range c.without {
				f.expect(t, "no extension", message(icmpType, words), Unreachable, true, nil)
			}
		}
	}
}

// TestParameterProblemPointer has a pointer where the other family has its length.
func TestParameterProblemPointer(t *testing.T) {
	message := AppendUnreachable(nil, router4, host4, 12, 0, version4.datagram(1, version4.echo(8)))
	message[4] = 200
	version4.expect(t, "pointer", repaired(message), Unreachable, true, nil)
	for _, icmpType := range []uint8{1, 3} {
		message := AppendUnreachable(nil, router6, host6, icmpType, 0, version6.datagram(58, version6.echo(8)))
		message[5] = 200
		kind := Unreachable
		if icmpType == 3 {
			kind = TimeExceeded
		}
		version6.expect(t, "unused byte", message, kind, true, nil)
	}
}

func TestForeignQuotes(t *testing.T) {
	for _, f := range []family{version4, version6} {
		for _, quoted := range []uint8{0, 1, 3, 8, 11, 128, 129} {
			transport := f.echo(8)
			transport[0] = quoted
			kind, err := ReplyKind(0), ErrNotReply
			if quoted == f.echoRequest {
				kind, err = Unreachable, nil
			}
			f.expect(t, "quoted ICMP type", f.unreachable(f.datagram(f.icmp, transport)), kind, err == nil, err)
		}
		otherICMP := ProtocolNumberICMP + ProtocolNumberICMPv6 - f.icmp
		for _, protocol := range []uint8{2, 33, 51, 59, 255, otherICMP} {
			f.expect(t, "quoted protocol", f.unreachable(f.datagram(protocol, f.echo(8))), 0, false, ErrNotReply)
			f.expect(t, "quoted protocol without header", f.unreachable(f.datagram(protocol, nil)), 0, false, ErrNotReply)
		}
		nested := f.unreachable(f.datagram(f.icmp, f.unreachable(f.datagram(f.icmp, f.echo(8)))))
		f.expect(t, "nested error", nested, 0, false, ErrNotReply)
	}
	version4.expect(t, "IPv6 quoted", version4.unreachable(version6.datagram(58, version6.echo(8))), 0, false, ErrMalformed)
	version6.expect(t, "IPv4 quoted", version6.unreachable(append(version4.datagram(1, version4.echo(8)), 0, 0, 0, 0)), 0, false, ErrMalformed)
}

func TestQuotedFragments(t *testing.T) {
	for word, err := range map[uint16]error{
		0x2000: nil, 0x4000: nil, 0x8000: nil, 0xe000: nil,
		1: ErrNotReply, 0x1000: ErrNotReply, 0x2001: ErrNotReply,
	} {
		original := version4.datagram(1, version4.echo(8))
		binary.BigEndian.PutUint16(original[6:], word)
		kind := Unreachable
		if err != nil {
			kind = 0
		}
		version4.expect(t, "fragment word", version4.unreachable(original), kind, err == nil, err)
	}
	for word, err := range map[uint16]error{0: nil, 1: nil, 7: nil, 8: ErrNotReply, 0xfff9: ErrNotReply} {
		original := version6.datagram(44, append(fragmentHeader(58, word), version6.echo(8)...))
		kind := Unreachable
		if err != nil {
			kind = 0
		}
		version6.expect(t, "fragment header", version6.unreachable(original), kind, err == nil, err)
	}
}

func TestQuotedExtensionHeaders(t *testing.T) {
	transport := AppendUDP(nil, &Probe{Source: host6, Destination: target6, Identity: 1, Sequence: 2, Port: 3, Token: 4})
	original := version6.datagram(0, bytes.Join([][]byte{extension(43, 0), extension(60, 1), extension(17, 2), transport}, nil))
	got, err := ParseICMP6(AppendTimeExceeded(nil, router6, host6, original), router6)
	want := Reply{Kind: TimeExceeded, Protocol: UDP, From: router6, Destination: target6, Identity: 1, Sequence: 2, Port: 3,
		HasToken: true, Token: 4, Type: 3, Method: got.Method}
	if got != want || err != nil {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseQuotedEcho(t *testing.T) {
	for _, f := range []family{version4, version6} {
		message := f.echo(10)
		for n := range len(message) + 1 {
			want, wantErr := Reply{Identity: 1, Sequence: 2}, error(nil)
			switch {
			case n < 8:
				want, wantErr = Reply{}, ErrTruncated
			case n >= 16:
				want.HasToken, want.Token = true, 3
			}
			if got, err := ParseQuotedEcho(message[:n]); got != want || err != wantErr {
				t.Errorf("%s, %d bytes: %+v, %v, want %+v, %v", f.name, n, got, err, want, wantErr)
			}
		}
	}
	for icmpType := range 256 {
		message := version4.echo(8)
		message[0] = byte(icmpType)
		var want error
		if icmpType != 8 && icmpType != 128 {
			want = ErrNotReply
		}
		if _, err := ParseQuotedEcho(message); err != want {
			t.Errorf("type %d: %v, want %v", icmpType, err, want)
		}
	}
}

func TestPortUnreachable(t *testing.T) {
	for _, c := range []struct {
		reply Reply
		want  bool
	}{
		{Reply{Kind: Unreachable, From: target4, Type: 3, Code: 3}, true},
		{Reply{Kind: Unreachable, From: target4, Type: 3, Code: 4}, false},
		{Reply{Kind: Unreachable, From: target4, Type: 1, Code: 3}, false},
		{Reply{Kind: Unreachable, From: target4, Type: 1, Code: 4}, false},
		{Reply{Kind: TimeExceeded, From: target4, Type: 3, Code: 3}, false},
		{Reply{Kind: Unreachable, From: target6, Type: 1, Code: 4}, true},
		{Reply{Kind: Unreachable, From: target6, Type: 1, Code: 3}, false},
		{Reply{Kind: Unreachable, From: target6, Type: 3, Code: 3}, false},
		{Reply{Kind: Unreachable, From: target6, Type: 3, Code: 4}, false},
		{Reply{Kind: EchoReply, From: target6, Type: 1, Code: 4}, false},
	} {
		if got := c.reply.PortUnreachable(); got != c.want {
			t.Errorf("%v, kind %d, %d/%d: %v, want %v", c.reply.From, c.reply.Kind, c.reply.Type, c.reply.Code, got, c.want)
		}
	}
}

package packet

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"netsonde"
)

// labelled are messages laid out as routers of two makes send them.
var labelled = []struct {
	name, bytes string
	from        netip.Addr
	want        []netsonde.Label
}{
	{
		// Eight transport bytes quoted, zeros up to 128, no length told: routers
		// from before RFC 4884.
		name: "label without a length",
		bytes: `0b00 0000 0000 0000
			4500 0028 4eaa 4000 0101 3ef5 c000 0201 c633 6401
			0800 45eb 3977 0001` + strings.Repeat("00", 100) + `
			2000 c819 0008 0101 05dc 1101`,
		from: router4,
		want: []netsonde.Label{{Value: 24001, Bottom: true, TTL: 1}},
	},
	{
		// The whole datagram quoted, its length told, two labels, and the
		// interface that it came in by (RFC 5837): index 3, 192.0.2.2, "ge0".
		name: "two labels with a length and an interface",
		bytes: `0b00 0000 0020 0000
			4500 0028 4eaa 4000 0101 3ef5 c000 0201 c633 6401
			0800 45eb 3977 0001 0102 0304 0506 0708 0000 0000` + strings.Repeat("00", 88) + `
			2000 9252
			0014 020e 0000 0003 0001 0000 c000 0202 0467 6530
			000c 0101 05dc 1401 0001 0502`,
		from: router4,
		want: []netsonde.Label{{Value: 24001, TrafficClass: 2, TTL: 1}, {Value: 16, TrafficClass: 2, Bottom: true, TTL: 2}},
	},
	{
		name: "IPv6 label",
		bytes: `0300 0000 1000 0000
			6007 4c53 0014 3a01 2001 0db8 0001 0000 0000 0000 0000 0001
			2001 0db8 0002 0000 0000 0000 0000 0001
			8000 c65f 397f 0001 0102 0304 0506 0708 0000 0000` + strings.Repeat("00", 68) + `
			2000 cdf9 0008 0101 0000 10fd`,
		from: router6,
		want: []netsonde.Label{{Value: 1, Bottom: false, TTL: 253}},
	},
}

func TestParseLabels(t *testing.T) {
	for _, c := range labelled {
		message, err := hex.DecodeString(strings.Join(strings.Fields(c.bytes), ""))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		f := &version6
		if c.from.Is4() {
			f = &version4
		}
		// The structure's checksum is part of what is golden, so it is not made
		// right here; the message's own is.
		r, err := f.parse(repairedFor(f, message), c.from)
		if err != nil || r.Kind != TimeExceeded || r.Sequence != 1 {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		var got []netsonde.Label
		for i := range r.Labels.Len() {
			got = append(got, r.Labels.At(i))
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: labels %+v, want %+v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: label %d is %+v, want %+v", c.name, i, got[i], c.want[i])
			}
		}
	}
}

// TestLabelsOfEveryForm builds what routers may say and reads it again.
func TestLabelsOfEveryForm(t *testing.T) {
	for _, f := range []*family{&version4, &version6} {
		for _, tells := range []bool{true, false} {
			for _, test := range []struct {
				name   string
				depth  int
				change func(structure []byte)
				want   int
			}{
				{"one", 1, nil, 1},
				{"eight", 8, nil, 8},
				{"more than are kept", 12, nil, netsonde.MostLabels},
				{"none", 0, nil, 0},
				{"another version", 2, func(b []byte) { b[0] = 0x30; resum(b) }, 0},
				{"another class", 2, func(b []byte) { b[6] = 3; resum(b) }, 0},
				{"another type", 2, func(b []byte) { b[7] = 0; resum(b) }, 0},
				{"an object that is too short", 2, func(b []byte) { b[5] = 3; resum(b) }, 0},
				{"an object that is too long", 2, func(b []byte) { b[5]++; resum(b) }, 0},
				{"bytes behind the last object", 2, func(b []byte) { b[5] -= 4; resum(b) }, 0},
				{"a wrong checksum", 2, func(b []byte) { b[3]++ }, 0},
				{"a corrupt label", 2, func(b []byte) { b[9]++ }, 0},
			} {
				message := AppendLabelled(nil, f.router, f.host, f.datagram(f.icmp, f.echo(12)), labelsOf(test.depth), tells)
				if test.change != nil {
					test.change(message[8+128:])
					message = repairedFor(f, message)
				}
				r, err := f.parse(message, f.router)
				if err != nil || r.Identity != 1 || r.Sequence != 2 || !r.HasToken || r.Token != 3 {
					t.Errorf("%s, %s, tells %v: %+v, %v", f.name, test.name, tells, r, err)
				}
				if r.Labels.Len() != test.want || r.Labels != labelsOf(test.depth)[:4*test.want] {
					t.Errorf("%s, %s, tells %v: %d labels, %x", f.name, test.name, tells, r.Labels.Len(), string(r.Labels))
				}
			}
		}
	}
}

// TestChecksumOfExtensions: 0 means that there is none, which is believed only
// where the error says that extensions follow.
func TestChecksumOfExtensions(t *testing.T) {
	for _, f := range []*family{&version4, &version6} {
		for tells, want := range map[bool]int{true: 2, false: 0} {
			message := AppendLabelled(nil, f.router, f.host, f.datagram(f.icmp, f.echo(12)), labelsOf(2), tells)
			message[8+128+2], message[8+128+3] = 0, 0
			r, err := f.parse(repairedFor(f, message), f.router)
			if err != nil || r.Labels.Len() != want {
				t.Errorf("%s, tells %v: %d labels, %v, want %d", f.name, tells, r.Labels.Len(), err, want)
			}
		}
	}
}

// TestLongProbesHaveNoLabels: what an error quotes of a datagram of more than
// 128 bytes is not taken for extensions, whatever it holds.
func TestLongProbesHaveNoLabels(t *testing.T) {
	for _, f := range []*family{&version4, &version6} {
		payload := f.echo(500)
		original := f.datagram(f.icmp, payload)
		r, err := f.parse(f.unreachable(original), f.router)
		if err != nil || r.Labels != "" {
			t.Errorf("%s: labels %x, %v", f.name, string(r.Labels), err)
		}
	}
}

func TestErrorsWithoutExtensions(t *testing.T) {
	// Of an ICMPv6 packet too big the same byte is part of the MTU.
	message := AppendLabelled(nil, router6, host6, version6.datagram(58, version6.echo(12)), labelsOf(1), true)
	message[0] = icmp6PacketTooBig
	if r, err := ParseICMP6(message, router6); err != nil || r.Labels != "" {
		t.Errorf("packet too big: labels %x, %v", string(r.Labels), err)
	}
}

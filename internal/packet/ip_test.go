package packet

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestParseIPv4(t *testing.T) {
	sound := append(AppendIPv4Header(nil, IPv4{Source: host4, Destination: target4, Protocol: 17, TTL: 9}, 5), 1, 2, 3, 4, 5)
	withOptions := append(bytes.Clone(sound[:20]), 1, 1, 1, 0, 1, 2, 3, 4, 5)
	withOptions[0], withOptions[3] = 0x46, 29
	change := func(b []byte, at int, values ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], values)
		return b
	}
	for _, c := range []struct {
		name    string
		in      []byte
		payload []byte
		err     error
	}{
		{"sound", sound, []byte{1, 2, 3, 4, 5}, nil},
		{"options", withOptions, []byte{1, 2, 3, 4, 5}, nil},
		{"trailing bytes", append(bytes.Clone(sound), 6, 7), []byte{1, 2, 3, 4, 5}, nil},
		{"no payload", change(sound, 3, 20), []byte{}, nil},
		{"do not fragment", change(sound, 6, 0x40), []byte{1, 2, 3, 4, 5}, nil},
		{"reserved flag", change(sound, 6, 0x80), []byte{1, 2, 3, 4, 5}, nil},
		{"empty", nil, nil, ErrTruncated},
		{"19 bytes", sound[:19], nil, ErrTruncated},
		{"one byte short", sound[:24], nil, ErrTruncated},
		{"total length 1 too long", change(sound, 3, 26), nil, ErrTruncated},
		{"total length 256 too long", change(sound, 2, 1), nil, ErrTruncated},
		{"total length below the header", change(sound, 3, 19), nil, ErrMalformed},
		{"total length below the options", change(withOptions, 3, 23), nil, ErrMalformed},
		{"total length 0", change(sound, 3, 0), nil, ErrMalformed},
		{"options cut", withOptions[:23], nil, ErrTruncated},
		{"version 6", change(sound, 0, 0x65), nil, ErrMalformed},
		{"version 5", change(sound, 0, 0x55), nil, ErrMalformed},
		{"header of 16 bytes", change(sound, 0, 0x44), nil, ErrMalformed},
		{"first fragment", change(sound, 6, 0x20), nil, ErrNotReply},
		{"last fragment", change(sound, 7, 1), nil, ErrNotReply},
		{"last fragment far out", change(sound, 6, 0x10), nil, ErrNotReply},
		{"middle fragment", change(sound, 6, 0x20, 1), nil, ErrNotReply},
	} {
		header, payload, err := ParseIPv4(c.in)
		if err != c.err || !bytes.Equal(payload, c.payload) || (payload == nil) != (c.payload == nil) {
			t.Errorf("%s: payload %x, %v, want %x, %v", c.name, payload, err, c.payload, c.err)
		}
		want := IPv4{Source: host4, Destination: target4, Protocol: 17, TTL: 9}
		if c.err != nil {
			want = IPv4{}
		}
		if header != want {
			t.Errorf("%s: header %+v, want %+v", c.name, header, want)
		}
	}
}

func TestParseIPv6(t *testing.T) {
	sound := append(AppendIPv6Header(nil, IPv6{host6, target6, 17, 9}, 5), 1, 2, 3, 4, 5)
	change := func(at int, values ...byte) []byte {
		b := bytes.Clone(sound)
		copy(b[at:], values)
		return b
	}
	for _, c := range []struct {
		name    string
		in      []byte
		payload []byte
		err     error
	}{
		{"sound", sound, []byte{1, 2, 3, 4, 5}, nil},
		{"trailing bytes", append(bytes.Clone(sound), 6, 7), []byte{1, 2, 3, 4, 5}, nil},
		{"traffic class and flow label", change(0, 0x6f, 0xff, 0xff, 0xff), []byte{1, 2, 3, 4, 5}, nil},
		{"no payload", change(5, 0), []byte{}, nil},
		{"empty", nil, nil, ErrTruncated},
		{"39 bytes", sound[:39], nil, ErrTruncated},
		{"one byte short", sound[:44], nil, ErrTruncated},
		{"payload length 1 too long", change(5, 6), nil, ErrTruncated},
		{"payload length 256 too long", change(4, 1), nil, ErrTruncated},
		{"version 4", change(0, 0x45), nil, ErrMalformed},
		{"version 7", change(0, 0x70), nil, ErrMalformed},
	} {
		header, payload, err := ParseIPv6(c.in)
		if err != c.err || !bytes.Equal(payload, c.payload) || (payload == nil) != (c.payload == nil) {
			t.Errorf("%s: payload %x, %v, want %x, %v", c.name, payload, err, c.payload, c.err)
		}
		want := IPv6{host6, target6, 17, 9}
		if c.err != nil {
			want = IPv6{}
		}
		if header != want {
			t.Errorf("%s: header %+v, want %+v", c.name, header, want)
		}
	}
}

// extension is an IPv6 extension header of 8 + 8·units bytes; next and units
// are its first two.
func extension(next uint8, units int) []byte {
	b := bytes.Repeat([]byte{0xee}, 8+8*units)
	b[0], b[1] = next, byte(units)
	return b
}

func fragmentHeader(next uint8, word uint16) []byte {
	b := []byte{next, 0xee, 0, 0, 0xee, 0xee, 0xee, 0xee}
	binary.BigEndian.PutUint16(b[2:], word)
	return b
}

func TestSkipExtensionHeaders(t *testing.T) {
	join := func(pieces ...[]byte) []byte { return bytes.Join(pieces, nil) }
	rest := []byte{1, 2, 3}
	for _, c := range []struct {
		name     string
		next     uint8
		in       []byte
		protocol uint8
		rest     []byte
		err      error
	}{
		{"none", 58, rest, 58, rest, nil},
		{"none, and nothing", 17, nil, 17, nil, nil},
		{"hop by hop", 0, join(extension(58, 0), rest), 58, rest, nil},
		{"routing", 43, join(extension(17, 2), rest), 17, rest, nil},
		{"destination options", 60, join(extension(58, 255), rest), 58, rest, nil},
		{"first fragment", 44, join(fragmentHeader(58, 1), rest), 58, rest, nil},
		{"atomic fragment", 44, join(fragmentHeader(58, 0), rest), 58, rest, nil},
		{"reserved bits of a fragment", 44, join(fragmentHeader(58, 6), rest), 58, rest, nil},
		{"all of them", 0, join(extension(60, 1), extension(43, 0), extension(44, 3), fragmentHeader(60, 1), extension(58, 1), rest), 58, rest, nil},
		{"second fragment", 44, join(fragmentHeader(58, 8), rest), 0, nil, ErrNotReply},
		{"last fragment far out", 44, join(fragmentHeader(58, 0x8000), rest), 0, nil, ErrNotReply},
		{"authentication is not skipped", 51, rest, 51, rest, nil},
		{"no next header", 59, nil, 59, nil, nil},
		{"nothing left", 0, join(extension(58, 0)), 58, []byte{}, nil},
		{"hop by hop of no bytes", 0, nil, 0, nil, ErrTruncated},
		{"hop by hop of 1 byte", 0, extension(58, 0)[:1], 0, nil, ErrTruncated},
		{"hop by hop of 7 bytes", 0, extension(58, 0)[:7], 0, nil, ErrTruncated},
		{"routing one byte short", 43, extension(58, 2)[:23], 0, nil, ErrTruncated},
		{"fragment of 7 bytes", 44, fragmentHeader(58, 1)[:7], 0, nil, ErrTruncated},
		{"second header missing", 0, extension(43, 0), 0, nil, ErrTruncated},
		{"chain to the end", 60, bytes.Repeat(extension(60, 0), 8000), 0, nil, ErrTruncated},
	} {
		protocol, got, err := skipExtensionHeaders(c.next, c.in)
		if protocol != c.protocol || !bytes.Equal(got, c.rest) || err != c.err {
			t.Errorf("%s: %d, %x, %v, want %d, %x, %v", c.name, protocol, got, err, c.protocol, c.rest, c.err)
		}
	}
}

package packet

import (
	"bytes"
	"net/netip"
	"testing"
)

// referenceChecksum is RFC 1071 as it is written: 16 bits at a time, with an
// end-around carry after each.
func referenceChecksum(pieces ...[]byte) uint16 {
	b := bytes.Join(pieces, nil)
	if len(b)%2 != 0 {
		b = append(b, 0)
	}
	var s uint32
	for i := 0; i < len(b); i += 2 {
		s += uint32(b[i])<<8 | uint32(b[i+1])
		if s > 0xffff {
			s -= 0xffff
		}
	}
	return ^uint16(s)
}

// referencePseudoHeader is the pseudo header as the RFCs draw it.
func referencePseudoHeader(source, destination netip.Addr, protocol uint8, length int) []byte {
	b := append(source.AsSlice(), destination.AsSlice()...)
	if source.Is4() {
		return append(b, 0, protocol, byte(length>>8), byte(length))
	}
	return append(b, 0, 0, byte(length>>8), byte(length), 0, 0, 0, protocol)
}

func TestSumExampleOfRFC1071(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if got := fold(sum(0, b)); got != 0xddf2 {
		t.Errorf("sum = %#04x, want 0xddf2 (RFC 1071, section 3)", got)
	}
}

func TestSumEveryLength(t *testing.T) {
	b := make([]byte, 70)
	for i := range b {
		b[i] = byte(255 - 7*i)
	}
	for n := range b {
		if got, want := ^fold(sum(0, b[:n])), referenceChecksum(b[:n]); got != want {
			t.Errorf("checksum of %d bytes = %#04x, want %#04x", n, got, want)
		}
	}
	if got, want := ^fold(sum(sum(0, b[:6]), b[6:])), referenceChecksum(b); got != want {
		t.Errorf("checksum of two pieces = %#04x, want %#04x", got, want)
	}
}

func TestSumOfTheLargestPacketDoesNotOverflow(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, 65535)
	b[65534] = 0xfe
	if got, want := ^fold(sum(0, b)), referenceChecksum(b); got != want {
		t.Errorf("checksum = %#04x, want %#04x", got, want)
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		in   uint64
		want uint16
	}{
		{0, 0}, {1, 1}, {0xffff, 0xffff}, {0x10000, 1}, {0x1ffff, 1}, {0x1fffe, 0xffff},
		{0xffff0000, 0xffff}, {0xffffffff, 0xffff}, {0x1_0000_0001, 2}, {1<<64 - 1, 0xffff},
	} {
		if got := fold(c.in); got != c.want {
			t.Errorf("fold(%#x) = %#x, want %#x", c.in, got, c.want)
		}
	}
}

func TestPseudoHeader(t *testing.T) {
	for _, c := range [][2]string{
		{"192.0.2.1", "198.51.100.1"}, {"0.0.0.1", "255.255.255.255"},
		{"2001:db8:1::1", "2001:db8:2::1"}, {"::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	} {
		source, destination := netip.MustParseAddr(c[0]), netip.MustParseAddr(c[1])
		for _, length := range []int{8, 20, 255, 256, 65515} {
			got := ^fold(pseudoHeader(source, destination, 17, length))
			want := referenceChecksum(referencePseudoHeader(source, destination, 17, length))
			if got != want {
				t.Errorf("%v to %v, length %d: %#04x, want %#04x", source, destination, length, got, want)
			}
		}
	}
}

package packet

import (
	"bytes"
	"testing"

	"netsonde"
)

// seeds are inputs that stand for everything a parser must tell apart: the
// captures, cut, padded, with extensions, and with lengths that lie.
func seedDatagrams4(t testing.TB) (seeds [][]byte) {
	for _, c := range captures4 {
		b := c.datagram(t)
		longer, shorter, fragment := bytes.Clone(b), bytes.Clone(b), bytes.Clone(b)
		longer[3]++
		shorter[3] = 19
		fragment[6] |= 0x20
		seeds = append(seeds, b, b[:len(b)-1], b[:19], append(bytes.Clone(b), 1, 2), longer, shorter, fragment, nil)
	}
	return seeds
}

func (f *family) seedMessages(t testing.TB, captures []capture) (seeds [][]byte) {
	for _, c := range captures {
		b := c.message(t)
		seeds = append(seeds, b, b[:len(b)-1], b[:c.replyFrom], b[:c.replyFrom-1], b[:7], append(bytes.Clone(b), make([]byte, 20)...))
	}
	// A probe without payload, padded to 128 bytes, with and without an
	// extension behind, whose length the router tells.
	extended := make([]byte, 136)
	copy(extended, f.datagram(f.icmp, f.echo(0)))
	copy(extended[128:], []byte{0x20, 0, 0, 0, 0, 8, 1, 1})
	padded := extended[:128]
	for _, original := range [][]byte{padded, extended} {
		plain := f.unreachable(original)
		told := bytes.Clone(plain)
		if f.host.Is4() {
			told[5] = 32
		} else {
			told[4] = 16
		}
		seeds = append(seeds, plain, repairedFor(f, told))
	}
	seeds = append(seeds, f.seedExtensions()...)
	segment := AppendTCP(nil, &Probe{Source: f.host, Destination: f.target, Identity: 1, Sequence: 2, Port: 3, Token: 4})
	seeds = append(seeds, f.unreachable(f.datagram(ProtocolNumberTCP, segment)), f.unreachable(f.datagram(ProtocolNumberTCP, segment[:8])))
	// A quoted datagram that ends before the token by RFC 4884 only.
	cut := f.unreachable(f.datagram(f.icmp, f.echo(8)))
	if f.host.Is4() {
		cut[5] = 8
	} else {
		cut[4] = 6
	}
	seeds = append(seeds, repairedFor(f, cut), f.echo(8), nil)
	return seeds
}

// seedExtensions are label stacks, of routers that tell their place and of
// others, alone and behind other objects, too deep, cut, and corrupt.
func (f *family) seedExtensions() (seeds [][]byte) {
	original := f.datagram(f.icmp, f.echo(12))
	for _, tells := range []bool{true, false} {
		for _, depth := range []int{0, 1, 2, 8, 9} {
			b := AppendLabelled(nil, f.router, f.host, original, labelsOf(depth), tells)
			seeds = append(seeds, b, repairedFor(f, b[:len(b)-1]), repairedFor(f, append(bytes.Clone(b), 0, 4, 2, 1)))
			if depth == 0 {
				continue
			}
			// The structure begins behind the padded datagram.
			structure := 8 + 128
			for _, change := range []func([]byte){
				func(b []byte) { b[0] = 0x10 },
				func(b []byte) { b[2]++ },
				func(b []byte) { b[2], b[3] = 0, 0 },
				func(b []byte) { b[len(b)-1]++ },
				func(b []byte) { b[6] = 2; resum(b) },
				func(b []byte) { b[7] = 2; resum(b) },
				func(b []byte) { b[5] = 3; resum(b) },
				func(b []byte) { b[5]--; resum(b) },
				func(b []byte) { b[5]++; resum(b) },
				func(b []byte) { b[4] = 0xff; resum(b) },
			} {
				other := bytes.Clone(b)
				change(other[structure:])
				seeds = append(seeds, repairedFor(f, other))
			}
			// An interface (RFC 5837) before and behind the labels.
			for _, objects := range [][]byte{
				append([]byte{0, 8, 2, 8, 0, 0, 0, 3}, b[structure+4:]...),
				append(bytes.Clone(b[structure+4:]), 0, 8, 2, 8, 0, 0, 0, 3),
			} {
				other := append(bytes.Clone(b[:structure+4]), objects...)
				resum(other[structure:])
				seeds = append(seeds, repairedFor(f, other))
			}
		}
	}
	return seeds
}

// labelsOf is a stack of so many labels.
func labelsOf(depth int) (stack netsonde.LabelStack) {
	for i := range depth {
		stack = stack.Push(netsonde.Label{Value: uint32(24001 + i), TrafficClass: uint8(i), Bottom: i == depth-1, TTL: uint8(i + 1)})
	}
	return stack
}

// resum repairs the checksum of an extension structure.
func resum(structure []byte) {
	structure[2], structure[3] = 0, 0
	checksum := ^sumOfWords(structure)
	structure[2], structure[3] = byte(checksum>>8), byte(checksum)
}

func seedQuotedEchoes() [][]byte {
	b := version4.echo(8)
	return [][]byte{b, version6.echo(8), b[:15], b[:8], b[:7], version4.echo(100), {0, 0, 0, 0, 0, 0, 0, 0}, nil}
}

// seedSegments are the answers to a SYN, cut, with lengths that lie, and with
// flags that answer none.
func seedSegments() (seeds [][]byte) {
	request := AppendTCP(nil, &Probe{Source: host4, Destination: target4, Identity: 0x8765, Sequence: 0xcdef, Port: 443, Token: 0x4321})
	for _, accepts := range []bool{false, true} {
		b := AppendTCPAnswer(nil, target4, host4, request, accepts)
		longer, shorter := bytes.Clone(b), bytes.Clone(b)
		longer[12], shorter[12] = 0x60, 0x40
		seeds = append(seeds, b, b[:19], b[:12], longer, append(bytes.Clone(longer), 1, 2, 3, 4), shorter)
		for _, flags := range []byte{0, 0x02, 0x04, 0x10, 0x11, 0x16, 0xff} {
			other := bytes.Clone(b)
			other[13] = flags
			seeds = append(seeds, other)
		}
	}
	return append(seeds, request, nil)
}

func addSeeds(f *testing.F, seeds [][]byte) {
	for _, seed := range seeds {
		f.Add(seed)
	}
}

func FuzzParseIPv4(f *testing.F) {
	addSeeds(f, seedDatagrams4(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkIPv4(ParseIPv4, b); err != nil {
			t.Error(err)
		}
	})
}

func FuzzICMP4(f *testing.F) {
	addSeeds(f, version4.seedMessages(f, captures4))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkICMP(ParseICMP4, &version4, b); err != nil {
			t.Error(err)
		}
	})
}

func FuzzICMP6(f *testing.F) {
	addSeeds(f, version6.seedMessages(f, captures6))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkICMP(ParseICMP6, &version6, b); err != nil {
			t.Error(err)
		}
	})
}

func FuzzQuotedEcho(f *testing.F) {
	addSeeds(f, seedQuotedEchoes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkQuotedEcho(ParseQuotedEcho, b); err != nil {
			t.Error(err)
		}
	})
}

func FuzzTCP(f *testing.F) {
	addSeeds(f, seedSegments())
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkTCP(ParseTCP, b); err != nil {
			t.Error(err)
		}
	})
}

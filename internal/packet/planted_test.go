package packet

import (
	"errors"
	"net/netip"
	"testing"

	"netsonde"
)

// The tests of this file plant bugs in front of or behind the real parsers and
// ask that the fuzz targets' properties see each of them in the seeds alone.

// plantedReplyBugs are bugs that any parser of replies might have. parse is
// the real one.
func plantedReplyBugs(parse replyParser) map[string]replyParser {
	return map[string]replyParser{
		"panics on short input": func(b []byte) (Reply, error) {
			_ = b[7]
			return parse(b)
		},
		"reads behind the input": func(b []byte) (Reply, error) {
			return parse(b[:min(len(b)+8, cap(b))])
		},
		"writes to the input": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if len(b) > 0 {
				b[0]++
			}
			return r, err
		},
		"leaves a reply beside an error": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if err != nil {
				r.Code = 1
			}
			return r, err
		},
		"returns an error of its own": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if err != nil {
				err = errOfItsOwn
			}
			return r, err
		},
		"makes up a token": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if err == nil {
				r.HasToken, r.Token = true, 0xfeedfacecafebeef
			}
			return r, err
		},
		"keeps a token that it has not": func(b []byte) (Reply, error) {
			r, err := parse(b)
			r.HasToken = false
			return r, err
		},
		"takes the sequence for the identity": func(b []byte) (Reply, error) {
			r, err := parse(b)
			r.Identity, r.Sequence = r.Sequence, r.Identity
			return r, err
		},
		"miscounts the sequence": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if err == nil {
				r.Sequence += 0x7700
			}
			return r, err
		},
		"forgets the protocol": func(b []byte) (Reply, error) {
			r, err := parse(b)
			if err == nil {
				r.Protocol = (r.Protocol + 1) % 3
			}
			return r, err
		},
	}
}

var errOfItsOwn = errors.New("of its own")

// plantedICMPBugs are bugs of a parser of whole messages of the family.
func plantedICMPBugs(f *family) map[string]icmpParser {
	change := func(b []byte, set func([]byte)) []byte {
		b = append([]byte(nil), b...)
		set(b)
		return repairedFor(f, b)
	}
	bugs := map[string]icmpParser{
		"takes extensions for payload": func(b []byte, from netip.Addr) (Reply, error) {
			if _, err := f.parse(b, from); err != nil {
				return Reply{}, err
			}
			return f.parse(change(b, func(b []byte) {
				if b[0] == f.typeUnreachable() {
					b[4], b[5] = 0, 0
				}
			}), from)
		},
		"takes padding for payload": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			if err != nil || r.Kind == EchoReply {
				return r, err
			}
			return f.parse(change(b, func(b []byte) {
				if f.host.Is4() {
					b[10] = 0xff
				} else {
					b[12] = 0xff
				}
			}), from)
		},
		"forgets the destination": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			r.Destination = netip.Addr{}
			return r, err
		},
		"forgets the sender": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			r.From = r.Destination
			return r, err
		},
		"forgets the code": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			r.Code = 0
			return r, err
		},
		"forgets the kind": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			r.Kind = 0
			return r, err
		},
	}
	for name, bug := range plantedLabelBugs(f, change) {
		bugs[name] = bug
	}
	if f.host.Is4() {
		bugs["skips the checksum"] = func(b []byte, from netip.Addr) (Reply, error) {
			return f.parse(repaired(b), from)
		}
	}
	for name, bug := range plantedReplyBugs(func(b []byte) (Reply, error) { return f.parse(b, f.router) }) {
		bugs[name] = func(b []byte, _ netip.Addr) (Reply, error) { return bug(b) }
	}
	return bugs
}

// plantedLabelBugs are bugs in what reads extensions. They have the real parser
// read others.
func plantedLabelBugs(f *family, change func([]byte, func([]byte)) []byte) map[string]icmpParser {
	const structure = 8 + 128
	reading := func(as func(b, structure []byte)) icmpParser {
		return func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			if err != nil || len(b) < structure+8 {
				return r, err
			}
			return f.parse(change(b, func(b []byte) { as(b, b[structure:]) }), from)
		}
	}
	return map[string]icmpParser{
		"skips the checksum of extensions": reading(func(_, structure []byte) { resum(structure) }),
		"takes extensions of any version": reading(func(_, structure []byte) {
			if structure[0] != 0x20 {
				structure[0] = 0x20
				resum(structure)
			}
		}),
		"guesses at extensions without a checksum": reading(func(_, structure []byte) {
			if structure[2] == 0 && structure[3] == 0 {
				resum(structure)
			}
		}),
		"makes up a label": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			if r.Labels != "" {
				r.Labels = labelsOf(3)
			}
			return r, err
		},
		"keeps any number of labels": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			if r.Labels.Len() == netsonde.MostLabels {
				r.Labels += r.Labels[:4]
			}
			return r, err
		},
		"keeps part of a label": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := f.parse(b, from)
			if r.Labels != "" {
				r.Labels = r.Labels[:len(r.Labels)-1]
			}
			return r, err
		},
	}
}

func caught(seeds [][]byte, check func([]byte) error) error {
	for _, seed := range seeds {
		if err := check(seed); err != nil {
			return err
		}
	}
	return nil
}

func TestFuzzICMPCatchesPlantedBugs(t *testing.T) {
	for f, captures := range map[*family][]capture{&version4: captures4, &version6: captures6} {
		seeds := f.seedMessages(t, captures)
		if err := caught(seeds, func(b []byte) error { return checkICMP(f.parse, f, b) }); err != nil {
			t.Errorf("%s: the parser itself: %v", f.name, err)
		}
		for name, bug := range plantedICMPBugs(f) {
			if caught(seeds, func(b []byte) error { return checkICMP(bug, f, b) }) == nil {
				t.Errorf("%s: nothing catches a parser that %s", f.name, name)
			}
		}
	}
}

func TestFuzzQuotedEchoCatchesPlantedBugs(t *testing.T) {
	seeds := seedQuotedEchoes()
	for name, bug := range plantedReplyBugs(ParseQuotedEcho) {
		if caught(seeds, func(b []byte) error { return checkQuotedEcho(bug, b) }) == nil {
			t.Errorf("nothing catches a parser that %s", name)
		}
	}
	kind := func(b []byte) (Reply, error) {
		r, err := ParseQuotedEcho(b)
		if err == nil {
			r.Kind = Unreachable
		}
		return r, err
	}
	if caught(seeds, func(b []byte) error { return checkQuotedEcho(kind, b) }) == nil {
		t.Error("nothing catches a parser that makes up a kind")
	}
}

func TestFuzzParseIPv4CatchesPlantedBugs(t *testing.T) {
	seeds := seedDatagrams4(t)
	for name, bug := range map[string]ipv4Parser{
		"panics on short input": func(b []byte) (IPv4, []byte, error) {
			_ = b[19]
			return ParseIPv4(b)
		},
		"reads behind the input": func(b []byte) (IPv4, []byte, error) {
			return ParseIPv4(b[:min(len(b)+1, cap(b))])
		},
		"writes to the input": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			if err == nil {
				b[10] ^= 1
			}
			return header, payload, err
		},
		"leaves a payload beside an error": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			if err != nil {
				payload = b
			}
			return header, payload, err
		},
		"returns an error of its own": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			if err != nil {
				err = errOfItsOwn
			}
			return header, payload, err
		},
		"takes options for payload": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			if err == nil {
				payload = b[20 : int(b[2])<<8|int(b[3])]
			}
			return header, payload, err
		},
		"takes trailing bytes for payload": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			if err == nil {
				payload = b[int(b[0]&0xf)*4:]
			}
			return header, payload, err
		},
		"miscounts the TTL": func(b []byte) (IPv4, []byte, error) {
			header, payload, err := ParseIPv4(b)
			header.TTL--
			return header, payload, err
		},
	} {
		if caught(seeds, func(b []byte) error { return checkIPv4(bug, b) }) == nil {
			t.Errorf("nothing catches a parser that %s", name)
		}
	}
}

func TestFuzzTCPCatchesPlantedBugs(t *testing.T) {
	seeds := seedSegments()
	if err := caught(seeds, func(b []byte) error { return checkTCP(ParseTCP, b) }); err != nil {
		t.Errorf("the parser itself: %v", err)
	}
	bugs := map[string]icmpParser{
		"takes any flags": func(b []byte, from netip.Addr) (Reply, error) {
			other := append([]byte(nil), b...)
			if len(other) >= 20 {
				other[13] = tcpSYN | tcpACK
			}
			return ParseTCP(other, from)
		},
		"takes any header length": func(b []byte, from netip.Addr) (Reply, error) {
			other := append([]byte(nil), b...)
			if len(other) >= 20 {
				other[12] = 0x50
			}
			return ParseTCP(other, from)
		},
		"forgets that the answer counts one more": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := ParseTCP(b, from)
			if err == nil {
				r.Token++
			}
			return r, err
		},
		"forgets the sender": func(b []byte, from netip.Addr) (Reply, error) {
			r, err := ParseTCP(b, from)
			r.From = netip.Addr{}
			return r, err
		},
	}
	for name, bug := range plantedReplyBugs(func(b []byte) (Reply, error) { return ParseTCP(b, target4) }) {
		bugs[name] = func(b []byte, _ netip.Addr) (Reply, error) { return bug(b) }
	}
	for name, bug := range bugs {
		if caught(seeds, func(b []byte) error { return checkTCP(bug, b) }) == nil {
			t.Errorf("nothing catches a parser that %s", name)
		}
	}
}

package packet

import (
	"encoding/hex"
	"testing"

	"netsonde"
)

// TestTCPAnswersGoldenBytes builds and parses the answers to the SYN of
// TestAppendGoldenBytes.
func TestTCPAnswersGoldenBytes(t *testing.T) {
	for _, c := range []struct {
		family  family
		accepts bool
		bytes   string
	}{
		{version4, false, "01bb8765000000004321cdf05014000029680000"},
		{version6, true, "01bb8765000000004321cdf050120000ba290000"},
	} {
		probe := Probe{Source: c.family.host, Destination: c.family.target, Identity: 0x8765, Sequence: 0x4321, Port: 443, Token: 0xcdef}
		answer := AppendTCPAnswer(nil, c.family.target, c.family.host, AppendTCP(nil, &probe), c.accepts)
		if got := hex.EncodeToString(answer); got != c.bytes {
			t.Errorf("%s:\ngot  %s\nwant %s", c.family.name, got, c.bytes)
		}
		want := Reply{
			Kind: PortAnswered, Protocol: TCP, Method: netsonde.MethodTCP, From: c.family.target, Destination: c.family.target,
			Identity: 0x8765, Sequence: 0x4321, Port: 443, HasToken: true, Token: 0xcdef,
		}
		if got, err := ParseTCP(answer, c.family.target); got != want || err != nil {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.family.name, got, err, want)
		}
	}
}

// TestTCPNumberWraps answers the SYN whose successor's number is 0.
func TestTCPNumberWraps(t *testing.T) {
	probe := Probe{Source: host4, Destination: target4, Identity: 1, Sequence: 0xffff, Port: 2, Token: 0xffff}
	r, err := ParseTCP(AppendTCPAnswer(nil, target4, host4, AppendTCP(nil, &probe), false), target4)
	if err != nil || r.Sequence != 0xffff || r.Token != 0xffff {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestTCPIdentities(t *testing.T) {
	echoes, ports := []uint16{1, 2}, []uint16{3}
	if got := (Capabilities{ICMP: echoes, UDP: ports}).TCP(); len(got) != 1 || got[0] != 3 {
		t.Errorf("with ports of datagrams: %v", got)
	}
	if got := (Capabilities{ICMP: echoes}).TCP(); len(got) != 2 || got[0] != 1 {
		t.Errorf("without: %v", got)
	}
}

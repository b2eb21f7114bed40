package netsonde_test

import (
	"net/netip"
	"testing"
	"time"

	"netsonde"
)

func TestProbeIDIsWhatIsMeasured(t *testing.T) {
	base := netsonde.Probe{Kind: netsonde.KindPing}
	id := netsonde.NewProbeID("a#1", netsonde.FamilyAny, base)
	for name, same := range map[string]netsonde.Probe{
		"timeout": {Kind: netsonde.KindPing, Timeout: time.Second},
		"count":   {Kind: netsonde.KindPing, Count: 9},
		"size":    {Kind: netsonde.KindPing, Size: 9},
		"hops":    {Kind: netsonde.KindPing, Hops: 9},
		"spacing": {Kind: netsonde.KindPing, Spacing: 9},
		"answer":  {Kind: netsonde.KindPing, Check: &netsonde.CheckParameters{Answer: "x", Status: []int{200}, Verify: true}},
	} {
		if netsonde.NewProbeID("a#1", netsonde.FamilyAny, same) != id {
			t.Errorf("the id depends on the %s", name)
		}
	}
	others := map[netsonde.ProbeID]string{id: "the base"}
	for name, other := range map[string]netsonde.ProbeID{
		"name":      netsonde.NewProbeID("a#2", netsonde.FamilyAny, base),
		"family":    netsonde.NewProbeID("a#1", netsonde.Family6, base),
		"kind":      netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindTrace}),
		"protocol":  netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindTrace, Protocol: netsonde.TraceICMP}),
		"port":      netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, Port: 1}),
		"far port":  netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, Port: 256}),
		"flow":      netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, Flow: 1}),
		"codepoint": netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, DSCP: 1}),
		"fragment":  netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, DontFragment: true}),
		"ordinal":   netsonde.NewProbeID("a#1", netsonde.FamilyAny, netsonde.Probe{Kind: netsonde.KindPing, Ordinal: 1}),
		"path": netsonde.NewProbeID("a#1", netsonde.FamilyAny,
			netsonde.Probe{Kind: netsonde.KindPing, Check: &netsonde.CheckParameters{Path: "/"}}),
		"question": netsonde.NewProbeID("a#1", netsonde.FamilyAny,
			netsonde.Probe{Kind: netsonde.KindPing, Check: &netsonde.CheckParameters{Question: "/"}}),
		"source": netsonde.NewProbeID("a#1", netsonde.FamilyAny,
			netsonde.Probe{Kind: netsonde.KindPing, Source: netip.MustParseAddr("192.0.2.1")}),
	} {
		if earlier, taken := others[other]; taken {
			t.Errorf("another %s has the id of %s", name, earlier)
		}
		others[other] = name
	}
}

func TestProbeIDIsStable(t *testing.T) {
	got := netsonde.NewProbeID("localhost#1", netsonde.FamilyPrefer4, netsonde.Probe{Kind: netsonde.KindPing})
	if got != stableID {
		t.Errorf("the id of localhost's ping is %#x, was %#x: history would be lost", uint64(got), uint64(stableID))
	}
}

const stableID = 0x36e745bf208e612f

package agent

import (
	"net/netip"
	"strings"
	"testing"

	"netsonde"
)

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		family             netsonde.Family
		addresses, current string
		want               string
	}{
		{netsonde.FamilyAny, "", "", ""},
		{netsonde.FamilyAny, "fd00::1 10.0.0.1", "", "fd00::1"},
		{netsonde.FamilyAny, "10.0.0.1 fd00::1", "", "10.0.0.1"},
		{netsonde.FamilyAny, "10.0.0.1 fd00::1", "fd00::1", "fd00::1"},
		{netsonde.FamilyPrefer4, "fd00::1 10.0.0.1 10.0.0.2", "", "10.0.0.1"},
		{netsonde.FamilyPrefer4, "fd00::1 fd00::2", "", "fd00::1"},
		{netsonde.FamilyPrefer4, "fd00::1 fd00::2", "fd00::2", "fd00::2"},
		{netsonde.FamilyPrefer4, "fd00::1 10.0.0.1", "fd00::1", "10.0.0.1"},
		{netsonde.FamilyPrefer4, "10.0.0.2 10.0.0.1", "10.0.0.1", "10.0.0.1"},
		{netsonde.FamilyPrefer4, "10.0.0.2 10.0.0.3", "10.0.0.1", "10.0.0.2"},
		{netsonde.Family4, "fd00::1 10.0.0.1", "", "10.0.0.1"},
		{netsonde.Family4, "fd00::1", "", ""},
		{netsonde.Family4, "::ffff:10.0.0.1", "", "10.0.0.1"},
		{netsonde.Family6, "10.0.0.1 fd00::1", "", "fd00::1"},
		{netsonde.Family6, "10.0.0.1 ::ffff:10.0.0.2", "", ""},
		{netsonde.Family6, "fe80::1%eth0", "", "fe80::1%eth0"},
		{netsonde.Family6, "fd00::1", "10.0.0.1", "fd00::1"},
	} {
		// The zero address must never be chosen.
		addresses := []netip.Addr{{}}
		for _, s := range strings.Fields(test.addresses) {
			addresses = append(addresses, netip.MustParseAddr(s))
		}
		var current, want netip.Addr
		if test.current != "" {
			current = netip.MustParseAddr(test.current)
		}
		if test.want != "" {
			want = netip.MustParseAddr(test.want)
		}
		if got := choose(test.family, addresses, current); got != want {
			t.Errorf("choose(%d, %s, %s) = %v, want %v", test.family, test.addresses, test.current, got, want)
		}
	}
}

func TestLookupNetwork(t *testing.T) {
	for family, want := range map[netsonde.Family]string{
		netsonde.FamilyAny: "ip", netsonde.FamilyPrefer4: "ip", netsonde.Family4: "ip4", netsonde.Family6: "ip6",
	} {
		if got := lookupNetwork(family); got != want {
			t.Errorf("lookupNetwork(%d) = %s, want %s", family, got, want)
		}
	}
}

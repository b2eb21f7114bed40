package netsonde_test

import (
	"net/netip"
	"strings"
	"testing"

	"netsonde"
)

// hops reads "a b * c" as hops at 192.0.2.'a' and so on.
func hops(text string) []netsonde.Hop {
	var list []netsonde.Hop
	for i, word := range strings.Fields(text) {
		hop := netsonde.Hop{TTL: uint8(i + 1)}
		if word != "*" {
			hop.Addr = netip.AddrFrom4([4]byte{192, 0, 2, word[0]})
		}
		list = append(list, hop)
	}
	return list
}

func TestRouteMemory(t *testing.T) {
	for _, test := range []struct {
		name   string
		traces string // by "/", those that are news end with "!"
	}{
		{"the first is news, the same is not", "a b c!/a b c"},
		{"the first is news even if nobody answered", "* *!/* *"},
		{"there and back again", "a b c!/a x c!/a b c!"},
		{"a hop falls silent and returns", "a b c!/a * c/a b c"},
		{"a hop becomes known once", "a * c!/a b c!/a * c/a b c"},
		{"known while silent", "a b c!/a * c/a x c!"},
		{"longer and shorter", "a b!/a b c!/a b!"},
		{"silent at the end is cut", "a b * *!/a b/a b *"},
		{"silent at the end is shorter", "a b c!/a b *!/a b c!"},
		{"a new way starts a new memory", "a b c!/x * c!/x b c!"},
		{"merged over several", "a * * d!/a b * d!/a * c d!/a b c d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var memory netsonde.RouteMemory
			for i, trace := range strings.Split(test.traces, "/") {
				text, want := strings.CutSuffix(trace, "!")
				if got := memory.Learn(hops(text)); got != want {
					t.Errorf("trace %d, %q, is news: %v, want %v", i, text, got, want)
				}
			}
		})
	}
}

func TestRouteMemoryKeepsNothingOfTheCaller(t *testing.T) {
	var memory netsonde.RouteMemory
	first := hops("a b c")
	memory.Learn(first)
	first[1].Addr = netip.Addr{}
	if memory.Learn(hops("a b c")) {
		t.Error("the memory changed with the caller's hops")
	}
}

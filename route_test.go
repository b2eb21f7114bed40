package netsonde_test

import (
	"net/netip"
	"slices"
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
				if _, got := memory.Learn(hops(text)); got != want {
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
	if _, news := memory.Learn(hops("a b c")); news {
		t.Error("the memory changed with the caller's hops")
	}
}

// TestRouteMemoryTellsWhatWas has news come with what was known before.
func TestRouteMemoryTellsWhatWas(t *testing.T) {
	var memory netsonde.RouteMemory
	var kept [][]netip.Addr
	for i, step := range []struct{ trace, was string }{
		{"* *", "nil"}, {"a * c", ""}, {"a b c", "a * c"}, {"a * c", "nil"}, {"a x c", "a b c"},
		{"a * c *", "nil"}, {"a x", "a x c"},
	} {
		was, _ := memory.Learn(hops(step.trace))
		if (was == nil) != (step.was == "nil") {
			t.Errorf("trace %d, %q: was %v, want %s", i, step.trace, was, step.was)
		}
		kept = append(kept, was)
	}
	for i, want := range map[int]string{1: "", 2: "a * c", 4: "a b c", 6: "a x c"} {
		var addresses []netip.Addr
		for _, hop := range hops(want) {
			addresses = append(addresses, hop.Addr)
		}
		if !slices.Equal(kept[i], addresses) {
			t.Errorf("trace %d was told to differ from %v, want %v", i, kept[i], addresses)
		}
	}
	if memory.At(0).IsValid() || memory.At(3).IsValid() || memory.At(2) != hops("* x")[1].Addr {
		t.Errorf("the memory has %v, %v, %v", memory.At(0), memory.At(2), memory.At(3))
	}
}

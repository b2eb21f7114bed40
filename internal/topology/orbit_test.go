package topology_test

import (
	"slices"
	"testing"
	"time"

	"netsonde/internal/topology"
)

// Following NextContact sees every change of Contacts, and nothing changes in
// between; a period later all is the same.
func TestContacts(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "torus", Rings: 5, Nodes: 5, Stations: 4, Period: time.Minute})
	inView := func(at time.Duration) (seen []int) {
		state := topology.NewState(p)
		state.Contacts(at)
		for i := range p.Links {
			if p.Links[i].Contacts != nil && state.Up(i) {
				seen = append(seen, i)
			}
		}
		return seen
	}
	changes, total := 0, 0
	for at := time.Duration(0); at < p.Period; {
		next, ok := p.NextContact(at)
		if !ok || next <= at {
			t.Fatalf("after %v comes %v, %t", at, next, ok)
		}
		now := inView(at)
		total += len(now)
		if before := inView(next - 1); !slices.Equal(now, before) {
			t.Errorf("between %v and %v it changes from %v to %v", at, next, now, before)
		}
		if slices.Equal(now, inView(next)) {
			t.Errorf("nothing changes at %v", next)
		}
		if again := inView(at + 3*p.Period); !slices.Equal(now, again) {
			t.Errorf("at %v: %v, periods later %v", at, now, again)
		}
		changes++
		at = next
	}
	// Two in view of each of four stations, on average over the globe.
	if mean := float64(total) / float64(changes); changes < 40 || mean < 4 || mean > 16 {
		t.Errorf("%d changes, on average %.1f contacts", changes, mean)
	}
}

func TestWindow(t *testing.T) {
	over := topology.Window{From: 50 * time.Second, To: 70 * time.Second}
	for at, want := range map[time.Duration]bool{
		0: true, 9 * time.Second: true, 10 * time.Second: false, 49 * time.Second: false,
		50 * time.Second: true, 60 * time.Second: true, 70 * time.Second: false, 115 * time.Second: true,
	} {
		if over.Open(at, time.Minute) != want {
			t.Errorf("at %v: %t", at, !want)
		}
	}
}

func TestNothingMovesWithoutStations(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "torus", Rings: 3, Nodes: 3})
	if next, ok := p.NextContact(0); ok {
		t.Errorf("a contact at %v", next)
	}
}

package topology_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"netsonde/internal/topology"
)

func TestFaultWords(t *testing.T) {
	for _, text := range []string{
		"link-down a b", "link-up a b", "loss a b 30%", "loss a b 0.5%", "delay a b 20ms", "delay a b 20ms 5ms",
		"black-hole a b", "one-way a b", "heal a b", "node-stop a", "node-start a", "reroute a b", "reroute a b c",
	} {
		fault, err := topology.ParseFault(strings.Fields(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if fault.String() != text {
			t.Errorf("%s is written as %s", text, fault)
		}
		if !strings.Contains(topology.FaultUsage, "\n"+string(fault.Action)+" ") && !strings.HasPrefix(topology.FaultUsage, string(fault.Action)) {
			t.Errorf("the usage lacks %s", fault.Action)
		}
	}
	fault, err := topology.ParseFault([]string{"loss", "a", "b", "0.25"})
	if err != nil || fault.Loss != 0.25 {
		t.Errorf("%v, %v", fault, err)
	}
}

func TestBadFaults(t *testing.T) {
	for text, want := range map[string]string{
		"": "no fault", "explode a": "no fault", "link-down a": "give link-down A B", "link-down a b c": "give link-down A B",
		"loss a b": "SHARE", "loss a b 101%": "no share", "loss a b NaN": "no share", "loss a b -1%": "no share",
		"delay a b fast": "give a time", "delay a b -1s": "delay of", "delay a b 1h": "delay of", "delay a b 1s -1s": "jitter of",
		"node-stop": "give node-stop A", "node-stop a b": "give node-stop A",
	} {
		want = strings.Replace(want, "SHARE", "30%", 1)
		if _, err := topology.ParseFault(strings.Fields(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestDisturb(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "torus", Rings: 3, Nodes: 4, Stations: 2})
	d := topology.Disturbance{Seed: 7, From: time.Second, Until: time.Minute, Every: time.Second, Wires: true}
	p.Timeline = topology.Disturb(p, d)
	if !reflect.DeepEqual(p.Timeline, topology.Disturb(p, d)) {
		t.Error("the same seed gives another timeline")
	}
	d.Seed++
	if reflect.DeepEqual(p.Timeline, topology.Disturb(p, d)) {
		t.Error("another seed gives the same timeline")
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	state, kinds := topology.NewState(p), map[topology.Action]bool{}
	for _, e := range p.Timeline {
		kinds[e.Fault.Action] = true
		if err := state.Apply(e.Fault); err != nil {
			t.Error(err)
		}
	}
	if len(p.Timeline) != 118 || len(kinds) != 8 {
		t.Errorf("%d events of the kinds %v", len(p.Timeline), kinds)
	}
	for i, l := range p.Links {
		if want := (topology.LinkState{Forth: l.Effects, Back: l.Effects}); state.Link(i) != want || !state.Up(i) {
			t.Errorf("link %d is not healed at the end: %+v", i, state.Link(i))
		}
	}
	d.Wires = false
	p.Timeline = topology.Disturb(p, d)
	if p.NeedsWires() {
		t.Error("a timeline without wires needs them")
	}
}

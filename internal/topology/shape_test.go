package topology_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"netsonde/internal/topology"
)

// plan makes the plan of a shape that is right.
func plan(t *testing.T, s topology.Shape) *topology.Plan {
	t.Helper()
	if s.Period == 0 {
		s.Period = time.Minute
	}
	p, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShapes(t *testing.T) {
	for name, c := range map[string]struct {
		shape        topology.Shape
		nodes, links int
	}{
		"ring":             {topology.Shape{Kind: "ring", Nodes: 5}, 5, 5},
		"ring of two":      {topology.Shape{Kind: "ring", Nodes: 2}, 2, 1},
		"ring of one":      {topology.Shape{Kind: "ring", Nodes: 1}, 1, 0},
		"chain":            {topology.Shape{Kind: "chain", Nodes: 5}, 5, 4},
		"star":             {topology.Shape{Kind: "star", Nodes: 5}, 6, 5},
		"torus":            {topology.Shape{Kind: "torus", Rings: 4, Nodes: 5}, 20, 40},
		"torus of 2 rings": {topology.Shape{Kind: "torus", Rings: 2, Nodes: 3}, 6, 9},
		"torus of 1 ring":  {topology.Shape{Kind: "torus", Rings: 1, Nodes: 4}, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, c.shape)
			if len(p.Nodes) != c.nodes || len(p.Links) != c.links {
				t.Errorf("%d nodes and %d links, want %d and %d", len(p.Nodes), len(p.Links), c.nodes, c.links)
			}
		})
	}
}

func TestImpossibleShapes(t *testing.T) {
	for name, c := range map[string]struct {
		shape topology.Shape
		want  string
	}{
		"unknown":           {topology.Shape{Kind: "cube", Nodes: 2}, "no shape"},
		"no nodes":          {topology.Shape{Kind: "ring"}, "0 nodes"},
		"too many":          {topology.Shape{Kind: "torus", Rings: 30, Nodes: 30}, "at most"},
		"overflow":          {topology.Shape{Kind: "torus", Rings: 1 << 62, Nodes: 4}, "rings"},
		"stations of ring":  {topology.Shape{Kind: "ring", Nodes: 3, Stations: 1}, "belong to a torus"},
		"no period":         {topology.Shape{Kind: "torus", Rings: 3, Nodes: 3, Stations: 1}, "period"},
		"negative delay":    {topology.Shape{Kind: "ring", Nodes: 3, Link: topology.Effects{Delay: -1}}, "delay"},
		"negative stations": {topology.Shape{Kind: "torus", Rings: 3, Nodes: 3, Stations: -1}, "stations"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.shape.Plan()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestCheckFindsAll(t *testing.T) {
	p := &topology.Plan{
		Nodes: []topology.Node{
			{Name: "a", Address: topology.AddressOf(0)},
			{Name: "a", Address: topology.AddressOf(1)},
			{Name: "-", Address: topology.AddressOf(2)},
			{Name: "b", Address: topology.AddressOf(0)},
			{Name: "c"},
		},
		Links: []topology.Link{
			{A: "a", B: "nobody"}, {A: "b", B: "b"}, {A: "a", B: "b"}, {A: "b", B: "a"},
			{A: "a", B: "c", Effects: topology.Effects{Loss: 2}},
		},
		Services: []topology.Service{{Node: "a", Kind: "ftp", Port: 1}, {Node: "a", Kind: "http"}},
		Detours:  []topology.Detour{{Node: "a", To: "b", Via: "nobody"}},
		Timeline: []topology.Event{
			{At: 2 * time.Second, Fault: topology.Fault{Action: topology.LinkDown, A: "a", B: "b"}},
			{At: time.Second, Fault: topology.Fault{Action: topology.NodeStop, A: "nobody"}},
		},
	}
	err := p.Check()
	for _, want := range []string{
		`two nodes "a"`, `"-" is no name`, "two nodes have the address", "invalid IP cannot be",
		`links, number 1: there is no node "nobody"`, "to itself", "two links", "loss of 200%",
		`"ftp" is no service`, "give a port", `routes, number 1: there is no node "nobody"`,
		"comes after a later time", `timeline, number 2: there is no node "nobody"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	var element *topology.ElementError
	if !errors.As(err, &element) || element.List != "nodes" || element.Place != 1 || element.Field != "name" {
		t.Errorf("the first is %+v", element)
	}
}

func TestAddressesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for i := range topology.MaxNodes {
		a := topology.AddressOf(i).String()
		if seen[a] || strings.HasSuffix(a, ".0") || strings.HasSuffix(a, ".255") {
			t.Fatalf("node %d has %s", i, a)
		}
		seen[a] = true
	}
}

package topology_test

import (
	"strings"
	"testing"
	"time"

	"netsonde/internal/topology"
)

// walk follows the routes and returns the nodes' names, "" when they end.
func walk(p *topology.Plan, paths *topology.Paths, from, to string) string {
	at, names := p.Place(from), []string{from}
	for range p.Nodes {
		if p.Nodes[at].Name == to {
			return strings.Join(names, " ")
		}
		link, known := paths.First(at, p.Place(to))
		if !known {
			return ""
		}
		l := p.Links[link]
		next := l.B
		if next == p.Nodes[at].Name {
			next = l.A
		}
		names = append(names, next)
		at = p.Place(next)
	}
	return "loop"
}

func TestPaths(t *testing.T) {
	ring := topology.Shape{Kind: "ring", Nodes: 6}
	triangle := func() *topology.Plan {
		p := &topology.Plan{Nodes: []topology.Node{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
		p.Links = []topology.Link{
			{A: "a", B: "c", Effects: topology.Effects{Delay: 50 * time.Millisecond}}, {A: "a", B: "b"}, {A: "b", B: "c"},
		}
		return p
	}
	relay := triangle()
	relay.Nodes[1].Station = true
	for name, c := range map[string]struct {
		plan     *topology.Plan
		faults   []string
		from, to string
		want     string
		answers  bool
	}{
		"shortest":               {plan(t, ring), nil, "node1", "node5", "node1 node6 node5", true},
		"equal: the lower place": {plan(t, ring), nil, "node1", "node4", "node1 node2 node3 node4", true},
		"around a cut":           {plan(t, ring), []string{"link-down node6 node1"}, "node1", "node5", "node1 node2 node3 node4 node5", true},
		"mended":                 {plan(t, ring), []string{"link-down node6 node1", "link-up node1 node6"}, "node1", "node5", "node1 node6 node5", true},
		"cut off":                {plan(t, ring), []string{"link-down node1 node2", "link-down node1 node6"}, "node1", "node5", "", false},
		"around a stopped node":  {plan(t, ring), []string{"node-stop node6"}, "node1", "node5", "node1 node2 node3 node4 node5", true},
		"a stopped node":         {plan(t, ring), []string{"node-stop node6"}, "node1", "node6", "", false},
		"started":                {plan(t, ring), []string{"node-stop node6", "node-start node6"}, "node1", "node6", "node1 node6", true},
		"into a black hole":      {plan(t, ring), []string{"black-hole node1 node2"}, "node1", "node2", "node1 node2", false},
		"against one way":        {plan(t, ring), []string{"one-way node1 node2"}, "node2", "node1", "node2 node1", false},
		"some loss":              {plan(t, ring), []string{"loss node1 node2 99%"}, "node1", "node2", "node1 node2", true},
		"healed":                 {plan(t, ring), []string{"black-hole node1 node2", "heal node2 node1"}, "node1", "node2", "node1 node2", true},
		"detour":                 {plan(t, ring), []string{"reroute node1 node2 node6"}, "node1", "node2", "loop", false},
		"detour taken back":      {plan(t, ring), []string{"reroute node1 node2 node6", "reroute node1 node2"}, "node1", "node2", "node1 node2", true},
		"detour that is cut":     {plan(t, ring), []string{"reroute node1 node2 node6", "link-down node1 node6"}, "node1", "node2", "node1 node2", true},
		"by delay":               {triangle(), nil, "a", "c", "a b c", true},
		"a fault's delay":        {triangle(), []string{"delay a b 1s"}, "a", "c", "a b c", true},
		"not through a station":  {relay, nil, "a", "c", "a c", true},
		"to a station":           {relay, nil, "c", "b", "c b", true},
	} {
		t.Run(name, func(t *testing.T) {
			state := topology.NewState(c.plan)
			for _, text := range c.faults {
				fault, err := topology.ParseFault(strings.Fields(text))
				if err != nil {
					t.Fatal(err)
				}
				if err := state.Apply(fault); err != nil {
					t.Fatal(err)
				}
			}
			paths := state.Paths()
			if got := walk(c.plan, paths, c.from, c.to); got != c.want {
				t.Errorf("the path is %q, want %q", got, c.want)
			}
			if got := paths.Answers(c.plan.Place(c.from), c.plan.Place(c.to)); got != c.answers {
				t.Errorf("answers: %t", got)
			}
		})
	}
}

// All pairs of a torus are as far apart as the two rings say.
func TestTorusPathsAreShortest(t *testing.T) {
	const rings, nodes = 5, 6
	p := plan(t, topology.Shape{Kind: "torus", Rings: rings, Nodes: nodes})
	paths := topology.NewState(p).Paths()
	around := func(a, b, n int) int { d := (a - b + n) % n; return min(d, n-d) }
	for from := range p.Nodes {
		for to := range p.Nodes {
			want := around(from/nodes, to/nodes, rings) + around(from%nodes, to%nodes, nodes)
			got := len(strings.Fields(walk(p, paths, p.Nodes[from].Name, p.Nodes[to].Name))) - 1
			if got != want {
				t.Fatalf("%s to %s: %d links, want %d", p.Nodes[from].Name, p.Nodes[to].Name, got, want)
			}
		}
	}
}

func TestFaultsThatCannotBe(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "ring", Nodes: 4})
	for text, want := range map[string]string{
		"link-down node1 node3":     "no link",
		"link-down node1 x":         "no node",
		"node-stop x":               "no node",
		"reroute node1 node3 node3": "no neighbour",
		"reroute node1 node1":       "itself",
	} {
		fault, err := topology.ParseFault(strings.Fields(text))
		if err == nil {
			err = topology.NewState(p).Apply(fault)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A clone changes by itself.
func TestClone(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "ring", Nodes: 4})
	state := topology.NewState(p)
	clone := state.Clone()
	for _, f := range []topology.Fault{
		{Action: topology.LinkDown, A: "node1", B: "node2"}, {Action: topology.NodeStop, A: "node3"},
		{Action: topology.Reroute, A: "node1", B: "node4", Via: "node2"},
	} {
		if err := clone.Apply(f); err != nil {
			t.Fatal(err)
		}
	}
	paths := state.Paths()
	if link, _ := paths.First(0, 3); !state.Up(0) || state.Stopped(2) || link != 3 {
		t.Errorf("the original has changed: up %t, stopped %t, link %d", state.Up(0), state.Stopped(2), link)
	}
}

func TestLongestPath(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "ring", Nodes: 7})
	state := topology.NewState(p)
	if from, to, links := state.Paths().Longest(); from != 0 || to != 3 || links != 3 {
		t.Errorf("of a ring from %d to %d %d links", from, to, links)
	}
	if err := state.Apply(topology.Fault{Action: topology.LinkDown, A: "node7", B: "node1"}); err != nil {
		t.Fatal(err)
	}
	if _, _, links := state.Paths().Longest(); links != 6 {
		t.Errorf("of a chain %d links", links)
	}
	if _, _, links := topology.NewState(plan(t, topology.Shape{Kind: "ring", Nodes: 1})).Paths().Longest(); links != 0 {
		t.Errorf("of one node %d links", links)
	}
}

// What begins again at once would do nothing else.
func TestRepeat(t *testing.T) {
	for repeat, good := range map[time.Duration]bool{0: true, 100 * time.Millisecond: true, 1: false, -time.Second: false} {
		p := plan(t, topology.Shape{Kind: "ring", Nodes: 3})
		p.Repeat = repeat
		if err := p.Check(); (err == nil) != good {
			t.Errorf("%v: %v", repeat, err)
		}
	}
}

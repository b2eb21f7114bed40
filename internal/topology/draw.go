package topology

import (
	"fmt"
	"strings"
)

// DrawingKinds are the forms of Draw: "dot" is Graphviz's, "mermaid" is
// Mermaid's flowchart, "ascii" is for a terminal.
func DrawingKinds() []string { return []string{"dot", "mermaid", "ascii"} }

// Draw returns the graph with what is up and down.
func (s *State) Draw(kind string) (string, error) {
	switch kind {
	case "dot":
		return s.dot(), nil
	case "mermaid":
		return s.mermaid(), nil
	case "ascii":
		return s.ascii(), nil
	}
	return "", fmt.Errorf("%q is no drawing: give one of %q", kind, DrawingKinds())
}

func (s *State) dot() string {
	var b strings.Builder
	b.WriteString("graph lab {\n")
	for i, n := range s.plan.Nodes {
		fmt.Fprintf(&b, "  %q [label=\"%s\\n%v\"", n.Name, n.Name, n.Address)
		if n.Station {
			b.WriteString(", shape=box")
		}
		if s.stopped[i] {
			b.WriteString(", style=dashed")
		}
		b.WriteString("];\n")
	}
	for i, l := range s.plan.Links {
		fmt.Fprintf(&b, "  %q -- %q [label=%q", l.A, l.B, s.links[i].label())
		if !s.Up(i) {
			b.WriteString(", style=dashed")
		}
		b.WriteString("];\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// mermaid numbers the nodes: names may hold what Mermaid takes for a keyword.
func (s *State) mermaid() string {
	var b strings.Builder
	b.WriteString("graph LR\n")
	for i, n := range s.plan.Nodes {
		left, right := "(", ")"
		if n.Station {
			left, right = "[", "]"
		}
		stopped := ""
		if s.stopped[i] {
			stopped = " stopped"
		}
		fmt.Fprintf(&b, "  n%d%s\"%s %v%s\"%s\n", i, left, n.Name, n.Address, stopped, right)
	}
	for i, l := range s.plan.Links {
		line := "---"
		if !s.Up(i) {
			line = "-.-"
		}
		if label := s.links[i].label(); label != "" {
			line += "|\"" + label + "\"|"
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", s.places[l.A], line, s.places[l.B])
	}
	return b.String()
}

// ascii lists each node with its neighbours.
func (s *State) ascii() string {
	neighbours := make([][]string, len(s.plan.Nodes))
	for i, l := range s.plan.Links {
		line := "--"
		if !s.Up(i) {
			line = "-x-"
		}
		a, b := s.places[l.A], s.places[l.B]
		label := s.links[i].label()
		if label != "" {
			label = " (" + label + ")"
		}
		neighbours[a] = append(neighbours[a], line+" "+l.B+label)
		neighbours[b] = append(neighbours[b], line+" "+l.A+label)
	}
	var b strings.Builder
	for i, n := range s.plan.Nodes {
		state := ""
		if s.stopped[i] {
			state = "stopped"
		}
		fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%-12s %-15v %s", n.Name, n.Address, state), " "))
		for _, neighbour := range neighbours[i] {
			fmt.Fprintf(&b, "  %s\n", neighbour)
		}
	}
	return b.String()
}

// label tells a link's effects, each direction when they differ.
func (l LinkState) label() string {
	if l.Forth == l.Back {
		return l.Forth.String()
	}
	return "forth " + l.Forth.words() + ", back " + l.Back.words()
}

func (e Effects) words() string {
	if text := e.String(); text != "" {
		return text
	}
	return "clean"
}

// String tells the effects for people, "" when there are none.
func (e Effects) String() string {
	var words []string
	if e.Delay > 0 {
		words = append(words, e.Delay.String())
	}
	if e.Jitter > 0 {
		words = append(words, "jitter "+e.Jitter.String())
	}
	if e.Loss > 0 {
		words = append(words, "loss "+FormatShare(e.Loss))
	}
	return strings.Join(words, " ")
}

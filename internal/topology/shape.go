package topology

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Shape describes a network by a few numbers.
type Shape struct {
	// Kind is one of ShapeKinds.
	Kind string
	// Nodes is how many a ring, a chain or each ring of a torus has, and how
	// many a star has around its hub.
	Nodes int
	// Rings are those of a torus, Stations the places on the ground below it.
	Rings, Stations int
	// Period is how long a satellite takes to come around.
	Period time.Duration
	// Link is what every link does.
	Link Effects
	Seed uint64
}

// ShapeKinds are the shapes that there are. A ring is closed, a chain is not.
// A star has a hub in the middle. A torus is rings of satellites, each joined
// to its two neighbours in the ring and to those in the two rings beside.
func ShapeKinds() []string { return []string{"ring", "torus", "star", "chain"} }

// Plan makes the shape's plan.
func (s Shape) Plan() (*Plan, error) {
	p := &Plan{Seed: s.Seed}
	if !slices.Contains(ShapeKinds(), s.Kind) {
		return nil, fmt.Errorf("%q is no shape: give one of %q", s.Kind, ShapeKinds())
	}
	if s.Nodes < 1 || s.Nodes > MaxNodes {
		return nil, fmt.Errorf("%d nodes: give 1 to %d", s.Nodes, MaxNodes)
	}
	if s.Kind != "torus" && s.Stations != 0 {
		return nil, fmt.Errorf("a %s has no ground stations: they belong to a torus", s.Kind)
	}
	if field, err := s.Link.check(); err != nil {
		return nil, fmt.Errorf("%s of the links: %w", field, err)
	}
	switch s.Kind {
	case "ring", "chain":
		first := p.add("node", s.Nodes)
		p.row(first, s.Nodes, 1, s.Kind == "ring", s.Link)
	case "star":
		p.Nodes = append(p.Nodes, Node{Name: "hub", Address: AddressOf(0)})
		first := p.add("node", s.Nodes)
		for i := range s.Nodes {
			p.link(0, first+i, s.Link)
		}
	case "torus":
		if err := s.torus(p); err != nil {
			return nil, err
		}
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (s Shape) torus(p *Plan) error {
	switch {
	case s.Rings < 1 || s.Rings > MaxNodes || s.Rings*s.Nodes > MaxNodes:
		return fmt.Errorf("%d rings of %d nodes: give 1 or more rings and at most %d nodes in all", s.Rings, s.Nodes, MaxNodes)
	case s.Stations < 0 || s.Stations > MaxNodes:
		return fmt.Errorf("%d stations: give 0 to %d", s.Stations, MaxNodes)
	case s.Stations > 0 && s.Period < time.Second:
		return fmt.Errorf("a period of %v: give at least 1s", s.Period)
	}
	for ring := range s.Rings {
		first := p.add("sat"+strconv.Itoa(ring+1)+"-", s.Nodes)
		p.row(first, s.Nodes, 1, true, s.Link)
	}
	for place := range s.Nodes {
		p.row(place, s.Rings, s.Nodes, true, s.Link)
	}
	first := p.add("ground", s.Stations)
	for i := range s.Stations {
		p.Nodes[first+i].Station = true
	}
	if s.Stations > 0 {
		p.Period = s.Period
		c := constellation{rings: s.Rings, nodes: s.Nodes, stations: s.Stations, period: s.Period}
		for station := range s.Stations {
			for satellite := range first {
				if windows := c.contacts(station, satellite); windows != nil {
					p.link(first+station, satellite, s.Link)
					p.Links[len(p.Links)-1].Contacts = windows
				}
			}
		}
	}
	return nil
}

// add appends nodes that are numbered from 1 and returns the first's place.
func (p *Plan) add(prefix string, count int) int {
	first := len(p.Nodes)
	for i := range count {
		p.Nodes = append(p.Nodes, Node{Name: prefix + strconv.Itoa(i+1), Address: AddressOf(first + i)})
	}
	return first
}

// row joins count nodes that are step places apart, and the last to the first
// if closed. Two nodes have one link, closed or not.
func (p *Plan) row(first, count, step int, closed bool, effects Effects) {
	for i := range count - 1 {
		p.link(first+i*step, first+(i+1)*step, effects)
	}
	if closed && count > 2 {
		p.link(first+(count-1)*step, first, effects)
	}
}

func (p *Plan) link(a, b int, effects Effects) {
	p.Links = append(p.Links, Link{A: p.Nodes[a].Name, B: p.Nodes[b].Name, Effects: effects})
}

package emulation

import (
	"errors"
	"fmt"
	"net/netip"

	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

// Apply brings a fault about, routes included, before it returns.
func (e *Emulation) Apply(fault topology.Fault) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	state := e.state.Clone()
	if err := state.Apply(fault); err != nil {
		return err
	}
	if err := e.become(state); err != nil {
		return fmt.Errorf("%v: %w", fault, err)
	}
	e.note(fault.String())
	return nil
}

// become brings the network from its state to another. What goes down does so
// after the routes have left it: a change of contacts loses nothing.
func (e *Emulation) become(state *topology.State) error {
	if err := e.replaceCables(state); err != nil {
		return err
	}
	for i, c := range e.cables {
		l := state.Link(i)
		if l.Forth != c.forth || l.Back != c.back {
			c.affect(l.Forth, l.Back)
		}
		if state.Up(i) {
			c.put(true)
		}
	}
	e.route(state.Paths())
	for i, c := range e.cables {
		if !state.Up(i) {
			c.put(false)
		}
	}
	problems := []error{e.network.Err()}
	for i, services := range e.services {
		if state.Stopped(i) == e.state.Stopped(i) {
			continue
		}
		for _, s := range services {
			if state.Stopped(i) {
				problems = append(problems, s.Close())
			} else {
				s.Open()
			}
		}
	}
	e.state = state
	return errors.Join(problems...)
}

// replaceCables puts wires where the state needs them, or changes nothing.
func (e *Emulation) replaceCables(state *topology.State) error {
	var needed []int
	for i, c := range e.cables {
		l := state.Link(i)
		if c.wire == nil && (l.Forth.NeedWire() || l.Back.NeedWire()) {
			needed = append(needed, i)
		}
	}
	if needed == nil {
		return nil
	}
	if err := lab.CanWire(); err != nil {
		return err
	}
	for _, link := range needed {
		e.cables[link].replace()
		for _, ways := range e.first {
			for to, first := range ways {
				if first == link {
					ways[to] = -1
				}
			}
		}
	}
	e.carry()
	return nil
}

// carry starts the wires that nobody runs, if Run does.
func (e *Emulation) carry() {
	if e.carriers == nil {
		return
	}
	for _, c := range e.cables {
		if c.wire != nil && !c.running {
			c.running = true
			e.carriers.Go(func() error { return c.run(e.carrying) })
		}
	}
}

// route gives the nodes the ways that have changed.
func (e *Emulation) route(paths *topology.Paths) {
	for from, node := range e.nodes {
		var hops []lab.Hop
		for to := range e.nodes {
			link, known := paths.First(from, to)
			if !known {
				link = -1
			}
			if from == to || link == e.first[from][to] {
				continue
			}
			hop := lab.Hop{To: e.plan.Nodes[to].Address}
			if known {
				hop.Link, hop.Via = e.cables[link].link, e.cables[link].across(node)
			}
			hops = append(hops, hop)
			e.first[from][to] = link
		}
		if hops != nil {
			node.Hops(e.plan.Nodes[from].Address, hops)
		}
	}
}

// across returns the address at the other end.
func (c *cable) across(node *lab.Node) netip.Addr {
	if node == c.a {
		return c.addressB
	}
	return c.addressA
}

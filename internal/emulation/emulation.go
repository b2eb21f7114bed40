package emulation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

// maxNotes bounds how much of the past a status tells.
const maxNotes = 100

// Emulation is a plan that has been built.
type Emulation struct {
	plan     *topology.Plan
	network  *lab.Network
	nodes    []*lab.Node
	services [][]*lab.Service
	began    time.Time

	mutex  sync.Mutex
	state  *topology.State
	cables []*cable
	// first is the first link of each way that the nodes have, by source and
	// destination; -1 is none.
	first [][]int
	notes []Note

	// carriers run wires while Run does.
	carriers *errgroup.Group
	carrying context.Context
}

const (
	// TimeToLive is how many links a node's packets pass at most: no packet
	// can pass more.
	TimeToLive = 255
	// freshTimeToLive is that of a fresh Linux machine, and of the nodes of a
	// lab in which it leads everywhere.
	freshTimeToLive = 64
)

// Note tells what happened at a time since the start.
type Note struct {
	At   time.Duration `json:"at"`
	Text string        `json:"text"`
}

// New builds a plan. The error wraps lab.ErrUnavailable when this machine or
// this user cannot make namespaces. The caller closes the emulation; wires
// carry nothing, and nothing happens by itself, unless Run runs.
func New(plan *topology.Plan) (*Emulation, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	if plan.NeedsWires() {
		if err := lab.CanWire(); err != nil {
			return nil, fmt.Errorf("delay, jitter and loss: %w", err)
		}
	}
	network, err := lab.New()
	if err != nil {
		return nil, err
	}
	e := &Emulation{plan: plan, network: network, state: topology.NewState(plan), cables: make([]*cable, len(plan.Links))}
	if err := e.build(); err != nil {
		return nil, errors.Join(err, network.Close())
	}
	return e, nil
}

func (e *Emulation) build() error {
	hosts := make([]string, len(e.plan.Nodes))
	for i, n := range e.plan.Nodes {
		hosts[i] = n.Address.String() + " " + n.Name
	}
	places := map[string]*lab.Node{}
	for _, n := range e.plan.Nodes {
		node := e.network.Node(n.Name)
		node.Address(n.Address.String() + "/32")
		node.Forward()
		if len(e.plan.Nodes) > freshTimeToLive+1 {
			node.Sysctl("net.ipv4.ip_default_ttl", strconv.Itoa(TimeToLive))
		}
		node.Hosts(hosts...)
		e.nodes = append(e.nodes, node)
		places[n.Name] = node
		ways := make([]int, len(e.plan.Nodes))
		for i := range ways {
			ways[i] = -1
		}
		e.first = append(e.first, ways)
	}
	for i, l := range e.plan.Links {
		e.cables[i] = &cable{
			network: e.network, seed: e.plan.Seed + uint64(i), a: places[l.A], b: places[l.B],
			addressA: e.plan.Nodes[e.plan.Place(l.A)].Address, addressB: e.plan.Nodes[e.plan.Place(l.B)].Address,
		}
		e.cables[i].lay(l.NeedWire())
	}
	e.services = make([][]*lab.Service, len(e.nodes))
	for _, s := range e.plan.Services {
		if err := e.serve(s); err != nil {
			return err
		}
	}
	state := e.state.Clone()
	state.Contacts(0)
	e.began = time.Now()
	return e.become(state)
}

// serve starts a service. Each listens on its node's address alone.
func (e *Emulation) serve(s topology.Service) (err error) {
	server := lab.Nginx("1.26.0")
	switch s.Kind {
	case "https":
		if server, err = lab.TLS(s.Node, 0, server); err != nil {
			return fmt.Errorf("service of node %s: %w", s.Node, err)
		}
	case "mysql":
		server = lab.MySQL("8.4.0")
	}
	place := e.plan.Place(s.Node)
	address := fmt.Sprintf("%v:%d", e.plan.Nodes[place].Address, s.Port)
	e.services[place] = append(e.services[place], e.nodes[place].Serve(address, server))
	return e.network.Err()
}

// Node returns a node by its name.
func (e *Emulation) Node(name string) (*lab.Node, error) {
	place := e.plan.Place(name)
	if place < 0 {
		return nil, fmt.Errorf("there is no node %q", name)
	}
	return e.nodes[place], nil
}

// Elapsed returns the time since the start.
func (e *Emulation) Elapsed() time.Duration { return time.Since(e.began) }

// State returns a copy of what is up and down now.
func (e *Emulation) State() *topology.State {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.state.Clone()
}

// Notes returns what happened, the latest 100 in their order.
func (e *Emulation) Notes() []Note {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return append([]Note(nil), e.notes...)
}

// note keeps what happened. The mutex is held.
func (e *Emulation) note(text string) {
	if len(e.notes) == maxNotes {
		e.notes = append(e.notes[:0], e.notes[1:]...)
	}
	e.notes = append(e.notes, Note{At: e.Elapsed(), Text: text})
}

// Close removes everything, once Run has returned.
func (e *Emulation) Close() error { return e.network.Close() }

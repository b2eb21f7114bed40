package topology

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	// MaxNodes bounds a plan: every node is a thread and two namespaces.
	MaxNodes = 512
	// MaxLinks bounds a plan's links.
	MaxLinks = 4096
	// maxName leaves room in an interface's name, at most 15 bytes, for a
	// number behind the name of the node at the other end.
	maxName = 12
)

// Plan is a network that is to be built.
type Plan struct {
	// Seed decides which packets loss and jitter hit.
	Seed  uint64 `json:"seed"`
	Nodes []Node `json:"nodes"`
	Links []Link `json:"links"`
	// Detours are the paths that are not the shortest, by choice.
	Detours  []Detour  `json:"detours,omitempty"`
	Services []Service `json:"services,omitempty"`
	// Period is the time after which contact windows come again; 0 without.
	Period time.Duration `json:"period,omitempty"`
	// Timeline is what happens by itself, in the order of its times. It begins
	// again after Repeat, 100ms or more; 0 is never.
	Timeline []Event       `json:"timeline,omitempty"`
	Repeat   time.Duration `json:"repeat,omitempty"`
}

// Node is one machine.
type Node struct {
	// Name has 1 to 12 letters, digits, "." and "-", and begins with a letter
	// or a digit: interfaces are named after it.
	Name string `json:"name"`
	// Address is the node's own (IPv4) on all its links.
	Address netip.Addr `json:"address"`
	// Station says that packets of others never pass through the node.
	Station bool `json:"station,omitempty"`
}

// Link joins two nodes by their names.
type Link struct {
	A string `json:"a"`
	B string `json:"b"`
	// Effects are the same in both directions.
	Effects
	// Contacts are when the link is there; nil is always.
	Contacts []Window `json:"contacts,omitempty"`
}

// Effects are what a link does to packets in one direction.
type Effects struct {
	// Delay is added to every packet, and a random part of Jitter.
	Delay  time.Duration `json:"delay,omitempty"`
	Jitter time.Duration `json:"jitter,omitempty"`
	// Loss is the share of packets that vanish, 0 to 1.
	Loss float64 `json:"loss,omitempty"`
}

// Detour sends what Node has for To through its neighbour Via.
type Detour struct {
	Node string `json:"node"`
	To   string `json:"to"`
	Via  string `json:"via"`
}

// Service is a server of a node.
type Service struct {
	Node string `json:"node"`
	// Kind is one of ServiceKinds.
	Kind string `json:"kind"`
	Port uint16 `json:"port"`
}

// ServiceKinds are the servers that a node can have.
func ServiceKinds() []string { return []string{"http", "https", "mysql"} }

// Event is a fault at a time since the lab came up.
type Event struct {
	At    time.Duration `json:"at"`
	Fault Fault         `json:"fault"`
}

// AddressOf returns the address that the node in the place-th position, from
// 0, has when a plan gives none: in 10.0.0.0/8, never ending in 0 or 255.
func AddressOf(place int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(place / 250), byte(place%250 + 1)})
}

// Place returns the place of a node, from 0, or -1 if there is none.
func (p *Plan) Place(name string) int {
	for i := range p.Nodes {
		if p.Nodes[i].Name == name {
			return i
		}
	}
	return -1
}

// Check returns everything that makes the plan impossible; each error is an
// *ElementError or is about the plan as a whole.
func (p *Plan) Check() error {
	var problems []error
	if len(p.Nodes) == 0 {
		problems = append(problems, errors.New("a lab needs at least one node"))
	}
	if len(p.Nodes) > MaxNodes {
		return element("", 0, "nodes", fmt.Errorf("too many nodes: give at most %d", MaxNodes))
	}
	if len(p.Links) > MaxLinks {
		return element("", 0, "links", fmt.Errorf("too many links: give at most %d", MaxLinks))
	}
	names, addresses := map[string]bool{}, map[netip.Addr]bool{}
	for i, n := range p.Nodes {
		switch {
		case !validName(n.Name):
			problems = append(problems, element("nodes", i, "name", fmt.Errorf(
				"%q is no name for a node: give 1 to %d letters, digits, \".\" or \"-\", the first a letter or a digit", n.Name, maxName)))
		case names[n.Name]:
			problems = append(problems, element("nodes", i, "name", fmt.Errorf("there are two nodes %q", n.Name)))
		}
		names[n.Name] = true
		switch a := n.Address; {
		case !a.Is4() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.As4()[0] >= 240:
			problems = append(problems, element("nodes", i, "address", fmt.Errorf("%v cannot be a node's address: give an IPv4 address such as 10.0.0.1", a)))
		case addresses[a]:
			problems = append(problems, element("nodes", i, "address", fmt.Errorf("two nodes have the address %v", a)))
		}
		addresses[n.Address] = true
	}
	problems = append(problems, p.checkLinks(names)...)
	problems = append(problems, p.checkRest(names)...)
	return errors.Join(problems...)
}

func (p *Plan) checkLinks(names map[string]bool) (problems []error) {
	pairs := map[[2]string]bool{}
	for i, l := range p.Links {
		for _, name := range []string{l.A, l.B} {
			if !names[name] {
				problems = append(problems, element("links", i, "between", fmt.Errorf("there is no node %q", name)))
			}
		}
		pair := [2]string{min(l.A, l.B), max(l.A, l.B)}
		switch {
		case l.A == l.B:
			problems = append(problems, element("links", i, "between", fmt.Errorf("a link from %q to itself", l.A)))
		case pairs[pair]:
			problems = append(problems, element("links", i, "between", fmt.Errorf("there are two links between %q and %q", l.A, l.B)))
		}
		pairs[pair] = true
		if field, err := l.check(); err != nil {
			problems = append(problems, element("links", i, field, err))
		}
	}
	return problems
}

func (p *Plan) checkRest(names map[string]bool) (problems []error) {
	state := NewState(p)
	for i, d := range p.Detours {
		if err := state.Apply(Fault{Action: Reroute, A: d.Node, B: d.To, Via: d.Via}); err != nil {
			problems = append(problems, element("routes", i, "", err))
		}
	}
	for i, s := range p.Services {
		known := false
		for _, kind := range ServiceKinds() {
			known = known || kind == s.Kind
		}
		if !names[s.Node] {
			problems = append(problems, element("services", i, "node", fmt.Errorf("there is no node %q", s.Node)))
		}
		if !known {
			problems = append(problems, element("services", i, "kind", fmt.Errorf("%q is no service: give one of %q", s.Kind, ServiceKinds())))
		}
		if s.Port == 0 {
			problems = append(problems, element("services", i, "port", errors.New("give a port from 1 to 65535")))
		}
	}
	for i, e := range p.Timeline {
		if err := state.Apply(e.Fault); err != nil {
			problems = append(problems, element("timeline", i, "fault", err))
		}
		if e.At < 0 || i > 0 && e.At < p.Timeline[i-1].At {
			problems = append(problems, element("timeline", i, "at", fmt.Errorf("%v comes after a later time", e.At)))
		}
		if p.Repeat > 0 && e.At >= p.Repeat {
			problems = append(problems, element("timeline", i, "at", fmt.Errorf("%v is never reached: the timeline begins again after %v", e.At, p.Repeat)))
		}
	}
	if p.Repeat != 0 && p.Repeat < minRepeat {
		problems = append(problems, element("", 0, "repeat", fmt.Errorf("a repeat of %v: give 0 for never, or at least %v", p.Repeat, minRepeat)))
	}
	if p.Period < 0 {
		problems = append(problems, errors.New("the satellites' period cannot be negative"))
	}
	return problems
}

// MaxDelay bounds delays and jitter: packets on their way are kept in memory.
const MaxDelay = time.Minute

// minRepeat leaves time for something else than beginning again.
const minRepeat = 100 * time.Millisecond

// check returns the field that is out of its range.
func (e Effects) check() (field string, err error) {
	switch {
	case e.Delay < 0 || e.Delay > MaxDelay:
		return "delay", fmt.Errorf("a delay of %v: give 0 to %v", e.Delay, MaxDelay)
	case e.Jitter < 0 || e.Jitter > MaxDelay:
		return "jitter", fmt.Errorf("a jitter of %v: give 0 to %v", e.Jitter, MaxDelay)
	case !(e.Loss >= 0 && e.Loss <= 1):
		return "loss", fmt.Errorf("a loss of %v%%: give 0 to 100%%", e.Loss*100)
	}
	return "", nil
}

// validName reports whether name can name a node. The names of the two things
// that every node and every family of routes has are not free.
func validName(name string) bool {
	if name == "" || len(name) > maxName || name == "lo" || name == "localhost" || name == "all" || name == "default" {
		return false
	}
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// ElementError tells which element of a plan is wrong.
type ElementError struct {
	// List is the plan's list as lab files call it ("nodes", "links",
	// "routes", "services", "timeline"), "" for the plan itself. Place counts
	// from 0, and Field is "" for the element as a whole.
	List  string
	Place int
	Field string
	Err   error
}

func element(list string, place int, field string, err error) error {
	return &ElementError{List: list, Place: place, Field: field, Err: err}
}

func (e *ElementError) Error() string {
	if e.List == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s, number %d: %v", e.List, e.Place+1, e.Err)
}

// Unwrap returns what is wrong.
func (e *ElementError) Unwrap() error { return e.Err }

// NeedWire reports whether a link needs a wire of our own for the effects: the
// kernel's can carry all or nothing.
func (e Effects) NeedWire() bool {
	return e.Delay > 0 || e.Jitter > 0 || e.Loss > 0 && e.Loss < 1
}

// NeedsWires reports whether the plan has links, or will have by its timeline,
// that need a wire.
func (p *Plan) NeedsWires() bool {
	for _, l := range p.Links {
		if l.NeedWire() {
			return true
		}
	}
	for _, e := range p.Timeline {
		if e.Fault.NeedWire() {
			return true
		}
	}
	return false
}

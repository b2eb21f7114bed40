package topology

import (
	"fmt"
	"maps"
	"time"
)

// State is what a plan has become by faults and by time.
type State struct {
	plan    *Plan
	places  map[string]int
	between map[[2]int]int
	links   []LinkState
	stopped []bool
	detours map[[2]int]int
}

// LinkState is how a link is.
type LinkState struct {
	// Cut is by a fault, Away because its satellite is out of view.
	Cut, Away bool
	// Forth is from A to B, Back from B to A.
	Forth, Back Effects
}

// NewState returns the plan's state at its start, before Contacts. The plan
// must not change; links to nodes that it does not have are left out.
func NewState(p *Plan) *State {
	s := &State{
		plan: p, places: map[string]int{}, between: map[[2]int]int{},
		links: make([]LinkState, len(p.Links)), stopped: make([]bool, len(p.Nodes)), detours: map[[2]int]int{},
	}
	for i := range p.Nodes {
		s.places[p.Nodes[i].Name] = i
	}
	for i, l := range p.Links {
		s.links[i] = LinkState{Forth: l.Effects, Back: l.Effects}
		a, known := s.places[l.A]
		b, also := s.places[l.B]
		if known && also {
			s.between[[2]int{a, b}] = i
			s.between[[2]int{b, a}] = i
		}
	}
	for _, d := range p.Detours {
		// Check tells those that cannot be.
		_ = s.Apply(Fault{Action: Reroute, A: d.Node, B: d.To, Via: d.Via})
	}
	return s
}

// Clone returns a copy that changes by itself.
func (s *State) Clone() *State {
	c := *s
	c.links = append([]LinkState(nil), s.links...)
	c.stopped = append([]bool(nil), s.stopped...)
	c.detours = maps.Clone(s.detours)
	return &c
}

// Link returns how the link in a place of the plan is.
func (s *State) Link(place int) LinkState { return s.links[place] }

// Up reports whether the link in a place of the plan is up: not cut, in view,
// and both its nodes run.
func (s *State) Up(place int) bool {
	l := s.plan.Links[place]
	return !s.links[place].Cut && !s.links[place].Away &&
		!s.stopped[s.places[l.A]] && !s.stopped[s.places[l.B]]
}

// Stopped reports whether the node in a place of the plan is stopped.
func (s *State) Stopped(place int) bool { return s.stopped[place] }

// Contacts brings links with contact windows to a time since the start.
func (s *State) Contacts(at time.Duration) {
	for i, l := range s.plan.Links {
		if l.Contacts == nil {
			continue
		}
		s.links[i].Away = true
		for _, w := range l.Contacts {
			if w.Open(at, s.plan.Period) {
				s.links[i].Away = false
			}
		}
	}
}

// NextContact returns the first time after at when Contacts changes something;
// ok is false when nothing ever does.
func (p *Plan) NextContact(at time.Duration) (next time.Duration, ok bool) {
	if p.Period <= 0 {
		return 0, false
	}
	for _, l := range p.Links {
		for _, w := range l.Contacts {
			for _, edge := range []time.Duration{w.From % p.Period, w.To % p.Period} {
				wait := edge - at%p.Period
				if wait <= 0 {
					wait += p.Period
				}
				if !ok || at+wait < next {
					next, ok = at+wait, true
				}
			}
		}
	}
	return next, ok
}

// Apply brings a fault about. The error says what is wrong with it; then
// nothing has changed.
func (s *State) Apply(f Fault) error {
	a, known := s.places[f.A]
	if !known {
		return fmt.Errorf("there is no node %q", f.A)
	}
	switch f.Action {
	case NodeStop, NodeStart:
		s.stopped[a] = f.Action == NodeStop
		return nil
	case Reroute:
		return s.reroute(a, f)
	}
	b, known := s.places[f.B]
	if !known {
		return fmt.Errorf("there is no node %q", f.B)
	}
	place, known := s.between[[2]int{a, b}]
	if !known {
		return fmt.Errorf("there is no link between %q and %q", f.A, f.B)
	}
	changed, err := s.links[place].after(f, s.plan.Links[place])
	if err != nil {
		return err
	}
	s.links[place] = changed
	return nil
}

// after returns what a fault makes of a link.
func (l LinkState) after(f Fault, planned Link) (LinkState, error) {
	if _, err := f.check(); err != nil {
		return l, err
	}
	forth, back := &l.Forth, &l.Back
	if planned.A != f.A {
		forth, back = back, forth
	}
	switch f.Action {
	case LinkDown, LinkUp:
		l.Cut = f.Action == LinkDown
	case Loss:
		forth.Loss, back.Loss = f.Loss, f.Loss
	case Delay:
		forth.Delay, forth.Jitter = f.Delay, f.Jitter
		back.Delay, back.Jitter = f.Delay, f.Jitter
	case BlackHole:
		forth.Loss, back.Loss = 1, 1
	case OneWay:
		forth.Loss, back.Loss = 1, planned.Loss
	case Heal:
		l.Cut, l.Forth, l.Back = false, planned.Effects, planned.Effects
	default:
		return l, fmt.Errorf("%q is no fault", f.Action)
	}
	return l, nil
}

func (s *State) reroute(node int, f Fault) error {
	to, known := s.places[f.B]
	switch {
	case !known:
		return fmt.Errorf("there is no node %q", f.B)
	case to == node:
		return fmt.Errorf("a route from %q to itself", f.A)
	case f.Via == "":
		delete(s.detours, [2]int{node, to})
		return nil
	}
	via, known := s.places[f.Via]
	if !known {
		return fmt.Errorf("there is no node %q", f.Via)
	}
	place, known := s.between[[2]int{node, via}]
	if !known {
		return fmt.Errorf("%q is no neighbour of %q", f.Via, f.A)
	}
	s.detours[[2]int{node, to}] = place
	return nil
}

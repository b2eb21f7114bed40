package topology

import (
	"math/rand/v2"
	"time"
)

// Disturbance says which faults Disturb may take.
type Disturbance struct {
	// Seed decides all.
	Seed uint64
	// From and Until are the first and last moments, Every the time from one
	// fault to the next; each is undone after half of that.
	From, Until, Every time.Duration
	// Wires allows faults that need links of our own: loss and delay.
	Wires bool
}

// Disturb makes a timeline of faults for a plan: links cut, black holes, nodes
// that stop. The same plan and disturbance make the same timeline.
func Disturb(p *Plan, d Disturbance) []Event {
	var always []Link
	for _, l := range p.Links {
		if l.Contacts == nil {
			always = append(always, l)
		}
	}
	if len(always) == 0 || d.Every <= 0 {
		return nil
	}
	actions := []Action{LinkDown, NodeStop, OneWay, BlackHole}
	if d.Wires {
		actions = append(actions, Loss, Delay)
	}
	random := rand.New(rand.NewPCG(d.Seed, 0)) //nolint:gosec // it must be the same again
	var timeline []Event
	order := random.Perm(len(actions))
	for at, number := d.From, 0; at < d.Until; at, number = at+d.Every, number+1 {
		l := always[random.IntN(len(always))]
		fault := Fault{Action: actions[order[number%len(order)]], A: l.A, B: l.B}
		undo := Fault{Action: Heal, A: l.A, B: l.B}
		switch fault.Action {
		case NodeStop:
			fault.B = ""
			undo = Fault{Action: NodeStart, A: l.A}
		case Loss:
			fault.Loss = 0.5
		case Delay:
			fault.Delay, fault.Jitter = 150*time.Millisecond, 50*time.Millisecond
		}
		timeline = append(timeline, Event{At: at, Fault: fault}, Event{At: at + d.Every/2, Fault: undo})
	}
	return timeline
}

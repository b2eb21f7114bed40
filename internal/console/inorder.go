package console

import (
	"sync"

	"netsonde"
)

// InOrder hands batches on to a console so that targets which run once are
// printed in the order of their plan, whichever is done first. A target
// without an address is passed over.
type InOrder struct {
	next *Console

	mu      sync.Mutex
	waiting []place
	turn    int // whose rounds are handed on at once
	place   map[*netsonde.Target]int
}

// place is one target's rounds until it is their turn.
type place struct {
	rounds []netsonde.Round
	left   int // groups that have not ended
}

// NewInOrder returns a sink before next for the targets of a plan.
func NewInOrder(next *Console, targets []*netsonde.Target) *InOrder {
	o := &InOrder{next: next, place: make(map[*netsonde.Target]int, len(targets))}
	for i, target := range targets {
		o.place[target] = i
		o.waiting = append(o.waiting, place{left: len(target.Groups)})
	}
	return o
}

// Consume takes a batch and hands on what it is now the turn of.
func (o *InOrder) Consume(batch *netsonde.Batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range batch.Rounds {
		at := &o.waiting[o.place[batch.Rounds[i].Target]]
		at.rounds = append(at.rounds, batch.Rounds[i])
		at.left--
	}
	for i := range batch.Events {
		if event := &batch.Events[i]; event.Kind == netsonde.EventUnresolved {
			o.waiting[o.place[event.Target]].left = 0
		}
	}
	handed := *batch
	handed.Rounds = nil
	for ; o.turn < len(o.waiting) && o.waiting[o.turn].left <= 0; o.turn++ {
		handed.Rounds = append(handed.Rounds, o.waiting[o.turn].rounds...)
		o.waiting[o.turn].rounds = nil
	}
	o.next.Consume(&handed)
}

// Flush hands on every complete round, whoever is still missing before it. It
// is called when no further batch comes.
func (o *InOrder) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	var rest netsonde.Batch
	for i := range o.waiting {
		rest.Rounds = append(rest.Rounds, o.waiting[i].rounds...)
		o.waiting[i].rounds = nil
	}
	o.next.Consume(&rest)
}

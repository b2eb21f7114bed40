package emulation

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run carries the wires' packets, opens and closes contacts and lets the
// timeline happen until ctx ends. It is to be called once.
func (e *Emulation) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	e.mutex.Lock()
	e.carriers, e.carrying = group, running
	e.carry()
	e.mutex.Unlock()
	group.Go(func() error { return e.happen(running) })
	return group.Wait()
}

// happen waits for each next moment of the contacts and the timeline.
func (e *Emulation) happen(ctx context.Context) error {
	// base is when the timeline began last, done how much of it has been.
	var base time.Duration
	done := 0
	reached := time.Duration(0)
	for {
		contact, moving := e.plan.NextContact(reached)
		event, planned := time.Duration(0), done < len(e.plan.Timeline)
		if planned {
			event = base + e.plan.Timeline[done].At
		}
		switch {
		case !moving && !planned:
			<-ctx.Done()
			return nil
		case !moving, planned && event <= contact:
			reached = event
		default:
			reached, planned = contact, false
		}
		if !e.await(ctx, reached) {
			return nil
		}
		if !planned {
			if err := e.contacts(reached); err != nil {
				return err
			}
			continue
		}
		if err := e.Apply(e.plan.Timeline[done].Fault); err != nil {
			return err
		}
		done++
		if done == len(e.plan.Timeline) && e.plan.Repeat > 0 {
			done, base = 0, base+e.plan.Repeat
		}
	}
}

// await waits for a time since the start. It reports false when ctx ended.
func (e *Emulation) await(ctx context.Context, at time.Duration) bool {
	timer := time.NewTimer(at - e.Elapsed())
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// contacts opens and closes what a time asks for.
func (e *Emulation) contacts(at time.Duration) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	before, state := e.state, e.state.Clone()
	state.Contacts(at)
	if err := e.become(state); err != nil {
		return err
	}
	for i, l := range e.plan.Links {
		switch away := state.Link(i).Away; {
		case away == before.Link(i).Away:
		case away:
			e.note(l.A + " loses " + l.B)
		default:
			e.note(l.A + " sees " + l.B)
		}
	}
	return nil
}

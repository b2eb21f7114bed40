package console

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"netsonde"
)

// Tool is the command whose results a report tells.
type Tool uint8

// The tools.
const (
	ToolPing Tool = iota + 1
	ToolTrace
	ToolScan
)

var toolNames = [...]string{"invalid", "ping", "trace", "scan"}

// String returns the tool's name as its command is called.
func (t Tool) String() string {
	if int(t) < len(toolNames) {
		return toolNames[t]
	}
	return toolNames[0]
}

// ReportOptions are what a report is made of.
type ReportOptions struct {
	Tool Tool
	// Results takes a line or table a target, and the summary with Quiet.
	Results io.Writer
	// Messages, unless nil, is the terminal that takes the progress of long work
	// and the summary without Quiet. Leave it nil for anything but a terminal.
	Messages io.Writer
	// Diagnostics takes warnings.
	Diagnostics *Diagnostics
	// Terminal says that Results is a terminal, taken to be that of Messages:
	// lines are cut where it ends, have a head above them, and are coloured unless
	// NO_COLOR is set or TERM is dumb. Nothing is cut for anything else.
	Terminal bool
	// Columns is the width of the results' terminal; nil or 0 is 80. Without a
	// terminal columns are laid out for 100.
	Columns func() int
	// JSON writes an object a target.
	JSON bool
	// Quiet writes only the summary.
	Quiet bool
	// Open tells of ports only whether they are open.
	Open bool
	// Total is the number of targets that will come, 0 when unknown.
	Total uint64
	// Names, unless nil, looks up the name of an address, "" for none. It may
	// take its time and is called by several goroutines.
	Names func(netip.Addr) string
	// Clock measures the work; nil is time.Now.
	Clock func() time.Time
}

// Counts are the targets of a sweep by what became of them.
type Counts struct {
	// Reachable targets answered an echo, were reached by a trace, or have an
	// open port among those that were asked.
	Reachable   uint64
	Unreachable uint64
	// Unresolved targets have no address.
	Unresolved uint64
}

// reportTogether is how many bytes of results are written at once: 100,000
// targets a second cannot have a Write each.
const reportTogether = 64 << 10

// Report prints the targets of a one-shot sweep as they are done. Each target
// has one group; its Round, or its EventUnresolved, ends it. Nothing is
// dropped: whoever feeds the sweep waits with WaitBelow.
type Report struct {
	options ReportOptions
	form    form
	queue   *queue
	// naming is nil when nobody asks for names.
	naming *naming

	// mu guards what Consume works with.
	mu       sync.Mutex
	pending  pending
	findings []finding
	block    []byte
	tally    tally
	// headed is set when the head of the table is written.
	headed bool
}

// NewReport makes a report. Nothing is written before Run.
func NewReport(o ReportOptions) *Report {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	r := &Report{options: o, queue: newQueue(0), pending: newPending()}
	r.form = form{
		terminal: o.Terminal, several: o.Total != 1,
		tool: o.Tool, json: o.JSON, open: o.Open, names: o.Names,
		coloured: wantsColour(o.Terminal), clock: o.Clock,
	}
	if o.Names != nil && !o.Quiet {
		r.naming = newNaming()
	}
	o.Diagnostics.lines.keepAll()
	return r
}

// columns is the width of tables now.
func (r *Report) columns() int {
	if !r.options.Terminal {
		return plainColumns
	}
	if r.options.Columns != nil {
		if columns := r.options.Columns(); columns > 0 {
			return columns
		}
	}
	return defaultColumns
}

// Consume takes a batch. It never waits for a stream and may be called by
// several goroutines.
func (r *Report) Consume(batch *netsonde.Batch) {
	columns := defaultColumns
	if !r.options.JSON && !r.options.Quiet && r.naming == nil {
		columns = r.columns()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.checks += uint64(len(batch.Services))
	defer r.queue.announce()
	reading := r.pending.read(batch)
	for i := range batch.Rounds {
		round := &batch.Rounds[i]
		r.findings = reading.takeEach(round, r.findings[:0])
		r.tally.add(r.findings)
		r.tell(measured{round.Target, round.Addr, r.findings}, columns)
	}
	reading.rest()
	// They would keep the batch in memory until the next round.
	clear(r.findings)
	for i := range batch.Events {
		event := &batch.Events[i]
		switch event.Kind {
		case netsonde.EventUnresolved:
			r.tally.counts.Unresolved++
			if event.Target != nil {
				r.tell(measured{target: event.Target}, columns)
			}
		case netsonde.EventDropped:
			r.options.Diagnostics.lines.write(r.options.Diagnostics.appendEvent(nil, event, exception))
		}
	}
}

// tell has a target written, with names if they are wanted.
func (r *Report) tell(m measured, columns int) {
	if r.options.Quiet {
		return
	}
	if !r.headed {
		r.headed = true
		if r.block = r.form.appendHeader(r.block[:0], m.target, r.columns()); len(r.block) > 0 {
			r.queue.push(0, r.block)
		}
	}
	switch {
	case r.naming != nil:
		m.findings = slices.Clone(m.findings)
		r.queue.reserve()
		r.naming.push(m)
	default:
		r.block = r.form.append(r.block[:0], &m, columns)
		r.queue.push(0, r.block)
	}
}

// Waiting is the number of targets that are done and not yet written.
func (r *Report) Waiting() int {
	waiting, _ := r.queue.counts()
	return waiting
}

// WaitBelow waits until fewer than n targets, at least 1, wait to be written.
// It returns the error with which the writing has ended, such as [ErrClosed],
// or that of ctx.
func (r *Report) WaitBelow(ctx context.Context, n int) error { return r.queue.awaitBelow(ctx, n) }

// Counts tells what became of the targets that are done.
func (r *Report) Counts() Counts { return r.sums().counts }

func (r *Report) sums() tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally
}

// Run writes until ctx ends, then what still waits and the summary. End ctx
// when the last Consume has returned. It returns nil, [ErrClosed] when nobody
// reads any more, or why the results cannot be written.
func (r *Report) Run(ctx context.Context) error {
	started := r.options.Clock()
	w := writer{results: r.options.Results, diagnostics: r.options.Diagnostics, lossless: true, together: reportTogether}
	var bar *progress
	if r.options.Messages != nil {
		bar = &progress{stream: r.options.Messages}
		if r.options.Terminal {
			w.screen = bar
		}
	}
	written := make(chan error, 1)
	go func() { written <- w.empty(r.queue) }()
	var servants sync.WaitGroup
	if r.naming != nil {
		for range namers {
			servants.Go(r.name)
		}
	}
	drawing, endDrawing := context.WithCancel(ctx)
	defer endDrawing()
	var drawer sync.WaitGroup
	if bar != nil {
		drawer.Go(func() { r.draw(drawing, bar, started) })
	}

	var err error
	select {
	case err = <-written:
		r.closeNaming(true)
		endDrawing()
	case <-ctx.Done():
		drawer.Wait()
		r.closeNaming(false)
		servants.Wait()
		r.end(started)
		err = <-written
	}
	servants.Wait()
	drawer.Wait()
	if bar != nil {
		bar.erase()
		if err == nil && !r.options.Quiet {
			// Who no longer sees the terminal misses no summary.
			_, _ = r.options.Messages.Write(r.summary(started, false))
		}
	}
	return err
}

func (r *Report) closeNaming(drop bool) {
	if r.naming != nil {
		r.naming.close(drop)
	}
}

// end lets no more into the queue than the summary, where that is a result.
func (r *Report) end(started time.Time) {
	if r.options.Quiet {
		r.queue.push(0, r.summary(started, r.options.JSON))
	}
	r.queue.close()
}

func (r *Report) summary(started time.Time, asJSON bool) []byte {
	sums, elapsed := r.sums(), r.options.Clock().Sub(started)
	if asJSON {
		return sums.appendJSON(nil, r.options.Tool, elapsed)
	}
	return sums.appendText(nil, r.options.Tool, elapsed)
}

// name formats targets whose names have to be looked up.
func (r *Report) name() {
	var block []byte
	for {
		m, ok := r.naming.take()
		if !ok {
			return
		}
		block = r.form.append(block[:0], &m, r.columns())
		r.queue.fill(block)
	}
}

// draw shows the progress until ctx ends.
func (r *Report) draw(ctx context.Context, bar *progress, started time.Time) {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if elapsed := r.options.Clock().Sub(started); elapsed >= progressAfter {
			sums := r.sums()
			bar.draw(&sums, r.options.Total, elapsed, min(r.columns(), barColumns))
		}
	}
}

package console

import (
	"context"
	"io"
	"net/netip"
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
	// Terminal has results coloured, and takes it that Messages is the same terminal.
	Terminal bool
	// Columns is the width of the results' terminal; nil or 0 is 80.
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

// Report prints the targets of a one-shot sweep as they are done. Each target
// has one group; its Round, or its EventUnresolved, ends it. Nothing is
// dropped: whoever feeds the sweep waits with WaitBelow.
type Report struct {
	options ReportOptions
	queue   *queue
}

// NewReport makes a report. Nothing is written before Run.
func NewReport(o ReportOptions) *Report {
	return &Report{options: o, queue: newQueue(0)}
}

// Consume takes a batch. It never waits for a stream and may be called by
// several goroutines.
func (*Report) Consume(*netsonde.Batch) {}

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
func (*Report) Counts() Counts { return Counts{} }

// Run writes until ctx ends, then what still waits and the summary. End ctx
// when the last Consume has returned. It returns nil, [ErrClosed] when nobody
// reads any more, or why the results cannot be written.
func (r *Report) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"netsonde"
)

// leastMaxWaiting is the number of blocks that may wait in any case before the
// newest are dropped.
const leastMaxWaiting = 4096

// Some rounds of all targets may wait, since a machine or a disk that rests for a
// second or two is nothing unusual; but of a large plan no more than 250,000, 100 MB
// of lines of JSON, unless that is less than one round.
const (
	waitingRounds  = 5
	mostForWaiting = 250_000
)

var (
	// ErrClosed tells that nobody reads the results any more: the reader closed
	// its end or the terminal hung up. A command ends quietly on it, with 0.
	//
	// Go kills a process that writes to such a standard output or standard
	// error; only one that catches or ignores SIGPIPE gets here.
	ErrClosed = errors.New("the reader of the results is gone")
	// ErrUnwritten tells that blocks still waited when the flush deadline came.
	ErrUnwritten = errors.New("results could not be written in time")
)

// Options are what a console is made of.
type Options struct {
	// Results takes the blocks, each as one Write with its newline.
	Results io.Writer
	// Diagnostics takes the error and warning lines.
	Diagnostics *Diagnostics
	// Location is the zone of the times in text blocks; nil is the local one.
	Location *time.Location
	// Lossless never drops a block or a line, however far the readers are
	// behind. Whoever starts work then waits with WaitBelow. One-shot commands
	// want it.
	Lossless bool
	// Flush bounds how long Run writes what waits, blocks and lines, once its
	// context has ended; 0 is no bound.
	Flush time.Duration
	// Format is how rounds are written; the zero value leaves it to each target.
	Format Format
	// Node is the vantage point's name in native lines, "" for none.
	Node string
	// Terminal says that Results is a terminal: native text has short times, and
	// colours unless NO_COLOR is set or TERM is dumb.
	Terminal bool
	// Columns is the width of that terminal, asked before each round so that
	// native text follows the window: lines are cut where it ends. Nothing is cut
	// when it is nil or returns 0, or where there is no terminal.
	Columns func() int
	// UnresolvedKind is the error's type of a name without an address:
	// "str" in connvitals; "" is connmonitor's "Exception".
	UnresolvedKind string
}

// Console prints rounds: as blocks those of connmonitor's and connvitals'
// targets, in a native format the others, or all if one is asked for.
//
// The lines about a round's failures stand on the diagnostics before its block
// is written, unless the diagnostics do not move: then a block waits 200 ms for
// them, and those after it not at all. Lines do not wait for blocks. One block
// is one Write, and blocks never interleave. When as many blocks wait as may,
// the newest are dropped and counted, with one warning until the reader has
// caught up; then an event among lines of JSON says how many are missing.
type Console struct {
	results        io.Writer
	diagnostics    *Diagnostics
	location       *time.Location
	flush          time.Duration
	unresolvedKind string
	lossless       bool
	format         Format
	queue          *queue

	// mu guards what Consume works with.
	mu       sync.Mutex
	pending  pending
	native   native
	findings []finding
	block    []byte
}

// New makes a console. Nothing is written before Run.
func New(o Options) *Console {
	c := &Console{
		results:        o.Results,
		diagnostics:    o.Diagnostics,
		location:       o.Location,
		flush:          o.Flush,
		unresolvedKind: o.UnresolvedKind,
		lossless:       o.Lossless,
		format:         o.Format,
		pending:        newPending(),
	}
	if c.location == nil {
		c.location = time.Local
	}
	c.native = native{node: o.Node, location: c.location, layout: newLayout(o.Terminal)}
	if o.Terminal {
		c.native.columns = o.Columns
	}
	if c.unresolvedKind == "" {
		c.unresolvedKind = exception
	}
	if c.lossless {
		c.queue = newQueue(0)
		c.diagnostics.lines.keepAll()
	} else {
		c.queue = newQueue(leastMaxWaiting)
	}
	return c
}

// Expect makes room for the plan whose targets come from now on: five times as many
// blocks may wait before the newest are dropped as it has groups, but never fewer
// than 4,096, and for more than 50,000 groups 250,000 or one for each. The rounds of
// a large plan may all end at the same moment, and only a reader who is slower than
// the plan for a while is to miss any. A lossless console has
// room in any case. Native results also learn here whose the probes are that
// only have their identity to tell, and how wide their columns are.
func (c *Console) Expect(targets []*netsonde.Target) {
	c.mu.Lock()
	if slices.ContainsFunc(targets, func(target *netsonde.Target) bool { return c.formatOf(target) != FormatDialect }) {
		c.native.expect(targets)
	}
	c.mu.Unlock()
	if c.lossless {
		return
	}
	groups := 0
	for _, target := range targets {
		groups += len(target.Groups)
	}
	c.queue.setLimit(max(leastMaxWaiting, groups, min(waitingRounds*groups, mostForWaiting)))
}

// Consume takes a batch: it hands the lines of events and failures to the
// diagnostics, puts the blocks of complete rounds into the queue, and keeps the
// other results until their rounds come. It never waits for a stream and may be
// called by several goroutines. A block that comes after Run's context has
// ended is dropped.
func (c *Console) Consume(batch *netsonde.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.queue.announce()
	reading := c.pending.read(batch)
	for i := range batch.Events {
		event := &batch.Events[i]
		c.diagnostics.lines.write(c.diagnostics.appendEvent(nil, event, c.unresolvedKind))
		if c.format == FormatJSON || c.format == FormatJSONLines {
			c.push(0, c.native.appendEvent(c.block[:0], event))
		}
	}
	for i := range batch.Rounds {
		if i%readTogether == 0 {
			reading.foresee(batch.Rounds[i:])
		}
		round := &batch.Rounds[i]
		c.findings = reading.takeEach(round, c.findings[:0])
		c.consumeRound(round, c.findings)
	}
	reading.rest()
	// They would keep the batch in memory until the next round.
	clear(c.findings)
	for i := range batch.Stalls {
		if of, ok := c.native.find(batch.Stalls[i].Probe); ok {
			if format := c.formatOf(of.target); format != FormatDialect && format != FormatNone {
				c.push(0, c.native.appendStall(c.block[:0], &batch.Stalls[i], format))
			}
		}
	}
	for i := range batch.Evidence {
		switch found := &batch.Evidence[i]; c.formatOf(found.Target) {
		case FormatJSON, FormatJSONLines:
			c.push(0, c.native.appendEvidence(c.block[:0], found))
		case FormatText:
			c.push(0, c.native.appendEvidenceText(c.block[:0], found))
		case FormatDialect, FormatNone:
		}
	}
	if c.format == FormatJSONLines {
		for i := range batch.Amends {
			c.push(0, c.native.appendAmend(c.block[:0], &batch.Amends[i], c.diagnostics.clock()))
		}
	}
}

// consumeRound puts what a complete round has to tell into the queue.
func (c *Console) consumeRound(round *netsonde.Round, findings []finding) {
	if format := c.formatOf(round.Target); format != FormatDialect {
		c.push(0, c.native.appendRound(c.block[:0], round, findings, format))
		return
	}
	b := blockOf(round, findings)
	complaints := c.diagnostics.lines.write(c.diagnostics.appendComplaints(nil, &b))
	if !b.empty() {
		c.push(complaints, b.append(c.block[:0], c.location))
	}
}

// formatOf is the format of a target's rounds, FormatDialect for a block.
func (c *Console) formatOf(target *netsonde.Target) Format {
	switch {
	case c.format != FormatDialect || target.Output.Dialect != netsonde.DialectNative:
		return c.format
	case target.Output.JSON:
		return FormatJSON
	default:
		return FormatText
	}
}

// push puts a block that was made in c.block into the queue, unless it is empty.
func (c *Console) push(complaints uint64, block []byte) {
	c.block = block
	if len(block) == 0 {
		return
	}
	c.tellMissed(false)
	if c.queue.push(complaints, block) {
		c.diagnostics.Warn(fmt.Sprintf(
			"Results are read too slowly: %d blocks wait, newer ones are dropped until the reader has caught up", c.Waiting()))
	}
}

// tellMissed has an event stand among lines of JSON where some were dropped,
// once output flows again, or at the end. It needs c.mu.
func (c *Console) tellMissed(ending bool) {
	if c.format != FormatJSON && c.format != FormatJSONLines {
		return
	}
	if missed := c.queue.takeMissed(ending); missed > 0 {
		c.queue.insist(c.native.appendMissed(nil, missed, c.diagnostics.clock()))
	}
}

const (
	// linesTogether is how many bytes of lines of JSON are written at once. A pipe
	// takes so many as one piece (PIPE_BUF), so no reader sees half a line.
	linesTogether = 4096
	// linesToFile is the same for a file, whose readers have to expect half a line
	// in any case.
	linesToFile = 1 << 16
)

// together is how many bytes are written at once. A block of connmonitor's, and
// a line for people, is a Write of its own; 10,000 lines of JSON a second cannot.
func (c *Console) together() int {
	switch {
	case c.format != FormatJSON && c.format != FormatJSONLines:
		return 0
	case isRegularFile(c.results):
		return linesToFile
	default:
		return linesTogether
	}
}

func isRegularFile(stream io.Writer) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// Waiting is the number of blocks that are not yet written.
func (c *Console) Waiting() int {
	waiting, _ := c.queue.counts()
	return waiting
}

// Dropped is the number of blocks that were not printed and never will be.
func (c *Console) Dropped() uint64 {
	_, dropped := c.queue.counts()
	return dropped
}

// WaitBelow waits until fewer than n blocks, at least 1, wait to be written. It
// returns the error with which the writing has ended, if it has, such as
// [ErrClosed], and otherwise that of ctx if that ends first.
func (c *Console) WaitBelow(ctx context.Context, n int) error {
	return c.queue.awaitBelow(ctx, n)
}

// Run writes until ctx ends, then what still waits. End ctx when the last
// Consume has returned. It returns nil when every block is written, [ErrClosed]
// at once when nobody reads any more, [ErrUnwritten] when the flush deadline
// comes first, or why the results cannot be written. An endless console
// survives a full disk: what does not fit is dropped, with one warning.
//
// A Write that hangs cannot be interrupted. Only then a goroutine stays behind
// when Run returns at the flush deadline, and the process is expected to end.
func (c *Console) Run(ctx context.Context) error {
	written := make(chan error, 1)
	go func() {
		w := writer{results: c.results, diagnostics: c.diagnostics, lossless: c.lossless, together: c.together()}
		written <- w.empty(c.queue)
	}()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.tellMissed(true)
	c.mu.Unlock()
	c.queue.close()
	ctx = context.WithoutCancel(ctx)
	if c.flush > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.flush)
		defer cancel()
	}
	select {
	case err := <-written:
		if err == nil {
			// Lines that nobody takes are no failure of the results.
			_ = c.diagnostics.Flush(ctx)
		}
		return err
	case <-ctx.Done():
		late := fmt.Errorf("%w: %d blocks are lost", ErrUnwritten, c.Waiting())
		c.queue.fail(late)
		return late
	}
}

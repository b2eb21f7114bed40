package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"netsonde/internal/emulation"
	"netsonde/internal/topology"
)

const (
	// plainEvery is the time between lines of state where nothing is redrawn;
	// one more tells when the monitors have come to see what the graph says.
	plainEvery = 5 * time.Second
	// shownNotes is how much of the past stands below the table.
	shownNotes = 8
)

// demoView is what a demo shows at one moment.
type demoView struct {
	elapsed time.Duration
	notes   []emulation.Note
	// seen and truth are by the nodes' places.
	seen  []demoSeen
	truth []demoTruth
}

// demoTruth is what the graph says of a node: how many others answer it.
type demoTruth struct {
	answers int
	stopped bool
}

// demoScreen writes views: a table that is redrawn on a terminal, else lines.
type demoScreen struct {
	stdout   *os.File
	plan     *topology.Plan
	terminal bool
	// told is the time of the last note that has become a line, line that of
	// the last line of state.
	told, line time.Duration
	faults     int
	// agreed is whether the last view was of monitors that agree with the graph.
	agreed bool
}

func newDemoScreen(stdout *os.File, plan *topology.Plan) *demoScreen {
	return &demoScreen{stdout: stdout, plan: plan, terminal: isTerminal(stdout), told: -1, line: -plainEvery}
}

func (s *demoScreen) begin(built time.Duration) error {
	text := fmt.Sprintf("%d nodes and %d links in %v; a monitor on each\n",
		len(s.plan.Nodes), len(s.plan.Links), built.Round(time.Millisecond))
	if s.terminal {
		text = "\x1b[2J\x1b[H" + text
	}
	return s.write(text)
}

func (s *demoScreen) show(v demoView) error {
	for _, note := range v.notes {
		if note.At > s.told {
			s.told = note.At
			s.faults++
			if !s.terminal {
				if err := s.write(noteLine(note)); err != nil {
					return err
				}
			}
		}
	}
	if s.terminal {
		// Each line erases what is left of the one before it.
		return s.write("\x1b[H" + strings.ReplaceAll(s.table(v), "\n", "\x1b[K\n") + "\x1b[J")
	}
	before := s.agreed
	s.agreed = v.agrees()
	if v.elapsed-s.line < plainEvery && (before || !s.agreed) {
		return nil
	}
	s.line = v.elapsed
	return s.write(fmt.Sprintf("%8.1fs  %s\n", v.elapsed.Seconds(), s.sum(v)))
}

// agrees reports whether each node's monitor sees as many others as there are.
func (v *demoView) agrees() bool {
	for i := range v.seen {
		if v.seen[i].good != v.truth[i].answers {
			return false
		}
	}
	return true
}

// end says how it ended, below what stands on the screen.
func (s *demoScreen) end(after time.Duration) error {
	return s.write(fmt.Sprintf("the demo ran for %v with %d changes; nothing of it is left\n",
		after.Round(time.Second), s.faults))
}

// sum is a view in one line.
func (s *demoScreen) sum(v demoView) string {
	seen, truth := 0, 0
	for i := range v.seen {
		seen += v.seen[i].good
		truth += v.truth[i].answers
	}
	all := len(s.plan.Nodes) * (len(s.plan.Nodes) - 1)
	return fmt.Sprintf("%d of %d pairs answer, by the graph %d", seen, all, truth)
}

// table is a view in full.
func (s *demoScreen) table(v demoView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "netsonde lab demo  %v  %s\n\n", v.elapsed.Round(time.Second), s.sum(v))
	fmt.Fprintf(&b, "%-12s %-15s %7s %7s %7s\n", "NODE", "ADDRESS", "ANSWER", "GRAPH", "EVER")
	for i, n := range s.plan.Nodes {
		remark := ""
		switch {
		case v.truth[i].stopped:
			remark = "  stopped"
		case v.seen[i].good != v.truth[i].answers:
			remark = "  not yet"
		}
		fmt.Fprintf(&b, "%-12s %-15v %7d %7d %7d%s\n", n.Name, n.Address, v.seen[i].good, v.truth[i].answers, v.seen[i].total, remark)
	}
	b.WriteString("\n")
	for _, note := range v.notes[max(0, len(v.notes)-shownNotes):] {
		b.WriteString(noteLine(note))
	}
	return b.String()
}

func noteLine(note emulation.Note) string {
	return fmt.Sprintf("%8.1fs  %s\n", note.At.Seconds(), note.Text)
}

func (s *demoScreen) write(text string) error {
	if _, err := s.stdout.WriteString(text); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// figure is one quantity of a row, measured of us and of a peer.
type figure struct {
	row, name string
	ours      []float64
	// peer is who was measured beside us, "" for nobody; it has no
	// measurements when it is missing or cannot do the work.
	peer   string
	theirs []float64
	goal   goal
	// noRatio is set where a figure is 0 when all is well.
	noRatio bool
}

// goal is a bound on our median, or on the median ratio of ours to the peer's.
// The zero value is none.
type goal struct {
	ratio, atLeast bool
	bound          float64
	// stated tells a bound of 0 from none.
	stated bool
}

func ratioAtLeast(bound float64) goal {
	return goal{ratio: true, atLeast: true, bound: bound, stated: true}
}
func ratioAtMost(bound float64) goal { return goal{ratio: true, bound: bound, stated: true} }
func atLeast(bound float64) goal     { return goal{atLeast: true, bound: bound, stated: true} }
func atMost(bound float64) goal      { return goal{bound: bound, stated: true} }

// table is what was measured.
type table struct {
	figures []*figure
	remarks []string
	// wrong are answers that were not right, ours or a peer's that differs.
	wrong []string
}

// figure adds a quantity.
func (t *table) figure(f figure) *figure {
	t.figures = append(t.figures, &f)
	return &f
}

// remark tells what the figures do not, once.
func (t *table) remark(row, format string, arguments ...any) {
	if text := row + ": " + fmt.Sprintf(format, arguments...); !slices.Contains(t.remarks, text) {
		t.remarks = append(t.remarks, text)
	}
}

// fault tells of a wrong answer, once.
func (t *table) fault(row, format string, arguments ...any) {
	if text := row + ": " + fmt.Sprintf(format, arguments...); !slices.Contains(t.wrong, text) {
		t.wrong = append(t.wrong, text)
	}
}

// markdown prints the table, the remarks and the wrong answers.
func (t *table) markdown() string {
	var text strings.Builder
	text.WriteString("| row | figure | netsonde | peer | | ratio | goal |\n|---|---|---|---|---|---|---|\n")
	for _, f := range t.figures {
		if len(f.ours) == 0 && len(f.theirs) == 0 {
			continue
		}
		ratios := f.ratios()
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s |\n",
			f.row, f.name, spread(f.ours), f.peer, spread(f.theirs), spread(ratios), f.goal.judged(f.ours, ratios))
	}
	list(&text, "Remarks", t.remarks)
	list(&text, "Wrong answers", t.wrong)
	return text.String()
}

func list(text *strings.Builder, title string, entries []string) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(text, "\n%s:\n\n", title)
	for _, entry := range entries {
		fmt.Fprintf(text, "- %s\n", strings.ReplaceAll(entry, "\n", " "))
	}
}

// ratios are ours by theirs, pair by pair.
func (f *figure) ratios() (ratios []float64) {
	if f.noRatio {
		return nil
	}
	for i := range min(len(f.ours), len(f.theirs)) {
		if f.theirs[i] != 0 {
			ratios = append(ratios, f.ours[i]/f.theirs[i])
		}
	}
	return ratios
}

// judged is the goal and whether the median keeps it.
func (g goal) judged(ours, ratios []float64) string {
	if !g.stated {
		return ""
	}
	text, measured := "≤ ", ours
	if g.atLeast {
		text = "≥ "
	}
	text += number(g.bound)
	if g.ratio {
		text, measured = text+"×", ratios
	}
	switch middle := median(measured); {
	case math.IsNaN(middle):
		return text + ": not measured"
	case g.atLeast && middle >= g.bound, !g.atLeast && middle <= g.bound:
		return text + ": met"
	default:
		return text + ": **not met**"
	}
}

// spread is the median and, of several, the least and the most.
func spread(values []float64) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return number(values[0])
	}
	return fmt.Sprintf("%s (%s to %s)", number(median(values)), number(slices.Min(values)), number(slices.Max(values)))
}

// median is the middle of values, NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the smallest value that a share of values, 0 to 1, do not
// exceed; NaN of none. It sorts them.
func percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return values[max(int(math.Ceil(share*float64(len(values))))-1, 0)]
}

// number has three significant digits at least and no exponent.
func number(v float64) string {
	digits := 0
	if v != 0 && math.Abs(v) < 100 {
		digits = max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	}
	text := strconv.FormatFloat(v, 'f', min(digits, 6), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// The marks between which a document keeps the last table.
const (
	tableBegins = "<!-- table begins -->\n"
	tableEnds   = "<!-- table ends -->\n"
)

// replaceTable puts a new table between the marks of a document.
func replaceTable(path, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document that keeps the table: %w", err)
	}
	before, rest, begins := bytes.Cut(document, []byte(tableBegins))
	_, after, ends := bytes.Cut(rest, []byte(tableEnds))
	if !begins || !ends {
		return fmt.Errorf("%s has no table: write %q and %q around where it belongs", path, tableBegins, tableEnds)
	}
	document = bytes.Join([][]byte{before, []byte(tableBegins), []byte(text), []byte(tableEnds), after}, nil)
	if err := os.WriteFile(path, document, 0o644); err != nil {
		return fmt.Errorf("keep the table: %w", err)
	}
	return nil
}

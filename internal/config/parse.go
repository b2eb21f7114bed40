package config

import (
	"io"

	"netsonde"
)

// Parse reads a configuration in connmonitor's 3.x or 4.x format from r; name
// stands for it in messages. A file whose first line, blank ones and comments
// aside, begins with a number is 3.x.
//
// The diagnostics are everything that is wrong, in the order of the lines; of
// each severity the first 100 are kept and the rest are counted. If any is
// Fatal the plan is nil and the error is the fatal ones as Errors; otherwise
// there is a plan, which may be without targets (see ErrNoHosts).
//
// Lines end in LF, CRLF or CR; a byte order mark and a missing line end are
// fine. Words are separated by any white space. A word that begins with "#"
// starts a comment. A line has at most 64 KiB and is UTF-8; reading stops at a
// longer one and at a NUL byte. A bare number is never a host.
func Parse(name string, r io.Reader) (*netsonde.Plan, []Diagnostic, error) {
	report := &reporter{file: name}
	lines := newLineReader(r, report)
	plan := newPlanner()
	words, more := lines.next()
	switch {
	case !more && report.counts[Fatal] == 0:
		report.badFormat(0, "no header line and no hosts; the file is empty")
	case !more:
	case isNumber(words[0]):
		parse3(words, lines, report, plan)
	default:
		parse4(words, lines, report, plan)
	}
	diagnostics, err := report.result()
	if err != nil {
		return nil, diagnostics, err
	}
	return plan.plan, diagnostics, nil
}

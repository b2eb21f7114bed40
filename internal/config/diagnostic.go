package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Severity says what a diagnostic means for the plan.
type Severity uint8

// The severities. The zero value is invalid.
const (
	// Fatal leaves no plan.
	Fatal Severity = iota + 1
	// Host leaves one entry out; the others run. It is shown as an error.
	Host
	// Warning changes nothing.
	Warning

	severities
)

// String returns the severity's name.
func (s Severity) String() string {
	switch s {
	case Fatal:
		return "fatal"
	case Host:
		return "host"
	case Warning:
		return "warning"
	default:
		return "invalid"
	}
}

// The classes that connmonitor's users know from its error lines.
const (
	typeException    = "Exception"
	typeFileNotFound = "FileNotFoundError"
	typeOS           = "OSError"
	typeValue        = "ValueError"
)

// Diagnostic is one thing that is wrong with a configuration. As an error it
// reads "Type: Text".
type Diagnostic struct {
	// File is the name that the configuration was read under.
	File string
	// Line counts from 1; 0 is the file as a whole.
	Line int
	// Column counts characters from 1; 0 is the line as a whole, as in the
	// formats of connmonitor.
	Column   int
	Severity Severity
	// Type is the class under which connmonitor showed the problem, "OSError"
	// for example; it is empty for a Warning.
	Type string
	// Text is the whole message, with file and line where they help. It may
	// hold what stood in the file: whoever prints it escapes it.
	Text string
	// Excerpt is the line, or a part of it with the caret's place adjusted, in a
	// native file; "" otherwise. Mark is the column in it, from 1.
	Excerpt string
	Mark    int
	// Hint is what was probably meant, "" without a guess.
	Hint  string
	cause error
}

// Error returns the type and the text.
func (d Diagnostic) Error() string {
	if d.Type == "" {
		return d.Text
	}
	return d.Type + ": " + d.Text
}

// Detail returns the diagnostic as several lines for a person: place and
// text, the excerpt, a caret under the place, and the hint. It is Error for a
// diagnostic without an excerpt. Control characters of the file do not stand in
// it.
func (d Diagnostic) Detail() string {
	text := d.Error() + d.shown()
	if d.Hint != "" {
		text += "\n  " + d.Hint
	}
	return printable(text)
}

// shown is the excerpt and the caret, each on a line of its own.
func (d Diagnostic) shown() string {
	if d.Excerpt == "" {
		return ""
	}
	text := "\n  " + d.Excerpt
	if d.Mark > 0 {
		text += "\n  " + strings.Repeat(" ", d.Mark-1) + "^"
	}
	return text
}

// printable puts a replacement for each control character but the end of a
// line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// Unwrap returns the system's error behind the diagnostic, nil if there is none.
func (d Diagnostic) Unwrap() error { return d.cause }

// Errors are the fatal diagnostics of one configuration, in the order of its
// lines. errors.Is and errors.As look into each.
type Errors []Diagnostic

// Error returns the messages, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the diagnostics.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}

// ErrNoHosts is what connmonitor says of a plan without targets, and of one
// none of whose hosts can be resolved. No function of this package returns it:
// an empty plan is well-formed, and whether it will do is the caller's to say.
var ErrNoHosts error = Diagnostic{Severity: Fatal, Type: typeException, Text: "No hosts could be parsed!"}

const (
	// diagnosticLimit bounds the diagnostics kept of each severity, so that a
	// file of the wrong kind fills neither memory nor a log.
	diagnosticLimit = 100
	// excerptLimit bounds in runes what a message repeats of the file.
	excerptLimit = 80
)

// reporter collects the diagnostics of one file in the order of its lines.
type reporter struct {
	file        string
	diagnostics []Diagnostic
	counts      [severities]int
}

func (r *reporter) add(d Diagnostic) {
	r.counts[d.Severity]++
	if r.counts[d.Severity] > diagnosticLimit {
		return
	}
	d.File = r.file
	r.diagnostics = append(r.diagnostics, d)
}

// badFormat is 3.x's only words for anything wrong in a file.
func (r *reporter) badFormat(line int, format string, args ...any) {
	where := r.file
	if line > 0 {
		where = r.at(line)
	}
	r.add(Diagnostic{Line: line, Severity: Fatal, Type: typeOS, Text: fmt.Sprintf(
		"Bad configuration file format, caused error: (%s: %s)", where, fmt.Sprintf(format, args...))})
}

// badOption is an error of a 4.x line.
func (r *reporter) badOption(line int, format string, args ...any) {
	r.add(Diagnostic{Line: line, Severity: Fatal, Type: typeOS, Text: fmt.Sprintf(
		"%s (%s)", fmt.Sprintf(format, args...), r.at(line))})
}

// badHost leaves out an entry that no resolver could make sense of. Its words
// begin like those for a name that does not resolve, which is how connmonitor
// found such entries.
func (r *reporter) badHost(line int, host, why string) {
	r.add(Diagnostic{Line: line, Severity: Host, Type: typeException, Text: fmt.Sprintf(
		"Unable to resolve host ( %s ): %s (%s)", excerpt(host), why, r.at(line))})
}

func (r *reporter) warn(line int, format string, args ...any) {
	r.add(Diagnostic{Line: line, Severity: Warning, Text: fmt.Sprintf(
		"%s: %s", r.at(line), fmt.Sprintf(format, args...))})
}

func (r *reporter) at(line int) string { return fmt.Sprintf("%s, line %d", r.file, line) }

// result returns all diagnostics, closed by how many of each severity were not
// kept, and the fatal ones among them as the error.
func (r *reporter) result() ([]Diagnostic, error) {
	all := r.diagnostics
	for severity := Fatal; severity < severities; severity++ {
		left := r.counts[severity] - diagnosticLimit
		if left <= 0 {
			continue
		}
		d := Diagnostic{File: r.file, Severity: severity, Type: typeOS,
			Text: fmt.Sprintf("%s: %d more of severity %s are not shown", r.file, left, severity)}
		if severity == Warning {
			d.Type = ""
		}
		all = append(all, d)
	}
	var fatal Errors
	for i := range all {
		if all[i].Severity == Fatal {
			fatal = append(fatal, all[i])
		}
	}
	if fatal == nil {
		return all, nil
	}
	return all, fatal
}

// excerpt cuts what a message repeats of the file to a length that can be read.
func excerpt(s string) string {
	if utf8.RuneCountInString(s) <= excerptLimit {
		return s
	}
	return string([]rune(s)[:excerptLimit]) + "…"
}

package console

import (
	"context"
	"io"
	"os"
	"strconv"
	"time"
)

// The colours of a terminal's lines, as connmonitor chose them.
const (
	errorColour   = "\x1b[38;2;255;0;0m"
	warningColour = "\x1b[38;2;238;216;78m"
	resetColour   = " \x1b[m"
)

// Diagnostics writes error and warning lines in connmonitor's form:
//
//	EE: Type: text -<TAB> Sun Nov 22 04:38:45 2026
//	WW: text -<TAB> Sun Nov 22 04:38:45 2026
//
// Each line is one Write. What cannot be printed is escaped, newlines
// included, and a text of more than 6,144 bytes is cut. All methods may be
// called at the same time. A stream that cannot be written is not told: there
// is nowhere left to tell it.
//
// Nobody waits for the stream, only [Diagnostics.Flush] does. Lines that a
// stopped terminal or an unread pipe does not take are kept for it, up to one
// MiB; the newest of more are dropped, and one warning tells how many they
// were as soon as the stream has taken the others.
type Diagnostics struct {
	clock    func() time.Time
	coloured bool
	lines    asyncWriter
}

// NewDiagnostics makes diagnostics that go to stream. If stream is a terminal,
// which the caller says, they are coloured unless the environment variable
// NO_COLOR is set to anything but "". clock gives the time that is printed, in
// the zone in which it is printed; it may be called at the same time.
func NewDiagnostics(stream io.Writer, terminal bool, clock func() time.Time) *Diagnostics {
	d := &Diagnostics{
		clock:    clock,
		coloured: terminal && os.Getenv("NO_COLOR") == "",
	}
	d.lines = asyncWriter{stream: stream, limit: maxLines, missedLine: d.missedLine}
	return d
}

// Error writes an EE line. kind is the error's type in the words that
// connmonitor's users know: "Exception", "OSError", "FileNotFoundError", ….
func (d *Diagnostics) Error(kind, text string) {
	d.lines.write(d.appendError(nil, kind, text))
}

// Explain writes an EE line without a type and, indented below it, lines that
// show what it means: a line of a file and a mark under it.
func (d *Diagnostics) Explain(text string, below ...string) {
	lines := d.appendError(nil, "", text)
	for _, line := range below {
		lines = append(appendEscaped(append(lines, "    "...), line, maxDiagnostic), '\n')
	}
	d.lines.write(lines)
}

// Warn writes a WW line.
func (d *Diagnostics) Warn(text string) {
	d.lines.write(d.appendWarning(nil, text))
}

// Flush waits until the stream has taken every line that was there at the call.
// It returns the error of ctx if that ends first; the lines may still come. A
// process that ends without it may lose its last words.
func (d *Diagnostics) Flush(ctx context.Context) error {
	return d.lines.flush(ctx)
}

func (d *Diagnostics) missedLine(n int) []byte {
	return d.appendWarning(nil, strconv.Itoa(n)+" lines are missing here: nobody read them in time")
}

func (d *Diagnostics) appendError(dst []byte, kind, text string) []byte {
	if d.coloured {
		dst = append(dst, errorColour...)
	}
	dst = append(dst, "EE: "...)
	if kind != "" {
		dst = append(appendEscaped(dst, kind, maxValue), ": "...)
	}
	return d.appendRest(dst, text)
}

func (d *Diagnostics) appendWarning(dst []byte, text string) []byte {
	if d.coloured {
		dst = append(dst, warningColour...)
	}
	return d.appendRest(append(dst, "WW: "...), text)
}

func (d *Diagnostics) appendRest(dst []byte, text string) []byte {
	dst = append(appendEscaped(dst, text, maxDiagnostic), " -\t "...)
	dst = appendTime(dst, d.clock())
	if d.coloured {
		dst = append(dst, resetColour...)
	}
	return append(dst, '\n')
}

package console

import (
	"io"
	"os"
	"sync"
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
// called at the same time; they wait for the stream. A stream that cannot be
// written is not told: there is nowhere left to tell it.
type Diagnostics struct {
	clock    func() time.Time
	coloured bool

	mu      sync.Mutex
	stream  io.Writer
	scratch []byte
}

// NewDiagnostics makes diagnostics that go to stream. If stream is a terminal,
// which the caller says, they are coloured unless the environment variable
// NO_COLOR is set to anything but "". clock gives the time that is printed, in
// the zone in which it is printed.
func NewDiagnostics(stream io.Writer, terminal bool, clock func() time.Time) *Diagnostics {
	return &Diagnostics{
		clock:    clock,
		coloured: terminal && os.Getenv("NO_COLOR") == "",
		stream:   stream,
	}
}

// Error writes an EE line. kind is the error's type in the words that
// connmonitor's users know: "Exception", "OSError", "FileNotFoundError", ….
func (d *Diagnostics) Error(kind, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.scratch = d.appendError(d.scratch[:0], kind, text)
	d.put(d.scratch)
}

// Warn writes a WW line.
func (d *Diagnostics) Warn(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.scratch = d.appendWarning(d.scratch[:0], text)
	d.put(d.scratch)
}

// write writes lines that were made earlier, in one piece.
func (d *Diagnostics) write(lines []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(lines)
}

func (d *Diagnostics) put(lines []byte) {
	_, _ = d.stream.Write(lines)
}

func (d *Diagnostics) appendError(dst []byte, kind, text string) []byte {
	if d.coloured {
		dst = append(dst, errorColour...)
	}
	dst = appendEscaped(append(dst, "EE: "...), kind, maxValue)
	return d.appendRest(append(dst, ": "...), text)
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

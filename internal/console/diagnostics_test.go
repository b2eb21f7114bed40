package console_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

func TestDiagnosticsForms(t *testing.T) {
	for name, test := range map[string]struct {
		terminal          bool
		noColor           string
		wantError, wantWW string
	}{
		"pipe": {false, "",
			"EE: OSError: a\\nb\\x1b -\t " + momentText + "\n",
			"WW: a\\nb\\x1b -\t " + momentText + "\n"},
		"terminal": {true, "",
			"\x1b[38;2;255;0;0mEE: OSError: a\\nb\\x1b -\t " + momentText + " \x1b[m\n",
			"\x1b[38;2;238;216;78mWW: a\\nb\\x1b -\t " + momentText + " \x1b[m\n"},
		"terminal, NO_COLOR": {true, "1",
			"EE: OSError: a\\nb\\x1b -\t " + momentText + "\n",
			"WW: a\\nb\\x1b -\t " + momentText + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", test.noColor)
			var errors, warnings writeRecorder
			d := console.NewDiagnostics(&errors, test.terminal, clock)
			d.Error("OSError", "a\nb\x1b")
			flush(t, d)
			d = console.NewDiagnostics(&warnings, test.terminal, clock)
			d.Warn("a\nb\x1b")
			flush(t, d)
			if got := errors.only(t); got != test.wantError {
				t.Errorf("error line %q, want %q", got, test.wantError)
			}
			if got := warnings.only(t); got != test.wantWW {
				t.Errorf("warning line %q, want %q", got, test.wantWW)
			}
		})
	}
}

func TestDiagnosticsLimitsLength(t *testing.T) {
	var lines bytes.Buffer
	d := console.NewDiagnostics(&lines, false, clock)
	d.Warn(strings.Repeat("x", 1<<20))
	flush(t, d)
	if lines.Len() > 6200 || !strings.Contains(lines.String(), "x… -\t ") {
		t.Errorf("the line has %d bytes, want it cut at 6,144 and marked", lines.Len())
	}
}

// TestDiagnosticsTogether lets callers and a console write at the same time:
// every line must come out whole.
func TestDiagnosticsTogether(t *testing.T) {
	var lines bytes.Buffer
	diagnostics := console.NewDiagnostics(&lines, false, clock)
	var callers sync.WaitGroup
	const each = 500
	for i := range 4 {
		callers.Go(func() {
			for j := range each {
				if i%2 == 0 {
					diagnostics.Warn(fmt.Sprintf("%d.%d", i, j))
				} else {
					diagnostics.Error("Exception", fmt.Sprintf("%d.%d", i, j))
				}
			}
		})
	}
	callers.Go(func() {
		c := console.New(console.Options{Results: new(bytes.Buffer), Diagnostics: diagnostics, Lossless: true})
		target := watched("web.test", text3, netsonde.KindPing)
		for j := range each {
			round := roundOf(target, "10.77.10.1", uint64(j))
			c.Consume(report{samples: unsent(1, syscall.ENOBUFS)}.batch(round))
		}
		if err := c.Run(ended()); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	callers.Wait()
	flush(t, diagnostics)
	count := 0
	for line := range strings.Lines(lines.String()) {
		count++
		if !strings.HasPrefix(line, "EE: ") && !strings.HasPrefix(line, "WW: ") || !strings.HasSuffix(line, momentText+"\n") {
			t.Fatalf("torn line %q", line)
		}
	}
	if count != 5*each {
		t.Errorf("%d lines, want %d", count, 5*each)
	}
}

func flush(t *testing.T, d *console.Diagnostics) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Flush(ctx); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

// writeRecorder keeps each Write apart.
type writeRecorder struct{ writes []string }

func (w *writeRecorder) Write(p []byte) (int, error) {
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func (w *writeRecorder) only(t *testing.T) string {
	t.Helper()
	if len(w.writes) != 1 {
		t.Fatalf("%d writes %q, want one", len(w.writes), w.writes)
	}
	return w.writes[0]
}

func TestExplanationStandsBelowItsLine(t *testing.T) {
	var out bytes.Buffer
	d := console.NewDiagnostics(&out, false, func() time.Time { return time.Date(2026, 11, 22, 4, 38, 45, 0, time.UTC) })
	d.Explain("a.yaml:1:3: unknown field", "  x\x1b: 1", "  ^")
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = "EE: a.yaml:1:3: unknown field -\t Sun Nov 22 04:38:45 2026\n      x\\x1b: 1\n      ^\n"
	if got := out.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of `go test -json` (go doc test2json, go help buildjson), or
// one of a script that speaks the same. Its action "unavailable" is a script's
// own: Output says why Test cannot run here, which is no failure even where
// every test is required.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// test names one test, or a whole package when name is "".
type test struct{ pkg, name string }

type counts struct{ passed, failed, skipped int }

// summary collects the events of any number of runs.
type summary struct {
	out io.Writer
	// output is what each unfinished test has printed.
	output map[test][]string
	counts
	// failing are the packages in which a test failed, which need no
	// count of their own.
	failing map[string]bool
	skips   []string
}

// summarise copies the outcome of the events to out and counts them. Lines
// that are no events are shown as they are.
func summarise(events io.Reader, out io.Writer, require bool) (counts, error) {
	s := &summary{out: out, output: map[test][]string{}, failing: map[string]bool{}}
	reader := bufio.NewReader(events)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(out, "%s\n", strings.TrimSuffix(string(line), "\n"))
			} else {
				s.take(e)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s.counts, fmt.Errorf("read the events: %w", err)
		}
	}
	// A run that was killed leaves tests that never ended.
	for t, lines := range s.output {
		if t.name != "" {
			s.fail(t, lines)
		}
	}
	if len(s.skips) > 0 {
		slices.Sort(s.skips)
		fmt.Fprintf(out, "\nDid not run:\n%s\n", strings.Join(slices.Compact(s.skips), "\n"))
	}
	if require {
		s.failed += s.skipped
	}
	fmt.Fprintf(out, "\n%d passed, %d failed\n", s.passed, s.failed)
	return s.counts, nil
}

func (s *summary) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "run", "start":
		s.output[t] = nil
	case "output":
		s.output[t] = append(s.output[t], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass":
		if e.Test == "" {
			fmt.Fprintf(s.out, "ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)
		} else {
			s.passed++
		}
		delete(s.output, t)
	case "skip":
		if e.Test != "" {
			s.skipped++
			s.skips = append(s.skips, fmt.Sprintf("  %s %s: %s", e.Package, e.Test, reason(s.output[t])))
		}
		delete(s.output, t)
	case "unavailable":
		s.skips = append(s.skips, fmt.Sprintf("  %s %s: %s", e.Package, e.Test, e.Output))
	case "fail":
		if e.Test != "" {
			s.fail(t, s.output[t])
		} else {
			if !s.failing[e.Package] {
				s.fail(t, s.output[t])
			}
			fmt.Fprintf(s.out, "FAIL\t%s\t%.3fs\n", e.Package, e.Elapsed)
		}
		delete(s.output, t)
	}
}

func (s *summary) fail(t test, output []string) {
	s.failed++
	s.failing[t.pkg] = true
	fmt.Fprint(s.out, strings.Join(output, ""))
}

// reason is what t.Skip was given: the test's output but for the lines that
// say that it began and ended, without the place in the source.
func reason(output []string) string {
	var words []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok = strings.Cut(text, ": "); ok {
				line = text
			}
		}
		words = append(words, line)
	}
	if len(words) == 0 {
		return "no reason given"
	}
	return strings.Join(words, " ")
}

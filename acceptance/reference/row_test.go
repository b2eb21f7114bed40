package reference_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/lab"
)

// row is one row of the specification that needs no script: the program is
// started in the shared network and either ends by itself or is stopped once
// it has printed what is wanted.
type row struct {
	name string
	launch
	// exit is the code with which the program ends by itself; runs says that
	// it does not.
	exit int
	runs bool
	// want is what every host prints, in any order between hosts.
	want []host
	// stderr are patterns: each must match a line, and each line one of them.
	stderr []string
	// blocks is how many blocks of each host are awaited, 2 if 0.
	blocks int
	// check looks further, after the end.
	check func(*testing.T, *process)
}

// host is what one host prints.
type host struct {
	header string
	// first are the lines of its first block, then those of the others; nil is
	// the same as first.
	first, then []string
	// each are instead the bodies that its blocks have, in any order: every
	// block has one of them, and every one is seen.
	each [][]string
}

// changing is a host whose first block differs from the others.
func changing(header string, first, then []string) host {
	return host{header: header, first: first, then: then}
}

// seenIn reports whether blocks hold all that the host is to print, n times.
func (h host) seenIn(blocks []block, n int) bool {
	seen := map[string]int{}
	for _, b := range blocks {
		if b.header == h.header {
			seen[""]++
			seen[strings.Join(b.lines, "\n")]++
		}
	}
	for _, body := range h.each {
		if seen[strings.Join(body, "\n")] == 0 {
			return false
		}
	}
	return seen[""] >= n
}

// run runs rows in parallel with all others.
func (w *world) run(t *testing.T, rows ...row) {
	for _, r := range rows {
		w.script(t, r.name, func(t *testing.T) {
			if r.arguments == nil && r.file != "" {
				r.arguments = []string{"c.conf"}
			}
			p := w.start(t, w.shared.Client, r.launch)
			if r.runs {
				for _, h := range r.want {
					p.await(h.header, func() bool { return h.seenIn(blocksOf(texts(p.stdout)), max(r.blocks, 2)) })
				}
				p.stop()
			} else {
				p.exit(r.exit)
			}
			checkOutput(t, p.output(), r.want)
			checkErrors(t, p.errors(), r.stderr)
			if r.check != nil {
				r.check(t, p)
			}
		})
	}
}

// script runs a row that is a test of its own, in parallel with all others.
func (w *world) script(t *testing.T, name string, test func(*testing.T)) {
	w.rows.Add(1)
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

// own builds a network that the row may change.
func own(t *testing.T) *lab.Reference {
	t.Helper()
	return lab.NewReference(lab.ForTest(t))
}

// requireProgram skips where a program that a row looks through is missing.
func requireProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		lab.Skip(t, err.Error())
	}
}

// checkOutput compares the blocks of every host with what is wanted.
func checkOutput(t *testing.T, lines []string, want []host) {
	t.Helper()
	validJSON(t, lines)
	seen := map[string]int{}
	for _, b := range blocksOf(lines) {
		i := slices.IndexFunc(want, func(h host) bool { return h.header == b.header })
		if i < 0 {
			t.Errorf("unexpected block %q %q", b.header, b.lines)
			continue
		}
		if want[i].each != nil {
			seen[b.header]++
			if !slices.ContainsFunc(want[i].each, func(body []string) bool { return slices.Equal(body, b.lines) }) {
				t.Errorf("block of %q:\n%q, want one of\n%q", b.header, b.lines, want[i].each)
			}
			continue
		}
		expected := want[i].first
		if seen[b.header] > 0 && want[i].then != nil {
			expected = want[i].then
		}
		seen[b.header]++
		if !slices.Equal(b.lines, expected) {
			t.Errorf("block %d of %q:\n%q, want\n%q", seen[b.header], b.header, b.lines, expected)
		}
	}
	for _, h := range want {
		if seen[h.header] == 0 {
			t.Errorf("no block of %q", h.header)
		}
	}
}

// checkErrors compares standard error with patterns.
func checkErrors(t *testing.T, lines, patterns []string) {
	t.Helper()
	matched := map[string]bool{}
	for _, text := range lines {
		i := slices.IndexFunc(patterns, func(pattern string) bool {
			return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(normalise(text))
		})
		if i < 0 {
			t.Errorf("unexpected line on stderr: %q", text)
			continue
		}
		matched[patterns[i]] = true
	}
	for _, pattern := range patterns {
		if !matched[pattern] {
			t.Errorf("stderr has no line %q, but %q", pattern, lines)
		}
	}
}

// The forms of section 9, as patterns. The text of an error is taken as it is.
func errorLine(kind, text string) string {
	return "EE: " + kind + ": " + regexp.QuoteMeta(text) + " -\t <ts>"
}

const (
	anyError   = "EE: [A-Za-z]+: .+ -\t <ts>"
	anyWarning = "WW: .+ -\t <ts>"
	badFormat  = `EE: OSError: Bad configuration file format, caused error: \(.+\) -` + "\t <ts>"
)

// refused, unresolved and the like are lines that many rows want.
func refused(address string) string {
	return errorLine("Exception", "Could not connect to "+address+": [Errno 111] Connection refused")
}

func notConnected(address string) string {
	return "EE: Exception: Could not connect to " + regexp.QuoteMeta(address) + ": .+ -\t <ts>"
}

func timedOut(address string) string {
	return errorLine("Exception", "Could not connect to "+address+": timed out")
}

func unresolved(name string) string {
	return errorLine("Exception", "Unable to resolve host ( "+name+" )")
}

func noHosts() string { return errorLine("Exception", "No hosts could be parsed!") }

// The lines of the text form.
const (
	answered = "<ms>\t<ms>\t<ms>\t<ms>\t0.000"
	lost     = "-1.000\t-1.000\t-1.000\t-1.000\t100.000"
	webScan  = "<ms>, 200, nginx/1.24.0\t<ms>, 200, nginx/1.24.0\t<ms>, 5.7.2"
	noScan   = "None\tNone\tNone"
)

// hops are the lines of a trace, "*" for silent ones.
func hops(addresses ...string) []string {
	var lines []string
	for _, address := range addresses {
		if address != "*" {
			address += "\t<ms>"
		}
		lines = append(lines, address)
	}
	return lines
}

// path is the way to a server of the network.
func path(address string) []string { return hops("10.77.1.1", "10.77.2.2", "10.77.3.2", address) }

// together joins lines and groups of lines.
func together(parts ...any) []string {
	lines := []string{}
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			lines = append(lines, part)
		case []string:
			lines = append(lines, part...)
		}
	}
	return lines
}

// The forms of JSON.
const (
	answeredJSON = `"ping":{"min":<ms>,"avg":<ms>,"max":<ms>,"std":<ms>,"loss":0.000000}`
	lostJSON     = `"ping":{"min":-1.000000,"avg":-1.000000,"max":-1.000000,"std":-1.000000,"loss":100.000000}`
	webScanJSON  = `"scan":{"http":{"rtt":<ms>,"response code":"200","server":"nginx/1.24.0"},` +
		`"https":{"rtt":<ms>,"response code":"200","server":"nginx/1.24.0"},"mysql":{"rtt":<ms>,"version":"5.7.2"}}`
	noScanJSON = `"scan":{"http":"None","https":"None","mysql":"None"}`
)

// object is the header of a host's JSON lines, after is what follows it.
func object(name, address string) string { return `{"addr":"` + address + `","name":"` + name + `"` }

func after(members ...string) []string {
	return []string{strings.Join(append([]string{""}, members...), ",") + "}"}
}

// traceJSON is a trace with the separators of 3.x, traceJSON4 with those of 4.x.
func traceJSON(addresses ...string) string { return traceSeparated(", ", addresses) }

func traceJSON4(addresses ...string) string { return traceSeparated(",", addresses) }

func traceSeparated(separator string, addresses []string) string {
	var steps []string
	for _, address := range addresses {
		if address == "*" {
			steps = append(steps, `["*"]`)
		} else {
			steps = append(steps, `["`+address+`", <ms>]`)
		}
	}
	return `"trace":[` + strings.Join(steps, separator) + "]"
}

func pathJSON(address string) string {
	return traceJSON("10.77.1.1", "10.77.2.2", "10.77.3.2", address)
}

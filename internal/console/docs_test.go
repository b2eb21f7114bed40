package console_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/output.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentedLines holds the examples of the documentation against the
// golden files: each is a line of JSON whose fields a golden line of its type
// has too.
func TestDocumentedLines(t *testing.T) {
	known := make(map[string]bool)
	for _, name := range []string{
		"run_json.txt", "run_jsonl.txt", "ping_json.txt", "ping_quiet_json.txt", "trace_json.txt", "scan_json.txt", "health_json.txt",
	} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := checkObject(t, line)
			for field := range fields {
				known[fields["type"].(string)+" "+field] = true
			}
		}
	}
	// The event that lines are missing has a test of its own.
	known["event lines"] = true
	text := documentation(t)
	lines := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		lines++
		fields := checkObject(t, line)
		for field := range fields {
			if !known[fields["type"].(string)+" "+field] {
				t.Errorf("no golden line of its type has %q, which the documentation shows in %s", field, line)
			}
		}
	}
	if lines < 10 {
		t.Errorf("only %d lines of JSON are documented", lines)
	}
}

// TestDocumentedEvents holds the table of events against those that can come:
// every kind there is, and every outcome that the engine amends with.
func TestDocumentedEvents(t *testing.T) {
	plan := nativePlan()
	ping := plan[0].Groups[0].Probes[0].ID
	can := make(map[string]bool)
	tell := func(b *netsonde.Batch) (told bool) {
		for line := range strings.Lines(printedOf(t, console.Options{Format: console.FormatJSONLines}, plan, b)) {
			told = true
			can[checkObject(t, line)["event"].(string)] = true
		}
		return told
	}
	for kind := netsonde.EventKind(1); tell(&netsonde.Batch{Events: []netsonde.Event{{Kind: kind, Target: plan[0]}}}); kind++ {
	}
	tell(&netsonde.Batch{Evidence: []netsonde.Evidence{localEvidence(plan[1])}})
	for outcome := netsonde.OutcomeOK; outcome <= netsonde.OutcomeUnresolved; outcome++ {
		if outcome.Answered() || outcome == netsonde.OutcomeUnreachable {
			tell(&netsonde.Batch{Amends: []netsonde.Amend{{Probe: ping, Outcome: outcome, RTT: time.Second}}})
		}
	}
	_, table, _ := strings.Cut(documentation(t), "| event | meaning |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	slices.Sort(documented)
	if want := slices.Sorted(maps.Keys(can)); !slices.Equal(documented, want) {
		t.Errorf("documented are the events %v, those that can come are %v", documented, want)
	}
}

package console_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedLines holds the examples of the documentation against the
// golden files: each is a line of JSON whose fields a golden line of its type
// has too.
func TestDocumentedLines(t *testing.T) {
	known := make(map[string]bool)
	for _, name := range []string{
		"run_json.txt", "run_jsonl.txt", "ping_json.txt", "ping_quiet_json.txt", "trace_json.txt", "scan_json.txt",
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
	text, err := os.ReadFile("../../docs/output.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
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

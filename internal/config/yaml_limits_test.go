package config

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What the documentation allows is read, in whatever form.
func TestDocumentedSizes(t *testing.T) {
	const budget = "budget: {rate: 1000000, destination: 100000, network: 1000000}\n"
	var groups strings.Builder
	groups.WriteString(budget + "groups:\n")
	for i := range listLimit {
		fmt.Fprintf(&groups, "  - name: g%d\n    labels: {site: ams}\n    defaults: {ping: {every: 1m}}\n    probes: [ping, ssh]\n    targets: [g%d.example]\n", i, i)
	}
	var hosts strings.Builder
	hosts.WriteString(budget + "targets: [a")
	for i := range 60_000 {
		fmt.Fprintf(&hosts, ", a%d.example", i)
	}
	hosts.WriteString("]\n")
	for text, want := range map[string]int{groups.String(): listLimit, hosts.String(): 60_001} {
		c, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(nil))
		if err != nil || len(c.Plan.Targets) != want {
			t.Errorf("%d wanted: %v", want, diagnostics)
		}
	}
}

// Files that ask for much time or memory are refused at once.
func TestBombsAreRefusedAtOnce(t *testing.T) {
	began := time.Now()
	for name, c := range map[string]struct{ text, want string }{
		"brackets":         {"targets: " + strings.Repeat("[", 100_000), "nested deeper than 64 levels"},
		"many brackets":    {"targets: " + strings.Repeat("[", 2_000_000), "more than 500000 words and signs"},
		"words":            {"targets: [" + strings.Repeat("a, ", 300_000) + "a]", "more than 500000 words and signs: give long lists a line"},
		"entries of none":  {"groups:\n" + strings.Repeat("-\n", 100_000), "too many values are left out"},
		"keys of none":     {"groups:\n" + strings.Repeat("- a:\n  b:\n", 60_000), "too many values are left out"},
		"braces":           {"groups: [" + strings.Repeat("{a},", 60_000) + "]", "too many values are left out"},
		"one pair of them": {"groups: {" + strings.Repeat("a,", 100_000) + "a}", "too many values are left out"},
		"colons":           {"groups: {" + strings.Repeat("a:,", 80_000) + "a}", "too many values are left out"},
	} {
		_, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(c.text), isolated(nil))
		if err == nil || !strings.Contains(diagnostics[0].Text, c.want) {
			t.Errorf("%s: %.300v", name, diagnostics)
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

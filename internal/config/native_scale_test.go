package config

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"strings"
	"testing"
)

// manyTargets is a file of so many targets in some form.
func manyTargets(form string, count int) string {
	var text strings.Builder
	text.WriteString("budget: {rate: 1000000}\n")
	if form == "a network" {
		fmt.Fprintf(&text, "targets: [10.0.0.0/%d]\n", 32-bits.Len(uint(count-1)))
		return text.String()
	}
	text.WriteString("targets:\n")
	for i := range count {
		host := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		switch form {
		case "lines":
			fmt.Fprintf(&text, "  - %s\n", host)
		case "names":
			fmt.Fprintf(&text, "  - {host: %s, name: t%d}\n", host, i)
		case "names and labels":
			fmt.Fprintf(&text, "  - {host: %s, name: t%d, labels: {site: s%d, role: router}}\n", host, i, i%100)
		case "blocks":
			fmt.Fprintf(&text, "  - name: t%d\n    host: %s\n    labels: {site: s%d, role: router}\n", i, host, i%100)
		case "parsed":
			fmt.Fprintf(&text, "  - {host: %s, name: \"t%d\", labels: {site: s%d, role: router}}\n", host, i, i%100)
		case "parsed probes":
			fmt.Fprintf(&text, "  - {host: %s, name: t%d, labels: {site: s%d}, probes: [ping, {http: {path: /health}}, ssh]}\n", host, i, i%100)
		}
	}
	return text.String()
}

// A target takes no more memory than is promised, however it is given: 300 bytes
// with one probe, and 168 for each further one.
func TestMemoryOfTargets(t *testing.T) {
	for form, c := range map[string]struct {
		count int
		limit float64
	}{
		"a network": {1 << 18, 300}, "lines": {100_000, 300}, "names": {100_000, 300}, "names and labels": {100_000, 300},
		"blocks": {100_000, 300}, "parsed": {20_000, 300}, "parsed probes": {20_000, 300 + 2*168},
	} {
		t.Run(form, func(t *testing.T) {
			text := []byte(manyTargets(form, c.count))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			loaded, diagnostics, err := parseNative(context.Background(), "c.yaml", text, isolated(nil))
			if err != nil || diagnostics != nil {
				t.Fatal(err, diagnostics)
			}
			// What a pool keeps is gone after the second.
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			each := float64(after.HeapAlloc-before.HeapAlloc) / float64(len(loaded.Plan.Targets))
			if n := len(loaded.Plan.Targets); n < c.count-2 || n > c.count {
				t.Errorf("%d targets", n)
			}
			if each > c.limit {
				t.Errorf("a target takes %.0f B, more than %.0f", each, c.limit)
			}
			t.Logf("%.0f B each", each)
			runtime.KeepAlive(loaded)
			runtime.KeepAlive(text)
		})
	}
}

// BenchmarkMillionTargets tells what the promise of 2 s is about. With -short it
// only shows that it runs.
func BenchmarkMillionTargets(b *testing.B) {
	count := 1_000_000
	if testing.Short() {
		count = 10_000
	}
	for _, form := range []string{"a network", "lines", "names", "names and labels", "blocks", "parsed"} {
		b.Run(form, func(b *testing.B) {
			text := []byte(manyTargets(form, count))
			for b.Loop() {
				if _, diagnostics, err := parseNative(context.Background(), "c.yaml", text, isolated(nil)); err != nil {
					b.Fatal(diagnostics)
				}
			}
		})
	}
}

// Entries that are read past the parser come to what the parser makes of them,
// their mistakes too.
func TestSimpleEntriesAreLikeParsedOnes(t *testing.T) {
	entries := []string{
		"- {host: a.example, name: a}", "- {name: b.example}", "- { host: c.example , labels: { x: 1, y: true } }", "- {host: d.example, labels: {x: 0x1F, y: 1e3}}",
		"- {host: 10.0.0.0/30}", "- {host: e.example, labels: {}}", "- {host: f.example, host: g.example}", "- {host: h.example,name: h}",
		"- {host: null, name: i.example}", "- {name: j}", "- {host: k.example, labels: {x: null}}", "- {host: l.example, labels: {1x: a}}",
		"- {host: m.example, labels: {__x: a}}", "- {host: 10.0.0.300, name: n}", "- {host: 10.1.0.0/30, name: several}", "- {host: o.example, labels: {x: a, x: b}}",
		"- name: p\n  host: p.example\n  labels: {x: y}", "- host: q.example", "- host: r.example\n\n  name: r", "- host: s.example\n  labels:\n    x: y",
		"- host: t.example\n    name: t", "- host: u.example\n name: u", "- a.example\n  folded", "- {host: v.example, stable: true}", "- {host: w.example} # comment",
		"- {host: x.example}\n  name: x", "- {host: y.example, labels: {x: a, y: {z: 1}}}", "- {host: z.example, labels: {a: b}, name: z}", "- {host: 7}", "- {host: 7.5, name: q7}",
		"- {host: aa.example, labels: {label: a}, labels: {x: b}}", "- {host: 2001:db8::1, name: six}", "- {host: ab.example , name: ab }", "-  host: ac.example\n   name: ac",
		"- host: ad.example\n  \n  name: ad", "- {}", "- {host: a.example}, {host: ae.example}", "- {host: {a: b}}", "- host: {a: b}", "- {host: af.example, labels: {a: b}x}",
	}
	padding := strings.Repeat("\n  # padding", longList+10)
	for _, entry := range entries {
		entry = "  " + strings.ReplaceAll(entry, "\n", "\n  ")
		const head = "groups:\n- labels: {site: ams, x: z}\n  targets:\n"
		text := func(padding string) string {
			return head + "  - first.example\n" + entry + "\n  - last.example" + padding + "\n  - end.example\n"
		}
		told := func(text string) string {
			c, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(nil))
			if err != nil {
				var all []string
				for _, d := range diagnostics {
					all = append(all, d.Detail())
				}
				return strings.Join(all, "\n")
			}
			return described(c.Plan)
		}
		short, long := told(text("")), told(text(padding))
		if short != long {
			t.Errorf("%s\nshort:\n%s\nlong:\n%s", entry, short, long)
		}
	}
}

// isolated are surroundings of the files given, by their paths.
func isolated(files map[string]string) surroundings {
	return surroundings{
		read: func(path string) ([]byte, string, error) {
			text, is := files[path]
			if !is {
				return nil, "", fmt.Errorf("no such file")
			}
			return []byte(text), path, nil
		},
		identify: func(path string) string { return path },
		glob: func(pattern string) (found []string, err error) {
			prefix, suffix, _ := strings.Cut(pattern, "*")
			for path := range files {
				if strings.HasPrefix(path, prefix) && strings.HasSuffix(path, suffix) {
					found = append(found, path)
				}
			}
			return found, nil
		},
		lookup: func(name string) (string, bool) { return "set", name == "SET" },
		targets: func(path string) (targetFile, []Diagnostic) {
			return parseTargets(path, []byte(files[path]))
		},
	}
}

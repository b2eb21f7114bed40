package config

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A million targets take little time and memory, however they are given.
func TestMillionTargets(t *testing.T) {
	const budget = "budget: {rate: 1000000}\n"
	var lines strings.Builder
	lines.WriteString(budget + "targets:\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&lines, "  - 10.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	for name, text := range map[string]string{
		"a network": budget + "targets: [10.0.0.0/14]\n",
		"lines":     lines.String(),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			c, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(nil))
			took := time.Since(began)
			if err != nil || diagnostics != nil {
				t.Fatal(err, diagnostics)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			each := float64(after.HeapAlloc-before.HeapAlloc) / float64(len(c.Plan.Targets))
			t.Logf("%d targets in %v, %.0f B each", len(c.Plan.Targets), took, each)
			if n := len(c.Plan.Targets); n < 1<<18-2 {
				t.Errorf("%d targets", n)
			}
			if each > 300 {
				t.Errorf("a target takes %.0f B, more than 300", each)
			}
			// The promise is 2 s; a busy machine with the race detector takes longer.
			if took > 20*time.Second {
				t.Errorf("loading took %v", took)
			}
			runtime.KeepAlive(c)
		})
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

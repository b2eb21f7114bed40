package config

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// nativeViolations says which promises a configuration breaks.
func nativeViolations(c *Configuration) (broken []string) {
	report := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	names, ids := map[string]bool{}, map[netsonde.ProbeID]bool{}
	for _, target := range c.Plan.Targets {
		if names[target.Name] || checkName(target.Name) != nil {
			report("the name %q", target.Name)
		}
		names[target.Name] = true
		addr, err := netip.ParseAddr(target.Host)
		if err == nil && target.Family != netsonde.FamilyAny {
			report("%q has family %d", target.Host, target.Family)
		}
		if target.Output.Dialect != netsonde.DialectNative {
			report("dialect %d", target.Output.Dialect)
		}
		groups := map[string]bool{}
		for _, group := range target.Groups {
			if groups[group.Name] || len(group.Probes) == 0 {
				report("the group %q", group.Name)
			}
			groups[group.Name] = true
			if group.Cadence.Every < leastEvery {
				report("every %v", group.Cadence.Every)
			}
			for _, p := range group.Probes {
				if ids[p.ID] || p.ID != netsonde.NewProbeID(target.Name, target.Family, p) {
					report("%s has an identity of another", target.Name)
				}
				ids[p.ID] = true
				busy := time.Duration(max(p.Count-1, 0)) * p.Spacing
				if p.Timeout < leastTimeout || busy+p.Timeout > group.Cadence.Every {
					report("%s: a timeout of %v every %v", target.Name, p.Timeout, group.Cadence.Every)
				}
				if p.Kind.String() == "invalid" || p.Kind == netsonde.KindPing && p.Count < 1 || p.Kind == netsonde.KindTrace && p.Hops < 1 || p.Kind.IsCheck() && p.Port == 0 {
					report("%s: %+v", target.Name, p)
				}
				if err == nil && p.Source.IsValid() && p.Source.Is4() != addr.Is4() {
					report("%s: from %s", target.Name, p.Source)
				}
			}
		}
	}
	return broken
}

func FuzzNative(f *testing.F) {
	for _, pattern := range []string{"testdata/native/broken/*.yaml", "../../examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Add([]byte("targets:\n" + strings.Repeat("- 10.0.0.1\n", longList) + "- {host: a}\n-\n  b\n"))
	f.Add([]byte("targets: [{host: a, probes: [{}, {ping: {}}]}]"))
	around := isolated(map[string]string{
		"more.yaml": "targets: [in.example]\ndefaults: {every: 1s}", "targets/a.json": `[{"targets": ["sd.example:1"]}]`,
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 32<<10 {
			return
		}
		began := time.Now()
		c, diagnostics, err := parseNative(context.Background(), "c.yaml", text, around)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if (c == nil) == (err == nil) {
			t.Errorf("a configuration or an error: %v, %v", c, err)
		}
		if len(diagnostics) > 3*diagnosticLimit {
			t.Errorf("%d diagnostics", len(diagnostics))
		}
		for _, d := range diagnostics {
			if strings.Contains(d.Text, ownFault) || len(d.Detail()) > 8192 || strings.ContainsRune(d.Detail(), '\x1b') {
				t.Errorf("%q", d.Detail())
			}
		}
		if c != nil && len(c.Plan.Targets) < 10_000 {
			for _, broken := range nativeViolations(c) {
				t.Error(broken)
			}
		}
	})
}

func FuzzTargetFile(f *testing.F) {
	f.Add("t.json", []byte(`[{"targets": ["a:1", "[::1]:2"], "labels": {"a": "b"}}]`))
	f.Add("t.yml", []byte("- targets: [a]\n  labels: {a: b}\n"))
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		file, told := parseTargets(path, text)
		groups := file.groups
		if groups != nil && told != nil {
			t.Errorf("%v and %v", groups, told)
		}
		for _, group := range groups {
			if _, err := group.labelsWithin(map[string]string{"x": "y"}); err != nil && len(err.Error()) > 4096 {
				t.Error(err)
			}
			for _, target := range group.targets {
				if host, port, err := splitPort(target); err == nil && port == 0 && host != target {
					t.Errorf("%q lost its port", target)
				}
			}
		}
	})
}

package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// violations says which promises of Parse an outcome breaks.
func violations(input string, plan *netsonde.Plan, diagnostics []Diagnostic, err error) (broken []string) {
	report := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }

	if (plan == nil) == (err == nil) {
		report("a plan or an error, not both or none: plan %v, error %v", plan != nil, err)
	}
	var fatal Errors
	if err != nil && !errors.As(err, &fatal) {
		report("the error is a %T", err)
	}
	last, seen := 0, 0
	lines := 1 + strings.Count(input, "\n") + strings.Count(input, "\r")
	for _, d := range diagnostics {
		if d.Severity == Fatal {
			seen++
		}
		if d.Line < 0 || d.Line > lines {
			report("line %d of %d", d.Line, lines)
		}
		if d.Line != 0 && d.Line < last {
			report("line %d behind line %d", d.Line, last)
		}
		last = max(last, d.Line)
		if d.File != "c.conf" {
			report("file %q", d.File)
		}
		if (d.Type == "") != (d.Severity == Warning) || d.Severity.String() == "invalid" || d.Text == "" {
			report("diagnostic %+v", d)
		}
		if len(d.Text) > 1000 {
			report("a message of %d bytes", len(d.Text))
		}
	}
	if seen != len(fatal) {
		report("%d fatal diagnostics, %d errors", seen, len(fatal))
	}
	if len(diagnostics) > 3*(diagnosticLimit+1) {
		report("%d diagnostics", len(diagnostics))
	}
	if plan != nil {
		broken = append(broken, planViolations(plan)...)
	}
	return broken
}

// planViolations says which promises a plan breaks.
func planViolations(plan *netsonde.Plan) (broken []string) {
	report := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	names, ids := map[string]bool{}, map[netsonde.ProbeID]bool{}
	for _, target := range plan.Targets {
		if names[target.Name] {
			report("two targets %q", target.Name)
		}
		names[target.Name] = true
		if !strings.HasPrefix(target.Name, target.Host+"#") || unusable(target.Host) != "" ||
			len(strings.Fields(target.Host)) != 1 {
			report("target %q of host %q", target.Name, target.Host)
		}
		if target.Family != netsonde.FamilyPrefer4 || len(target.Groups) == 0 {
			report("target %q: family %d, %d groups", target.Name, target.Family, len(target.Groups))
		}
		groups := map[string]bool{}
		for _, group := range target.Groups {
			if groups[group.Name] {
				report("two groups %q", group.Name)
			}
			groups[group.Name] = true
			if group.Cadence.Pause < 0 || group.Cadence.Pause > maxPause || group.Cadence.Once {
				report("cadence %v", group.Cadence)
			}
			for _, probe := range group.Probes {
				if probe.ID == 0 || ids[probe.ID] {
					report("probe %x again", probe.ID)
				}
				ids[probe.ID] = true
				if probe.Timeout < time.Second || probe.Timeout > 2*time.Second ||
					probe.Count < 0 || probe.Count > 65535 || probe.Size < 0 || probe.Size > 65507 {
					report("probe %+v", probe)
				}
				if isTrace := probe.Kind == netsonde.KindTrace; isTrace != (probe.Hops > 0) || probe.Hops > 255 {
					report("a %v of %d hops", probe.Kind, probe.Hops)
				}
				if probe.Kind.Port() != probe.Port {
					report("a %v of port %d", probe.Kind, probe.Port)
				}
			}
		}
	}
	return broken
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "# c", "1", "1 1 1 10 41 40 1 500\nlocalhost\nlocalhost\n",
		"7 -1 +2 4 4_1 300 0 0 9 # c\r\nweb.test\r\rweb.test x\n12\n",
		"0 0 0 -1 -1 -1 0 500\nx\x01\n", "1 1 1 1e3 -5 0.5 x 99999999999999999999",
		"web.test ping=1/2 trace=1e3 scan=.5 hops=2 json=True timestamp=-1\nweb.test\n",
		"web.test ping=nan numpings=70000 payload=-1 foo=1 ping=1\nping=0\n1 1\n",
		"web.test ping=-1\n", "web.test scan=-1/2\n", "10.0.0.1 ping=0\nfd77::1%eth0 ping = 5\n", "\ufeffa\x00b", "\xff\xfe",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		c, diagnostics, err := parse(context.Background(), "c.conf", strings.NewReader(input), isolated(nil))
		if c != nil && c.Native || len(diagnostics) > 0 && diagnostics[0].Column > 0 {
			return // what holds of native files, FuzzNative sees to
		}
		plan, diagnostics, err := planOf(c, diagnostics, err)
		for _, broken := range violations(input, plan, diagnostics, err) {
			t.Errorf("%q: %s", input, broken)
		}
	})
}

// The invariants are worth something only if a broken result breaks them.
func TestViolationsAreFound(t *testing.T) {
	const input = "1 1 1 4 41 10 0 500\nweb.test\nweb.test\n"
	probe := func(p *netsonde.Plan, i int) *netsonde.Probe { return &p.Targets[0].Groups[0].Probes[i] }
	for name, damage := range map[string]func(*netsonde.Plan, *[]Diagnostic, *error){
		"no plan":        func(_ *netsonde.Plan, _ *[]Diagnostic, e *error) { *e = Errors{} },
		"wrong error":    func(_ *netsonde.Plan, _ *[]Diagnostic, e *error) { *e = errors.New("plain") },
		"same name":      func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { p.Targets[1].Name = p.Targets[0].Name },
		"same ID":        func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 0).ID = probe(p, 1).ID },
		"no ID":          func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 0).ID = 0 },
		"number as host": func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { p.Targets[0].Name, p.Targets[0].Host = "7#1", "7" },
		"blank in host": func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) {
			p.Targets[0].Name, p.Targets[0].Host = "a b#1", "a b"
		},
		"other host":     func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { p.Targets[0].Host = "other" },
		"no group":       func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { p.Targets[0].Groups = nil },
		"negative pause": func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { p.Targets[0].Groups[0].Cadence.Pause = -1 },
		"count":          func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 0).Count = 65536 },
		"size":           func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 0).Size = 65508 },
		"timeout":        func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 0).Timeout = 0 },
		"hops":           func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 1).Hops = 256 },
		"no hops":        func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 1).Hops = 0 },
		"port":           func(p *netsonde.Plan, _ *[]Diagnostic, _ *error) { probe(p, 2).Port = 8080 },
		"line": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) {
			*d = []Diagnostic{{File: "c.conf", Line: 9, Severity: Warning, Text: "x"}}
		},
		"order": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) {
			*d = []Diagnostic{{File: "c.conf", Line: 2, Severity: Warning, Text: "x"}, {File: "c.conf", Line: 1, Severity: Warning, Text: "x"}}
		},
		"no file": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) { *d = []Diagnostic{{Severity: Warning, Text: "x"}} },
		"no severity": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) {
			*d = []Diagnostic{{File: "c.conf", Type: "T", Text: "x"}}
		},
		"lost error": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) {
			*d = []Diagnostic{{File: "c.conf", Severity: Fatal, Type: "T", Text: "x"}}
		},
		"long message": func(_ *netsonde.Plan, d *[]Diagnostic, _ *error) {
			*d = []Diagnostic{{File: "c.conf", Severity: Warning, Text: strings.Repeat("x", 2000)}}
		},
	} {
		plan, diagnostics, err := Parse("c.conf", strings.NewReader(input))
		if broken := violations(input, plan, diagnostics, err); broken != nil {
			t.Fatal(broken)
		}
		damage(plan, &diagnostics, &err)
		if violations(input, plan, diagnostics, err) == nil {
			t.Errorf("%s was not found", name)
		}
	}
}

package config

import (
	"fmt"
	"strings"
	"testing"

	"netsonde"
)

// summary renders a plan, one line a target, so that tables can say what they expect.
func summary(plan *netsonde.Plan) string {
	if plan == nil {
		return "no plan"
	}
	var out strings.Builder
	for _, target := range plan.Targets {
		form, stamp := "text", ""
		if target.Output.JSON {
			form = "json"
		}
		if target.Output.Timestamp {
			stamp = "+time"
		}
		fmt.Fprintf(&out, "%s %s/%d%s", target.Name, form, 3+target.Output.Dialect, stamp)
		for _, group := range target.Groups {
			fmt.Fprintf(&out, " %s[%v", group.Name, group.Cadence.Pause)
			for _, probe := range group.Probes {
				fmt.Fprintf(&out, " %s", probe.Kind)
				switch probe.Kind {
				case netsonde.KindPing:
					fmt.Fprintf(&out, " %dx%d %v", probe.Count, probe.Size, probe.Timeout)
				case netsonde.KindTrace:
					fmt.Fprintf(&out, " %d %v", probe.Hops, probe.Timeout)
				default:
					fmt.Fprintf(&out, ":%d %v", probe.Port, probe.Timeout)
				}
			}
			out.WriteString("]")
		}
		out.WriteString("\n")
	}
	return out.String()
}

// listing renders diagnostics, one a line.
func listing(diagnostics []Diagnostic) string {
	var out strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintf(&out, "%d %s %s\n", d.Line, d.Severity, d.Error())
	}
	return out.String()
}

// parseCase is one row of a table: an input, and all that must come of it.
type parseCase struct {
	name        string
	input       string
	plan        string
	diagnostics string
}

func runParseCases(t *testing.T, cases []parseCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan, diagnostics, err := Parse("c.conf", strings.NewReader(c.input))
			if got := summary(plan); got != c.plan {
				t.Errorf("plan:\n%swant:\n%s", got, c.plan)
			}
			if got := listing(diagnostics); got != c.diagnostics {
				t.Errorf("diagnostics:\n%swant:\n%s", got, c.diagnostics)
			}
			for _, broken := range violations(c.input, plan, diagnostics, err) {
				t.Error(broken)
			}
		})
	}
}

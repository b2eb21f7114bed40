package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/config"
)

func (p *program) checkConfigCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "check-config [flags] FILE|-",
		Short: "Check a configuration and tell what it costs",
		Long: `Reads a configuration, native or connmonitor's 3.x or 4.x, as run would, and tells
everything that is wrong with it, each with file, line and column. Of a good one
it tells how many targets and probes there are and what they cost: packets and
bits a second, series, disk, and how much of the budget that is. Nothing is sent
and no name is looked up.

Exit codes: 0 good, 2 not.`,
		Example: `  netsonde check-config office.yaml
  netsonde check-config --json office.yaml
  netsonde check-config - < /etc/connmonitor.conf`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeConfiguration,
		RunE: untilSignal(func(ctx context.Context, _ *cobra.Command, args []string) error {
			checked, err := p.checkConfiguration(ctx, args[0])
			if err != nil {
				return err
			}
			text := checked.text()
			if asJSON {
				if text, err = checked.json(); err != nil {
					return err
				}
			}
			if err := p.print(text); err != nil {
				return err
			}
			if !checked.good() {
				return exitCode(exitUsage)
			}
			return nil
		}),
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	return command
}

// checkedConfiguration is what was found in a file.
type checkedConfiguration struct {
	path string
	// configuration is nil when there is an error.
	configuration *config.Configuration
	diagnostics   []config.Diagnostic
	cost          config.Cost
	warnings      []string
}

// readConfiguration reads a file; - is standard input.
func (p *program) readConfiguration(ctx context.Context, path string) (*config.Configuration, []config.Diagnostic, error) {
	if path == standardInput {
		return config.Read(ctx, "standard input", p.stdin)
	}
	return config.NewLoader(path).Load(ctx)
}

// checkConfiguration reads a file; - is standard input. The error is one of
// reading that was interrupted.
func (p *program) checkConfiguration(ctx context.Context, path string) (*checkedConfiguration, error) {
	c := &checkedConfiguration{path: path}
	var err error
	c.configuration, c.diagnostics, err = p.readConfiguration(ctx, path)
	var wrong config.Errors
	switch {
	case errors.As(err, &wrong):
		c.configuration = nil
		return c, nil
	case err != nil:
		return nil, err
	}
	c.cost = config.CostOf(c.configuration.Plan)
	if c.cost.Targets == 0 && !c.configuration.Native {
		var none config.Diagnostic
		if errors.As(config.ErrNoHosts, &none) {
			c.diagnostics = append(c.diagnostics, none)
		}
	}
	for _, part := range c.budgetParts() {
		if part.share() > 0.5 {
			c.warnings = append(c.warnings, fmt.Sprintf("%s: %s of the budget is used: %s packets/s of %s",
				part.name, percent(part.share()), amount(part.sent), amount(float64(part.limit))))
		}
	}
	return c, nil
}

// good reports whether nothing is wrong but what a warning tells.
func (c *checkedConfiguration) good() bool {
	return c.configuration != nil && !slices.ContainsFunc(c.diagnostics, func(d config.Diagnostic) bool {
		return d.Severity != config.Warning
	})
}

// budgetPart is a part of the budget and what the plan sends of it.
type budgetPart struct {
	name, key, to string
	sent          float64
	limit         int
}

func (b budgetPart) share() float64 { return b.sent / float64(b.limit) }

// budgetParts are those of a native configuration; others have no budget.
func (c *checkedConfiguration) budgetParts() []budgetPart {
	if c.configuration == nil || !c.configuration.Native {
		return nil
	}
	budget := c.configuration.Budget
	return []budgetPart{
		{"all destinations", "rate", "", c.cost.Budgeted, budget.Rate},
		{"busiest destination", "destination", c.cost.Destination.To, c.cost.Destination.PacketsSent, budget.Destination},
		{"busiest network", "network", c.cost.Network.To, c.cost.Network.PacketsSent, budget.Network},
	}
}

// text is what is printed for people.
func (c *checkedConfiguration) text() string {
	var text strings.Builder
	for i := range c.diagnostics {
		text.WriteString(severityWord(c.diagnostics[i].Severity) + ": " + c.diagnostics[i].Detail() + "\n")
	}
	for _, warning := range c.warnings {
		text.WriteString("warning: " + warning + "\n")
	}
	if c.configuration == nil {
		return text.String()
	}
	if text.Len() > 0 {
		text.WriteString("\n")
	}
	var kinds []string
	for kind := netsonde.KindPing; kind <= netsonde.KindSSH; kind++ {
		if count := c.cost.Kinds[kind]; count > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", count, kind))
		}
	}
	line := fmt.Sprintf("%s: %s, %s", strings.Trim(strconv.Quote(c.path), `"`), counted(c.cost.Targets, "target"), counted(c.cost.Probes, "probe"))
	if kinds != nil {
		line += "\n  " + strings.Join(kinds, ", ")
	}
	text.WriteString(line + "\n\n")
	row := func(name, value, rest string) {
		text.WriteString(strings.TrimRight(fmt.Sprintf("  %-22s %14s  %s", name, value, rest), " ") + "\n")
	}
	row("packets sent", amount(c.cost.PacketsSent)+" /s", "")
	row("bits sent", scaled(c.cost.BitsSent, "bit/s"), "IP headers included")
	row("bits received", scaled(c.cost.BitsReceived, "bit/s"), "if all targets answer")
	row("series", strconv.Itoa(c.cost.Probes), "")
	row("samples", amount(c.cost.Samples)+" /s", "")
	row("disk a day", scaled(c.cost.DiskPerDay, "B"), "at 2.55 bytes a sample")
	parts := c.budgetParts()
	if parts == nil {
		text.WriteString("\n  connmonitor's formats have no budget: what the file asks for is sent.\n")
		return text.String()
	}
	text.WriteString("\n  budget, in packets a second (loopback is exempt)\n")
	for _, part := range parts {
		rest := fmt.Sprintf("of %s (%s)", amount(float64(part.limit)), percent(part.share()))
		if part.to != "" {
			rest += "  " + strings.Trim(strconv.Quote(part.to), `"`)
		}
		row(part.name, amount(part.sent), rest)
	}
	return text.String()
}

func severityWord(severity config.Severity) string {
	if severity == config.Warning {
		return "warning"
	}
	return "error"
}

// json is the same as one line. Its fields are a contract.
func (c *checkedConfiguration) json() (string, error) {
	type finding struct {
		File     string `json:"file"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
		Hint     string `json:"hint,omitempty"`
	}
	type load struct {
		To    string  `json:"to,omitempty"`
		Sent  float64 `json:"packets_sent_per_second"`
		Limit int     `json:"limit"`
	}
	type cost struct {
		Targets      int             `json:"targets"`
		Probes       int             `json:"probes"`
		Kinds        map[string]int  `json:"kinds"`
		Packets      float64         `json:"packets_sent_per_second"`
		BitsSent     float64         `json:"bits_sent_per_second"`
		BitsReceived float64         `json:"bits_received_per_second"`
		Series       int             `json:"series"`
		Samples      float64         `json:"samples_per_second"`
		Disk         float64         `json:"disk_bytes_per_day"`
		Budget       map[string]load `json:"budget,omitempty"`
	}
	line := struct {
		Schema   int       `json:"schema"`
		Type     string    `json:"type"`
		File     string    `json:"file"`
		Good     bool      `json:"good"`
		Findings []finding `json:"findings"`
		Cost     *cost     `json:"cost,omitempty"`
	}{Schema: 1, Type: "configuration", File: c.path, Good: c.good(), Findings: []finding{}}
	for i := range c.diagnostics {
		d := &c.diagnostics[i]
		line.Findings = append(line.Findings, finding{d.File, d.Line, d.Column, severityWord(d.Severity), d.Error(), d.Hint})
	}
	for _, warning := range c.warnings {
		line.Findings = append(line.Findings, finding{File: c.path, Severity: "warning", Text: warning})
	}
	if c.configuration != nil {
		line.Cost = &cost{
			Targets: c.cost.Targets, Probes: c.cost.Probes, Kinds: map[string]int{}, Packets: c.cost.PacketsSent,
			BitsSent: c.cost.BitsSent, BitsReceived: c.cost.BitsReceived, Series: c.cost.Probes,
			Samples: c.cost.Samples, Disk: c.cost.DiskPerDay,
		}
		for kind, count := range c.cost.Kinds {
			line.Cost.Kinds[kind.String()] = count
		}
		for _, part := range c.budgetParts() {
			if line.Cost.Budget == nil {
				line.Cost.Budget = map[string]load{}
			}
			line.Cost.Budget[part.key] = load{part.to, part.sent, part.limit}
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		return "", failureError{fmt.Errorf("write the findings as JSON: %w", err)}
	}
	return string(text) + "\n", nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// amount writes a number with three figures, or all before the point.
func amount(x float64) string {
	switch {
	case x >= 100 || x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x >= 0.01:
		return strconv.FormatFloat(x, 'f', 2, 64)
	default:
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
}

func percent(share float64) string {
	if share > 0 && share < 0.001 {
		return "under 0.1 %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(share*100, 'f', 1, 64), ".0") + " %"
}

// scaled writes a number of a unit with a decimal prefix.
func scaled(x float64, unit string) string {
	for _, prefix := range []string{"", "k", "M", "G", "T"} {
		if x < 999.5 || prefix == "T" {
			return amount(x) + " " + prefix + unit
		}
		x /= 1000
	}
	return ""
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"netsonde/pmonitor"
)

// pmonitorFlagCommands read and set run and running.
func (p *program) pmonitorFlagCommands() []*cobra.Command {
	get := func(name, short string, flag pmonitor.Flag) *cobra.Command {
		return p.pmonitorVerb(name+" DB ADDRESS", short,
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				return withDatabase(ctx, arguments[0], func(ctx context.Context, db *pmonitor.DB) error {
					value, err := db.Stored(ctx, flag, arguments[1])
					if err != nil {
						return err
					}
					if text, ok := value.([]byte); ok {
						value = string(text)
					}
					plain, err := json.Marshal(value)
					if err != nil {
						return fmt.Errorf("write the stored value: %w", err)
					}
					return p.answer(command, string(plain)+"\n", map[string]any{"address": arguments[1], "value": value})
				})
			})
	}
	set := func(name, short string, flag pmonitor.Flag) *cobra.Command {
		return p.pmonitorVerb(name+" DB ADDRESS VALUE", short,
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				value, err := parseValue(arguments[2])
				if err != nil {
					return p.pmonitorUsage(err.Error())
				}
				return withDatabase(ctx, arguments[0], func(ctx context.Context, db *pmonitor.DB) error {
					if err := db.Store(ctx, flag, arguments[1], value); err != nil {
						return err
					}
					return p.answer(command, "", map[string]any{"address": arguments[1], "value": value})
				})
			})
	}
	return []*cobra.Command{
		get("is-running", "Print whether the node's monitor is said to run", pmonitor.FlagRunning),
		set("set-running", "Say whether the node's monitor runs", pmonitor.FlagRunning),
		get("can-run", "Print whether the node's monitor may go on", pmonitor.FlagRun),
		set("set-can-run", "Let the node's monitor go on (1), or stop it (0)", pmonitor.FlagRun),
	}
}

// parseValue reads a value for a database: 0, 1, true, false, null, or any
// other number or string of JSON. Booleans become 0 and 1.
func parseValue(text string) (any, error) {
	switch strings.ToLower(text) {
	case "true":
		return int64(1), nil
	case "false":
		return int64(0), nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	var value any
	err := json.Unmarshal([]byte(text), &value)
	switch value.(type) {
	case nil, float64, string:
		if err == nil {
			return value, nil
		}
	}
	return nil, fmt.Errorf("the value %q must be 0, 1, true, false, null, or a number or string of JSON", text)
}

// pmonitorStatusCommands tell how targets stand.
func (p *program) pmonitorStatusCommands() []*cobra.Command {
	stable := false
	count := p.pmonitorVerb("count DB", "Print how many targets answer and how many have ever answered",
		func(ctx context.Context, command *cobra.Command, arguments []string) error {
			return withDatabase(ctx, arguments[0], func(ctx context.Context, db *pmonitor.DB) error {
				good, total, err := db.StatusCount(ctx, stable)
				if err != nil {
					return err
				}
				return p.answer(command, fmt.Sprintf("%d / %d\n", good, total), map[string]any{"good": good, "total": total})
			})
		})
	count.Flags().BoolVar(&stable, "stable", false, "count stable targets only")
	statuses := func(name, short string, read func(*pmonitor.DB, context.Context) ([]pmonitor.Status, error)) *cobra.Command {
		return p.pmonitorVerb(name+" DB", short,
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				return withDatabase(ctx, arguments[0], func(ctx context.Context, db *pmonitor.DB) error {
					list, err := read(db, ctx)
					if err != nil {
						return err
					}
					return p.answerStatuses(command, list)
				})
			})
	}
	return []*cobra.Command{
		count,
		statuses("list", "Print how the targets stand that have ever answered", (*pmonitor.DB).StatusList),
		statuses("last-five", "Print how the five targets stand that were sampled last", (*pmonitor.DB).LastFive),
	}
}

func (p *program) answerStatuses(command *cobra.Command, list []pmonitor.Status) error {
	type status struct {
		Name      string `json:"name"`
		Responded int    `json:"responded"`
	}
	var plain strings.Builder
	targets := make([]status, 0, len(list))
	for _, s := range list {
		// Quoted where it must be, so that a name is one word and one line.
		name := s.Name
		if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.ContainsRune(name, ' ') || name == "" {
			name = quoted
		}
		fmt.Fprintf(&plain, "%d %s\n", bit(s.Responded), name)
		targets = append(targets, status{s.Name, bit(s.Responded)})
	}
	return p.answer(command, plain.String(), map[string]any{"targets": targets})
}

// pmonitorFileCommands make databases.
func (p *program) pmonitorFileCommands() []*cobra.Command {
	return []*cobra.Command{
		p.pmonitorVerb("create DB", "Make an empty database, erasing one that is there",
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				ctx, cancel := patient(ctx)
				defer cancel()
				if err := pmonitor.CreateDB(ctx, arguments[0]); err != nil {
					return err
				}
				return p.answer(command, "", nil)
			}),
		p.pmonitorVerb("init DB NAME_ADDRESS_STABLE...", "Make a database of targets, each given as NAME ADDRESS STABLE",
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				targets, err := parseTargets(arguments[1:])
				if err != nil {
					return p.pmonitorUsage(err.Error())
				}
				ctx, cancel := patient(ctx)
				defer cancel()
				if err := pmonitor.InitTargets(ctx, arguments[0], targets); err != nil {
					return err
				}
				return p.answer(command, "", map[string]any{"targets": len(targets)})
			}),
		p.pmonitorSampleCommand(),
		p.pmonitorPingCommand(),
		p.pmonitorVerb("consolidate MASTER OUTPUT WORK...", "Make one database of a master and its working databases",
			func(ctx context.Context, command *cobra.Command, arguments []string) error {
				ctx, cancel := patient(ctx)
				defer cancel()
				skipped, err := pmonitor.Consolidate(ctx, arguments[0], arguments[2:], arguments[1])
				names := []string{}
				for _, s := range skipped {
					p.diagnostics.Warn(s.Error())
					names = append(names, s.Path)
				}
				if err != nil {
					return err
				}
				return p.answer(command, "", map[string]any{"skipped": names})
			}),
	}
}

// parseTargets reads targets of three words each.
func parseTargets(words []string) (targets []pmonitor.Target, err error) {
	if len(words)%3 != 0 {
		return nil, errors.New("init takes three arguments a target: name, address, stable")
	}
	for i := 0; i < len(words); i += 3 {
		stable, err := parseValue(words[i+2])
		if err != nil || stable != int64(0) && stable != int64(1) {
			return nil, fmt.Errorf("stable of target %q must be 0 or 1, not %q", words[i], words[i+2])
		}
		targets = append(targets, pmonitor.Target{Name: words[i], Address: words[i+1], Stable: stable == int64(1)})
	}
	return targets, nil
}

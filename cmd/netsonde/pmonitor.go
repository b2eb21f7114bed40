package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"netsonde/pmonitor"
)

// pmonitorPatience is how long a command waits for a database that is locked.
// Monitors wait as long as they run.
const pmonitorPatience = time.Minute

// pmonitorUsage begins with the original's three lines.
const pmonitorUsage = `usage:
	monitor <master_db> <working_db> <src_address>
	test
	create <db>
	init <db> [<name> <address> <stable>]...
	is-running <db> <address>
	set-running <db> <address> <value>
	can-run <db> <address>
	set-can-run <db> <address> <value>
	count [--stable] <db>
	list <db>
	last-five <db>
	sample <db> <name> <address> <stable> <src_address>
	ping <address> <src_address>
	consolidate <master_db> <output_db> [<working_db>]...
`

// pmonitorCommand is pmonitor. What is wrong with a call is answered with the
// usage, on standard output, and 1; as is everything else that fails.
func (p *program) pmonitorCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "pmonitor",
		Short: "Nodes that watch each other, on pmonitor.py's databases",
		Long: `Pings all nodes of a master database in turn and counts in a working database, as
pmonitor.py does. The other commands do what its functions do.

Options may stand anywhere before --; only -h must come before all arguments. Write
-- in front of arguments that may begin with -.

Booleans are 0 or 1. A database that somebody has locked is waited for: by a
monitor as long as it runs, by other commands for a minute.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error { return p.pmonitorUsage("") },
	}
	addLeadingHelp(command)
	command.PersistentFlags().Bool("json", false, "print one line of JSON")
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return p.pmonitorUsage(err.Error()) })
	command.AddCommand(p.pmonitorMonitorCommand(), p.pmonitorTestCommand())
	command.AddCommand(p.pmonitorFlagCommands()...)
	command.AddCommand(p.pmonitorStatusCommands()...)
	command.AddCommand(p.pmonitorFileCommands()...)
	return command
}

// pmonitorUsage prints the usage, and on standard error what is wrong.
func (p *program) pmonitorUsage(wrong string) error {
	if wrong != "" {
		p.diagnostics.Error("Usage", wrong)
	}
	if err := p.print(pmonitorUsage); err != nil {
		return err
	}
	return exit(exitFailure)
}

// pmonitorVerb makes a command of pmonitor: arguments are their names in the
// usage, a last one with dots for any number of them.
func (p *program) pmonitorVerb(use, short string, run func(context.Context, *cobra.Command, []string) error) *cobra.Command {
	words := strings.Fields(use)
	least, most := len(words)-1, len(words)-1
	if strings.HasSuffix(use, "...") {
		least, most = least-1, 1<<20
	}
	command := &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) < least || len(arguments) > most {
				return p.pmonitorUsage(fmt.Sprintf("%s does not take %d arguments", words[0], len(arguments)))
			}
			return nil
		},
		RunE: func(command *cobra.Command, arguments []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
			defer stop()
			err := run(ctx, command, arguments)
			var code exitCode
			if err == nil || errors.As(err, &code) {
				return err
			}
			return failureError{err}
		},
	}
	addLeadingHelp(command)
	return command
}

// patient bounds the wait for a lock.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, pmonitorPatience,
		fmt.Errorf("the database was locked for more than %s", pmonitorPatience))
}

// withDatabase runs f on an open database.
func withDatabase(ctx context.Context, path string, f func(context.Context, *pmonitor.DB) error) error {
	ctx, cancel := patient(ctx)
	defer cancel()
	db, err := pmonitor.OpenDB(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(f(ctx, db), db.Close())
}

// answer prints a command's result: plain lines, or with --json one object of
// the fields, which begin with a comma unless there are none.
func (p *program) answer(command *cobra.Command, plain string, fields map[string]any) error {
	asked, err := command.Flags().GetBool("json")
	if err != nil || !asked {
		return errors.Join(err, p.print(plain))
	}
	line := fmt.Appendf(nil, `{"schema":1,"type":%q`, command.Name())
	if len(fields) > 0 {
		rest, err := json.Marshal(fields)
		if err != nil {
			return fmt.Errorf("write the result as JSON: %w", err)
		}
		// The object goes on behind the two fields that every line begins with.
		rest[0] = ','
		line = append(line, rest...)
	} else {
		line = append(line, '}')
	}
	return p.print(string(line) + "\n")
}

// bit is a boolean as databases and plain results have it.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"netsonde/internal/config"
)

func (p *program) importCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "import",
		Short: "Turn another program's configuration into a native one",
		Long:  "Turns another program's configuration into a native one.",
		Example: `  netsonde import connmonitor /etc/connmonitor.conf -o office.yaml
  netsonde check-config office.yaml`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(p.importConnmonitorCommand())
	return command
}

func (p *program) importConnmonitorCommand() *cobra.Command {
	var target newFile
	command := &cobra.Command{
		Use:   "connmonitor [flags] FILE|-",
		Short: "Turn a connmonitor file, 3.x or 4.x, into a native one",
		Long: `Turns a connmonitor file, 3.x or 4.x, into a native configuration of the same hosts,
statistics, sizes, counts and hops. Comments in it say what differs, above all
that rounds start at fixed times and do not wait for each other.

Nothing is written when the file has an error.`,
		Example: `  netsonde import connmonitor /etc/connmonitor.conf
  netsonde import connmonitor hosts.conf -o office.yaml
  netsonde import connmonitor - < hosts.conf`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeConfiguration,
		RunE: untilSignal(func(ctx context.Context, _ *cobra.Command, args []string) error {
			configuration, diagnostics, err := p.readConfiguration(ctx, args[0])
			for i := range diagnostics {
				p.complain(diagnostics[i])
			}
			var wrong config.Errors
			switch {
			case errors.As(err, &wrong):
				return exitCode(exitUsage)
			case err != nil:
				return err
			case configuration.Native:
				return usageError{fmt.Errorf("import %s: it is a native configuration already; run it with netsonde run", args[0])}
			}
			source := filepath.Base(args[0])
			if args[0] == standardInput {
				source = "standard input"
			}
			if len(configuration.Plan.Targets) == 0 {
				p.complain(config.ErrNoHosts)
				return exitCode(exitUsage)
			}
			text, err := config.ExportNative(configuration.Plan, source)
			if err != nil {
				return usageError{err}
			}
			return p.writeNew(target, text)
		}),
	}
	target.flags(command)
	return command
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/mesh"
)

const (
	// meshDirectory is where a mesh lives unless --dir says otherwise.
	meshDirectory = "mesh"
	// meshPatience is how long "mesh stop" waits for the monitors to end.
	meshPatience = time.Minute
)

// meshCommand is pmonitor's system on one host.
func (p *program) meshCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "mesh",
		Short: "Run monitors on all nodes of an emulated network, with statistics and a page",
		Long: `Runs a monitor on each node of an emulated network, in the node's network
namespace, on pmonitor's databases, and shows what they see.

A mesh lives in a directory. The commands find it there, whether it runs or not.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.PersistentFlags().String("dir", meshDirectory, "the directory where the mesh lives")
	command.AddCommand(p.meshStartCommand(), p.meshStopCommand(), p.meshStatusCommand(), p.meshStatsCommand(),
		p.meshConsolidateCommand())
	return command
}

// meshVerb makes a command of mesh: what fails while it runs is no mistake in
// the call, except that there is no mesh.
func meshVerb(use, short string, arguments cobra.PositionalArgs,
	run func(context.Context, *cobra.Command, mesh.Directory, []string) error,
) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: arguments,
		RunE: func(command *cobra.Command, arguments []string) error {
			path, err := command.Flags().GetString("dir")
			if err != nil {
				return err
			}
			directory, err := mesh.NewDirectory(path)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
			defer stop()
			err = run(ctx, command, directory, arguments)
			var usage callError
			var code exitCode
			if err == nil || errors.As(err, &usage) || errors.As(err, &code) {
				return err
			}
			return failureError{err}
		},
	}
}

// callError is an error in how the program was called.
type callError struct{ error }

func (e callError) Unwrap() error { return e.error }

func (p *program) meshStopCommand() *cobra.Command {
	keep := false
	command := meshVerb("stop", "End the mesh", cobra.NoArgs,
		func(ctx context.Context, _ *cobra.Command, directory mesh.Directory, _ []string) error {
			ctx, cancel := context.WithTimeoutCause(ctx, meshPatience,
				fmt.Errorf("it did not within %s", meshPatience))
			defer cancel()
			return mesh.Stop(ctx, directory, keep)
		})
	command.Long = `Sets run to 0 for all nodes in the master database, waits until the monitors have
ended, and removes the mesh's files. Also cleans up after a mesh that was killed.`
	command.Flags().BoolVar(&keep, "keep", false, "leave the databases and the statistics")
	return command
}

func (p *program) meshConsolidateCommand() *cobra.Command {
	command := meshVerb("consolidate OUTPUT", "Make one database of all the mesh's databases", cobra.ExactArgs(1),
		func(ctx context.Context, _ *cobra.Command, directory mesh.Directory, arguments []string) error {
			ctx, cancel := patient(ctx)
			defer cancel()
			skipped, err := mesh.Consolidate(ctx, directory, arguments[0])
			for _, s := range skipped {
				p.diagnostics.Warn(s.Error())
			}
			return err
		})
	command.Long = `Writes the master's targets and a history row for each node and each target that
it has pinged to the SQLite database OUTPUT. It works while the mesh runs, and
afterwards if its files were kept (--keep). What cannot be read is named and left out.`
	return command
}

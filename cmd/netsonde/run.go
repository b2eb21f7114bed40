package main

import (
	"github.com/spf13/cobra"
)

func (p *program) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run FILE|-",
		Short: "Monitor the hosts of a file",
		Long: `Monitor the hosts of a file for ever. The file is in one of connmonitor's formats,
3.x or 4.x; - is standard input.

SIGHUP reads the file again; a bad one changes nothing. SIGTERM and SIGINT finish
what is running, print it and end with 0.`,
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			m := monitor{program: p, path: args[0], badConfiguration: exitUsage}
			return exit(m.run(command.Context()))
		},
	}
}

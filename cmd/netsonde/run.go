package main

import (
	"github.com/spf13/cobra"

	"netsonde/internal/console"
)

func (p *program) runCommand() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "run FILE|-",
		Short: "Monitor the targets of a file",
		Long: `Monitors the targets of a file for ever. The file is in the native format (YAML,
docs/configuration.md) or in one of connmonitor's, 3.x or 4.x; - is standard input.

--output says how results are written to standard output (docs/output.md):
  text   for people, a line a probe and round; connmonitor's blocks for its formats
  json   an object a probe and round; connmonitor's objects for its formats
  jsonl  an object for every outcome: each echo, route, check and event
  none   nothing but error and warning lines, on standard error

SIGUSR1 has the monitor say how it is itself, on standard error. SIGHUP reads the
file again, and so does a change of a file_sd file. Whatever is
not changed goes on as if nothing had been; a bad file changes nothing. SIGTERM
and SIGINT finish what is running, print it and end with 0.`,
		Example: `  netsonde run office.yaml
  netsonde run --output jsonl office.yaml >> outcomes.jsonl
  netsonde run examples/first.conf`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeConfiguration,
		RunE: func(command *cobra.Command, args []string) error {
			m := monitor{program: p, path: args[0], badConfiguration: exitUsage}
			if command.Flags().Changed("output") {
				var err error
				if m.format, err = console.ParseFormat(output); err != nil {
					return err
				}
			}
			return exit(m.run(command.Context()))
		},
	}
	command.Flags().StringVar(&output, "output", "", "text, json, jsonl or none (default: as the file says, or text)")
	offer(command, "output", "text", "json", "jsonl", "none")
	return command
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"netsonde/internal/service"
)

// The words of connmonitor's command line beside a file name. It has no flags
// in the usual sense: only its first argument counts.
const (
	standardInput = "-"
	serviceFlag   = "--service"
)

func (p *program) connmonitorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "connmonitor [FILE | - | -v | --service]",
		Short: "Monitor the hosts of a file as connmonitor does",
		Long: `Monitor the hosts of a connmonitor file, 3.x or 4.x, for ever. Without a file, or
with -, the hosts are read from standard input.

  -v, -V, --version  print the version
  -h, --help         print this text
  --service          read /etc/connmonitor.conf, or else /var/run/connmonitor.conf,
                     which is created with a default when there is none

SIGHUP reads the file again. SIGTERM and SIGINT finish what is running, print it
and end with 0.`,
		DisableFlagParsing: true,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) > 1 {
				p.diagnostics.Warn(fmt.Sprintf("Only the first argument counts; ignored: %q", args[1:]))
			}
			first := standardInput
			if len(args) > 0 {
				first = args[0]
			}
			switch first {
			case "-v", "-V", "--version":
				return p.print("connmonitor (netsonde) " + version + "\n")
			case "-h", "--help":
				return command.Help()
			}
			m := monitor{program: p, path: first, strict: true, badConfiguration: exitFailure}
			if first == serviceFlag {
				m.locate = p.serviceConfig
			}
			return exit(m.run(command.Context()))
		},
	}
}

// serviceConfig is the file that connmonitor's unit reads, now.
func (p *program) serviceConfig() (string, error) {
	path, created, err := service.ConfigPath(service.AdministratorConfig, service.DocumentedConfig)
	if created {
		p.diagnostics.Error("FileNotFoundError", fmt.Sprintf(
			"There was no %s: it is created with the default hosts, and gone after the next boot; keep yours in %s",
			service.DocumentedConfig, service.AdministratorConfig))
	}
	return path, err
}

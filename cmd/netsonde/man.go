package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write a manual page for every command",
		Long: `Writes a manual page for every command into a directory, which is made if it is
not there. Packages are made with it; install brings one page for all commands.`,
		Example: `  netsonde man man1
  man ./man1/netsonde-run.1`,
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return failureError{fmt.Errorf("make the directory for manual pages: %w", err)}
			}
			// The date is today's, or that of SOURCE_DATE_EPOCH.
			header := &doc.GenManHeader{Section: "1", Source: "netsonde " + version, Manual: "User Commands"}
			root := command.Root()
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return failureError{fmt.Errorf("write manual pages: %w", err)}
			}
			return nil
		},
	}
}

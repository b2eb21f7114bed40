package main

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"
)

// version is the release that this tree is, or becomes.
const version = "0.1.0"

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return p.print("netsonde " + version + "\n")
		},
	}
}

// print writes to standard output. A reader who has left ends the program well.
func (p *program) print(text string) error {
	if _, err := fmt.Fprint(p.stdout, text); err != nil {
		if errors.Is(err, syscall.EPIPE) {
			return exitCode(exitWell)
		}
		return failureError{fmt.Errorf("write to standard output: %w", err)}
	}
	return nil
}

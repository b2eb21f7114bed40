package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) labNodesCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "nodes",
		Short: "List a running lab's nodes, as \"netsonde mesh start\" reads them",
		Long: `Prints a line for each node: its name, its address, whether it is stable or, as
ground stations are, dynamic, and the file of its network namespace. The files
are there as long as the lab is.`,
		Example: "  netsonde lab nodes | netsonde mesh start - --stable-monitors",
		Args:    cobra.NoArgs,
		RunE: untilSignal(func(context.Context, *cobra.Command, []string) error {
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			status, err := directory.Status(name)
			if err != nil {
				return err
			}
			namespaces, err := directory.Namespaces(name)
			if err != nil {
				return err
			}
			var lines strings.Builder
			for _, n := range status.Nodes {
				fmt.Fprintf(&lines, "%s %s %s %s\n", n.Name, n.Address, kindOf(!n.Station), namespaces[n.Name])
			}
			return p.print(lines.String())
		}),
	}
	labName(command, &name)
	return command
}

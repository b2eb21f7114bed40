package main

import (
	"github.com/spf13/cobra"

	"netsonde/internal/config"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the native configuration",
		Long: `Prints the native configuration's JSON Schema, draft 2020-12. An editor that knows
it completes keys and marks mistakes as you type. For one with a YAML language
server, write the schema to a file and begin your configuration with

  # yaml-language-server: $schema=netsonde.schema.json`,
		Example:           "  netsonde schema > netsonde.schema.json",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return p.print(string(config.Schema()))
		},
	}
}

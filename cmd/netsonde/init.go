package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"netsonde/internal/config"
	"netsonde/internal/discovery"
)

func (p *program) initCommand() *cobra.Command {
	var target newFile
	command := &cobra.Command{
		Use:   "init [flags] [HOST…]",
		Short: "Write a first configuration",
		Long: `Writes a native configuration with comments that watches the given hosts. Without
hosts it watches what this machine's network stands on: the default gateways, the
resolvers and, where there is a default route, an address far away.

Hosts are names, addresses, CIDRs (10.0.0.0/24), ranges (10.0.0.1-10.0.0.50) and
patterns (web[01-20].example). No file is overwritten without --force.`,
		Example: `  netsonde init
  netsonde init -o office.yaml 192.0.2.1 web.example 10.0.0.0/28
  netsonde run office.yaml`,
		ValidArgsFunction: completeHosts,
		RunE: func(command *cobra.Command, hosts []string) error {
			text, err := initialConfiguration(hosts, os.DirFS("/"))
			if err != nil {
				return err
			}
			// Hosts may be there twice, too many, or more than the budget allows.
			if _, _, err := config.Read(command.Context(), "the new configuration", bytes.NewReader(text)); err != nil {
				return usageError{fmt.Errorf("nothing is written: %w", err)}
			}
			return p.writeNew(target, text)
		},
	}
	target.flags(command)
	return command
}

// initialConfiguration is one for the hosts, or for what is found below root.
func initialConfiguration(hosts []string, root fs.FS) ([]byte, error) {
	if len(hosts) > 0 {
		return config.Initial(hosts)
	}
	found := discovery.Find(root)
	if found.Empty() {
		return nil, errors.New("no gateway and no resolver is configured on this machine: name the hosts to watch, as in netsonde init 192.0.2.1")
	}
	return config.InitialFound(found.Gateways, found.Resolvers, found.Far), nil
}

// newFile is where a configuration is written.
type newFile struct {
	path  string
	force bool
}

func (f *newFile) flags(command *cobra.Command) {
	command.Flags().StringVarP(&f.path, "output", "o", standardInput, "file to write; - is standard output")
	command.Flags().BoolVar(&f.force, "force", false, "overwrite the file")
	_ = command.MarkFlagFilename("output", "yaml", "yml") // the flag is there
}

// writeNew writes a configuration to a new file, or to standard output.
func (p *program) writeNew(f newFile, text []byte) error {
	if f.path == standardInput {
		return p.print(string(text))
	}
	if f.path == "" {
		return usageError{errors.New("--output is empty: name a file, or - for standard output")}
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(f.path, mode, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usageError{fmt.Errorf("%s is there already: name another file, or overwrite it with --force", f.path)}
	case err != nil:
		return failureError{fmt.Errorf("make the configuration: %w", err)}
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return failureError{fmt.Errorf("write %s, which is not whole now: %w", f.path, err)}
	}
	return p.print("wrote " + f.path + "; next: netsonde check-config " + shellQuoted(f.path) + "\n")
}

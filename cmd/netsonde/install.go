package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"netsonde/internal/config"
	"netsonde/internal/service"
)

const defaultPrefix = "/usr/local"

// placement is the flags that say where an installation is.
type placement struct {
	user   bool
	prefix string
	dryRun bool
}

func installCommand() *cobra.Command {
	var where placement
	var replace bool
	command := &cobra.Command{
		Use:   "install",
		Short: "Install this program, its manual pages, completions and units",
		Long: `Install copies this program with its manual pages, completions for bash, zsh and
fish, systemd units, a first configuration and log rotation into place and links
the names connmonitor, connvitals and pmonitor to it. It upgrades an earlier
installation, also while that one runs, and never overwrites configuration that
was changed. Nothing is started or enabled.

With --user your zsh finds the completion if your .zshrc says so before compinit:

  fpath=(~/.local/share/zsh/site-functions $fpath)`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options, err := where.options(command)
			if err != nil {
				return err
			}
			if options.Binary, err = os.Executable(); err != nil {
				return fmt.Errorf("find the program that is to be installed: %w", err)
			}
			if err := accompany(&options, command.Root()); err != nil {
				return err
			}
			options.Replace = replace
			if err := service.Install(command.Context(), options); err != nil {
				return failureError{err}
			}
			return nil
		},
	}
	where.flags(command)
	command.Flags().BoolVar(&replace, "replace", false, "replace files of the same names that came from elsewhere")
	return command
}

// accompany adds what this program makes of itself: manual pages, completions
// and the configuration that its service begins with.
func accompany(options *service.Options, root *cobra.Command) error {
	var err error
	if options.Manuals, err = manuals(root); err != nil {
		return err
	}
	if options.Completions, err = completions(root); err != nil {
		return err
	}
	initial, err := config.Initial([]string{"localhost", "_gateway"})
	if err != nil {
		return fmt.Errorf("make the service's first configuration: %w", err)
	}
	reload := "systemctl reload netsonde"
	if options.Layout.User {
		reload = "systemctl --user reload netsonde"
	}
	options.Configuration = append([]byte("# What the service netsonde watches. After a change: "+reload+"\n#\n"), initial...)
	return nil
}

func uninstallCommand() *cobra.Command {
	var where placement
	command := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove exactly what install put there",
		Long: `Uninstall stops the services and removes what install put there. What was
changed since, and logs, stay.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options, err := where.options(command)
			if err != nil {
				return err
			}
			if err := service.Uninstall(command.Context(), options); err != nil {
				return failureError{err}
			}
			return nil
		},
	}
	where.flags(command)
	return command
}

func (p *placement) flags(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolVar(&p.user, "user", false, "below your home directory, for yourself")
	flags.StringVar(&p.prefix, "prefix", defaultPrefix, "below this directory, for everybody")
	flags.BoolVar(&p.dryRun, "dry-run", false, "only say what would be done")
	command.MarkFlagsMutuallyExclusive("user", "prefix")
}

func (p *placement) options(command *cobra.Command) (service.Options, error) {
	options := service.Options{
		Systemd: service.DetectSystemd(p.user, os.Getenv("XDG_RUNTIME_DIR")),
		DryRun:  p.dryRun,
		Out:     command.OutOrStdout(),
	}
	var err error
	if p.user {
		var home string
		if home, err = os.UserHomeDir(); err != nil {
			return options, errors.New("find your home directory: set $HOME")
		}
		options.Layout, err = service.UserLayout(home, os.Getenv)
		return options, err
	}
	if p.prefix == "" {
		return options, errors.New("--prefix is empty: name a directory")
	}
	prefix, err := filepath.Abs(p.prefix)
	if err != nil {
		return options, fmt.Errorf("find --prefix %s: %w", p.prefix, err)
	}
	options.Layout, err = service.SystemLayout(prefix)
	return options, err
}

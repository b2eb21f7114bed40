package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/service"
)

func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIRECTORY",
		Short: "Write a manual page for every command",
		Long: `Writes the manual pages that install brings into a directory, which is made if it
is not there: netsonde.1 and one for every command. Packages are made with it.`,
		Example: `  netsonde man man1
  man ./man1/netsonde-run.1`,
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(command *cobra.Command, args []string) error {
			pages, err := manuals(command.Root())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return failureError{fmt.Errorf("make the directory for manual pages: %w", err)}
			}
			for _, page := range pages {
				if err := os.WriteFile(filepath.Join(args[0], page.Name), page.Content, 0o644); err != nil {
					return failureError{fmt.Errorf("write a manual page: %w", err)}
				}
			}
			return nil
		},
	}
}

// manuals are the overview and a page for every other command that is shown.
// The same program always makes the same pages.
func manuals(root *cobra.Command) ([]service.File, error) {
	overview := service.Overview()
	date, err := manualDate(overview, os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return nil, err
	}
	return append(commandPages(root, date), service.File{Name: "netsonde.1", Content: overview}), nil
}

// commandPages are the pages of every command below root that is shown.
func commandPages(root *cobra.Command, date time.Time) (pages []service.File) {
	root.InitDefaultCompletionCmd()
	var walk func(*cobra.Command)
	walk = func(parent *cobra.Command) {
		for _, command := range parent.Commands() {
			if command.IsAvailableCommand() {
				pages = append(pages, service.File{Name: pageName(command) + ".1", Content: commandPage(command, date)})
				walk(command)
			}
		}
	}
	walk(root)
	return pages
}

// manualDate is the date of the overview, which is that of the release, unless
// whoever builds a package has set SOURCE_DATE_EPOCH (seconds since 1970,
// reproducible-builds.org).
func manualDate(overview []byte, epoch string) (time.Time, error) {
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q: give seconds since 1970, or unset it", epoch)
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	heading := regexp.MustCompile(`(?m)^\.TH NETSONDE 1 "([0-9-]+)"`).FindSubmatch(overview)
	if heading == nil {
		return time.Time{}, failureError{fmt.Errorf("netsonde.1 has no date in its .TH line")}
	}
	return time.Parse(time.DateOnly, string(heading[1]))
}

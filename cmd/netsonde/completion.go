package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"netsonde/internal/service"
)

// hostsFile is where a machine's own names of hosts are (hosts(5)).
const hostsFile = "/etc/hosts"

// completeConfiguration offers files for a command's only argument.
func completeConfiguration(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// offer has shells offer words, and no files, for the value of a command's flag.
func offer(command *cobra.Command, flag string, words ...string) {
	// It only fails for a flag that is not there, which its test would miss.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// offerNoFiles keeps shells from offering files for numbers and times.
func offerNoFiles(command *cobra.Command) {
	command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		switch flag.Value.Type() {
		case "int", "uint64", "duration":
			offer(command, flag.Name)
		}
	})
	for _, child := range command.Commands() {
		offerNoFiles(child)
	}
}

// completeHosts offers the hosts that this machine knows by name, and files
// behind an @.
func completeHosts(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix(begun, "@") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	file, err := os.Open(hostsFile)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	// It was only read.
	defer func() { _ = file.Close() }()
	var offered []string
	for _, name := range namesOfHosts(file) {
		if strings.HasPrefix(name, begun) && !slices.Contains(args, name) {
			offered = append(offered, name)
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// namesOfHosts are the names in a file such as /etc/hosts, each once, in order.
func namesOfHosts(file io.Reader) []string {
	const most = 1000 // more is no help
	var names []string
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(names) < most {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		for _, name := range fields[min(1, len(fields)):] {
			// A shell gets only what it takes for one word.
			if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-._") == "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// completions are the scripts by which shells complete calls of a command.
func completions(root *cobra.Command) (service.Completions, error) {
	root.InitDefaultCompletionCmd()
	var bash, zsh, fish bytes.Buffer
	err := errors.Join(root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true))
	if err != nil {
		return service.Completions{}, fmt.Errorf("make the shells' completions: %w", err)
	}
	return service.Completions{Bash: bash.Bytes(), Zsh: zsh.Bytes(), Fish: fish.Bytes()}, nil
}

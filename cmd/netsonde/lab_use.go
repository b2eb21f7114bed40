package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/emulation"
	"netsonde/internal/topology"
)

func (p *program) labRunCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "run [--name LAB] NODE -- COMMAND [ARGUMENT]...",
		Short: "Run a command inside a node",
		Long: `Runs a command inside a node, on this terminal, and ends with its exit code, or
128 and the signal that ended it. The other nodes are known there by their names.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			directory, err := labDirectory()
			if err != nil {
				return failureError{err}
			}
			words := args[1:]
			if words[0] == "--" {
				words = words[1:]
			}
			if len(words) == 0 {
				return errors.New("no command: give one behind the node")
			}
			inside := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // the user's own command, which ends when it likes
			inside.Stdin, inside.Stdout, inside.Stderr = p.stdin, p.stdout, os.Stderr
			inside.Env = append(os.Environ(), "NETSONDE_LAB_NAME="+name, "NETSONDE_LAB_NODE="+args[0])
			if inside.Dir, err = os.Getwd(); err != nil {
				return failureError{fmt.Errorf("find the working directory: %w", err)}
			}
			return p.onThisTerminal(inside, func() error { return directory.Start(name, args[0], inside) })
		},
	}
	labName(command, &name)
	// What follows the node is the command's, whatever it looks like.
	command.Flags().SetInterspersed(false)
	return command
}

func (p *program) labFaultCommand() *cobra.Command {
	var name string
	command := &cobra.Command{
		Use:   "fault FAULT",
		Short: "Break or mend a running lab",
		Long:  "Breaks or mends a running lab. The faults are:\n\n" + topology.FaultUsage,
		Args:  cobra.MinimumNArgs(1),
		RunE: untilSignal(func(_ context.Context, _ *cobra.Command, args []string) error {
			fault, err := topology.ParseFault(args)
			if err != nil {
				return usageError{err}
			}
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			return directory.Fault(name, fault)
		}),
	}
	labName(command, &name)
	return command
}

func (p *program) labGraphCommand() *cobra.Command {
	var f shapeFlags
	var name, format string
	command := &cobra.Command{
		Use:   "graph [ring|torus|star|chain|FILE]",
		Short: "Draw a network",
		Long:  `Draws the running lab as it is now, or the shape or file as it would be.`,
		Args:  cobra.MaximumNArgs(1),
		RunE: untilSignal(func(_ context.Context, command *cobra.Command, args []string) error {
			if !slices.Contains(topology.DrawingKinds(), format) {
				return usageError{fmt.Errorf("--format: %q is no drawing: give one of %q", format, topology.DrawingKinds())}
			}
			var drawing string
			if len(args) == 1 {
				plan, err := f.plan(p, command, args[0])
				if err != nil {
					return err
				}
				state := topology.NewState(plan)
				state.Contacts(0)
				if drawing, err = state.Draw(format); err != nil {
					return err
				}
				return p.print(drawing)
			}
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			if drawing, err = directory.Draw(name, format); err != nil {
				return err
			}
			return p.print(drawing)
		}),
	}
	f.register(command)
	labName(command, &name)
	command.Flags().StringVar(&format, "format", "ascii", "dot (Graphviz), mermaid or ascii")
	offer(command, "format", topology.DrawingKinds()...)
	return command
}

func (p *program) labStatusCommand() *cobra.Command {
	var name string
	var asJSON bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Tell how a running lab is",
		Args:  cobra.NoArgs,
		RunE: untilSignal(func(context.Context, *cobra.Command, []string) error {
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			status, err := directory.Status(name)
			if err != nil {
				return err
			}
			if !asJSON {
				return p.print(labStatusText(status))
			}
			line, err := json.Marshal(status)
			if err != nil {
				return fmt.Errorf("write the status as JSON: %w", err)
			}
			return p.print(string(line) + "\n")
		}),
	}
	labName(command, &name)
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	return command
}

// labStatusText is a status for people: what is not as planned, and the past.
func labStatusText(s *emulation.Status) string {
	var b strings.Builder
	up, stopped := 0, 0
	for _, l := range s.Links {
		if l.State == "up" {
			up++
		}
	}
	for _, n := range s.Nodes {
		stopped += bit(n.Stopped)
	}
	fmt.Fprintf(&b, "lab %s, up for %v: %d nodes, %d of them stopped; %d of %d links up; %d pairs of running nodes apart\n",
		s.Name, s.Elapsed.Round(time.Second), len(s.Nodes), stopped, up, len(s.Links), s.Unreachable)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, n := range s.Nodes {
		state := "runs"
		if n.Stopped {
			state = "stopped"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", n.Name, n.Address, state)
	}
	for _, l := range s.Links {
		effects := l.Forth.String()
		if l.Forth != l.Back {
			effects = fmt.Sprintf("forth [%v] back [%v]", l.Forth, l.Back)
		}
		fmt.Fprintf(table, "%s -- %s\t%s\t%s\n", l.A, l.B, l.State, effects)
	}
	// A strings.Builder takes everything.
	_ = table.Flush()
	for _, note := range s.Notes {
		fmt.Fprintf(&b, "%8.1fs  %s\n", note.At.Seconds(), note.Text)
	}
	return b.String()
}

func (p *program) labListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the labs of this user",
		Args:  cobra.NoArgs,
		RunE: untilSignal(func(context.Context, *cobra.Command, []string) error {
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			names, err := directory.Names()
			if err != nil {
				return err
			}
			for _, name := range names {
				line := name + "\tup\n"
				switch _, err := directory.Status(name); {
				case errors.Is(err, emulation.ErrNotUp):
					line = name + "\tdead: \"netsonde lab down --name " + name + "\" removes what it left\n"
				case err != nil:
					line = name + "\tdoes not answer\n"
				}
				if err := p.print(line); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

func (p *program) labDownCommand() *cobra.Command {
	var name string
	var all bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Take a lab down, and clean up after one that crashed",
		Long:  `Takes a lab down and returns when nothing of it is left. It is no error if there is none.`,
		Args:  cobra.NoArgs,
		RunE: untilSignal(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			directory, err := labDirectory()
			if err != nil {
				return err
			}
			names := []string{name}
			if all {
				if names, err = directory.Names(); err != nil {
					return err
				}
			}
			for _, name := range names {
				was, err := directory.Down(ctx, name)
				if err != nil {
					return err
				}
				text := fmt.Sprintf("lab %s was not up\n", name)
				if was {
					text = fmt.Sprintf("lab %s is down\n", name)
				}
				if err := p.print(text); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	labName(command, &name)
	command.Flags().BoolVar(&all, "all", false, "all labs of this user")
	return command
}

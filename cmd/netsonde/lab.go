package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/config"
	"netsonde/internal/emulation"
	"netsonde/internal/topology"
)

func (p *program) labCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "lab",
		Short: "Build a network on this machine, break it, and look at it",
		Long: `Builds networks of Linux namespaces on this machine. One background process
holds a lab; when it ends, however it ends, nothing of the lab is left.

"lab up" and what works on a running lab need root. "lab shell" opens a shell
in which an ordinary user may use them; "lab demo" needs no rights either.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(
		p.labUpCommand(), p.labHoldCommand(), p.labRunCommand(), p.labFaultCommand(), p.labGraphCommand(),
		p.labStatusCommand(), p.labNodesCommand(), p.labListCommand(), p.labDownCommand(), p.labShellCommand(), p.labDemoCommand(),
	)
	return command
}

// labName registers --name.
func labName(command *cobra.Command, name *string) {
	*name = emulation.DefaultName
	command.Flags().Var((*labNameValue)(name), "name", "which lab, of several at once")
}

// labNameValue is a flag that takes only what can be a lab's name.
type labNameValue string

// Set is for the flags, as are Type and String.
func (v *labNameValue) Set(name string) error {
	*v = labNameValue(name)
	return emulation.CheckName(name)
}

// Type is the word for the value in a command's help.
func (v *labNameValue) Type() string { return "string" }

func (v *labNameValue) String() string { return string(*v) }

// labDirectory is where this user's labs are.
func labDirectory() (emulation.Directory, error) {
	return emulation.UserDirectory(os.Geteuid(), os.Getenv)
}

// untilSignal gives a command a context that SIGINT, SIGTERM and SIGHUP end,
// and makes what fails in it a failure, not a wrong call.
func untilSignal(run func(context.Context, *cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(command.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		err := run(ctx, command, args)
		var code exitCode
		var usage usageError
		if err == nil || errors.As(err, &code) || errors.As(err, &usage) {
			return err
		}
		return failureError{err}
	}
}

// usageError is an error in how the program was called, or in a file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// shapeFlags are the numbers of a shape.
type shapeFlags struct {
	shape topology.Shape
	loss  string
}

func (f *shapeFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.IntVar(&f.shape.Nodes, "nodes", 4, "nodes of a ring or chain, of each ring of a torus, around a star's hub")
	flags.IntVar(&f.shape.Rings, "rings", 4, "rings of a torus")
	flags.IntVar(&f.shape.Stations, "stations", 0, "ground stations of a torus")
	flags.DurationVar(&f.shape.Period, "period", 2*time.Minute, "how long a satellite takes to come around")
	flags.DurationVar(&f.shape.Link.Delay, "delay", 0, "delay of every link, one way")
	flags.DurationVar(&f.shape.Link.Jitter, "jitter", 0, "random part added to the delay")
	flags.StringVar(&f.loss, "loss", "0%", "share of packets that every link loses")
	flags.Uint64Var(&f.shape.Seed, "seed", 1, "decides which packets jitter and loss hit")
}

// plan makes the plan of a shape, or reads that of a lab file.
func (f *shapeFlags) plan(p *program, command *cobra.Command, what string) (*topology.Plan, error) {
	for _, kind := range topology.ShapeKinds() {
		if what != kind {
			continue
		}
		var err error
		f.shape.Kind = kind
		for _, option := range []string{"rings", "stations", "period"} {
			if kind != "torus" && command.Flags().Changed(option) {
				return nil, usageError{fmt.Errorf("a %s takes no --%s: it belongs to a torus", kind, option)}
			}
		}
		if kind == "torus" && !command.Flags().Changed("stations") {
			f.shape.Stations = 3
		}
		if f.shape.Link.Loss, err = topology.ParseShare(f.loss); err != nil {
			return nil, usageError{fmt.Errorf("--loss: %w", err)}
		}
		plan, err := f.shape.Plan()
		if err != nil {
			return nil, usageError{err}
		}
		return plan, nil
	}
	plan, err := config.LoadLab(what)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usageError{fmt.Errorf("%q is neither a shape, one of %q, nor a file", what, topology.ShapeKinds())}
	}
	var wrong config.Errors
	if errors.As(err, &wrong) {
		return nil, p.labFileErrors(wrong)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return plan, nil
}

// labFileErrors tells all that is wrong with a file, with its lines below.
func (p *program) labFileErrors(wrong config.Errors) error {
	for _, w := range wrong {
		what, shown, _ := strings.Cut(w.Text, "\n")
		p.diagnostics.Error("Lab file", what)
		for line := range strings.Lines(shown) {
			quoted := strconv.Quote(strings.TrimSuffix(line, "\n"))
			if quoted != `"`+strings.TrimSuffix(line, "\n")+`"` {
				line = quoted + "\n"
			}
			// What cannot be shown has been told above.
			_, _ = fmt.Fprintln(os.Stderr, strings.TrimSuffix(line, "\n"))
		}
	}
	return exitCode(exitUsage)
}

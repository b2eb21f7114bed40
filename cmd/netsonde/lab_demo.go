package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"netsonde/internal/emulation"
	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

const (
	// demoTimeout is how long the demo's monitors wait for an answer.
	demoTimeout = time.Second
	// demoFaults is how many faults there are before they begin again.
	demoFaults = 12
)

func (p *program) labDemoCommand() *cobra.Command {
	shape := topology.Shape{Kind: "torus"}
	var length, every time.Duration
	command := &cobra.Command{
		Use:   "demo",
		Short: "Show a network of nodes that watch each other while it breaks",
		Long: `Builds a torus of satellites with ground stations, runs a monitor on every node,
breaks and mends links and nodes, and shows what the monitors see beside what
the graph says. It ends after --for, or on Ctrl-C, and leaves nothing.

An ordinary user's demo runs in a user namespace, where the kernel allows it.
Where /dev/net/tun cannot be opened there are no faults of loss and delay.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if every < time.Second || length < 0 {
				return errors.New("give a time of 1s or more for --every and of 0 or more for --for")
			}
			plan, err := shape.Plan()
			if err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				self, err := os.Executable()
				if err != nil {
					return failureError{fmt.Errorf("find this program: %w", err)}
				}
				return p.asRootOfItsOwn(exec.Command(self, os.Args[1:]...)) //nolint:gosec,noctx // it is this very call
			}
			if os.Getpid() == 1 {
				// Whoever started this in a process namespace may be killed.
				if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
					return failureError{fmt.Errorf("end with the process before: %w", err)}
				}
			}
			plan.Timeline = topology.Disturb(plan, topology.Disturbance{
				Seed: shape.Seed, From: every, Until: every * demoFaults, Every: every, Wires: lab.CanWire() == nil,
			})
			plan.Repeat = every * demoFaults
			d := &demo{program: p, plan: plan, length: length}
			return untilSignal(func(ctx context.Context, _ *cobra.Command, _ []string) error { return d.run(ctx) })(command, args)
		},
	}
	flags := command.Flags()
	flags.DurationVar(&length, "for", 0, "how long the demo goes on; 0 is until Ctrl-C")
	flags.DurationVar(&every, "every", 6*time.Second, "time from one fault to the next")
	flags.IntVar(&shape.Rings, "rings", 3, "rings of satellites")
	flags.IntVar(&shape.Nodes, "nodes", 4, "satellites of each ring")
	flags.IntVar(&shape.Stations, "stations", 2, "ground stations")
	flags.DurationVar(&shape.Period, "period", time.Minute, "how long a satellite takes to come around")
	flags.Uint64Var(&shape.Seed, "seed", 1, "decides all faults")
	return command
}

// demo is one run.
type demo struct {
	program *program
	plan    *topology.Plan
	length  time.Duration

	emulation *emulation.Emulation
	watchers  *demoWatchers
}

// run shows the demo until its time is over or ctx ends, and says at last that
// nothing is left.
func (d *demo) run(ctx context.Context) error {
	began := time.Now()
	screen := newDemoScreen(d.program.stdout, d.plan)
	if err := d.perform(ctx, screen); err != nil {
		return err
	}
	return screen.end(time.Since(began))
}

// perform builds the network, runs all, and removes all.
func (d *demo) perform(ctx context.Context, screen *demoScreen) (err error) {
	began := time.Now()
	if d.emulation, err = emulation.New(d.plan); err != nil {
		if errors.Is(err, lab.ErrUnavailable) {
			err = fmt.Errorf("%w; run %s", err, asRoot(os.Args))
		}
		return err
	}
	defer func() { err = errors.Join(err, d.emulation.Close()) }()
	built := time.Since(began)

	if d.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.length)
		defer cancel()
	}
	if d.watchers, err = newDemoWatchers(ctx, d.plan); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.watchers.remove()) }()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return d.emulation.Run(running) })
	group.Go(func() error { return d.watchers.run(running, d.emulation) })
	group.Go(func() error { return d.show(running, screen, built) })
	return group.Wait()
}

// show tells what is seen, twice a second, until ctx ends.
func (d *demo) show(ctx context.Context, screen *demoScreen, built time.Duration) error {
	if err := screen.begin(built); err != nil {
		return err
	}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		state := d.emulation.State()
		view := demoView{elapsed: d.emulation.Elapsed(), notes: d.emulation.Notes(), seen: d.watchers.look(ctx)}
		paths := state.Paths()
		for from := range d.plan.Nodes {
			row := demoTruth{stopped: state.Stopped(from)}
			for to := range d.plan.Nodes {
				if from != to && paths.Answers(from, to) {
					row.answers++
				}
			}
			view.truth = append(view.truth, row)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := screen.show(view); err != nil {
			return err
		}
	}
}

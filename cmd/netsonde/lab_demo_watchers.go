package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/internal/emulation"
	"netsonde/internal/topology"
	"netsonde/pmonitor"
)

const (
	// lookTime is how long a database may keep the screen waiting.
	lookTime = 200 * time.Millisecond
	// watcherPatience is how long a monitor may take to end.
	watcherPatience = 3 * time.Second
)

// demoWatchers are the monitors of a demo: a process each, in its node, with
// databases in a directory that goes with them.
type demoWatchers struct {
	plan      *topology.Plan
	directory string
	master    string
	seen      []demoSeen
}

// demoSeen is what one node's monitor counts: of the others that it has ever
// heard from, those that answer now.
type demoSeen struct{ good, total int }

func newDemoWatchers(ctx context.Context, plan *topology.Plan) (*demoWatchers, error) {
	directory, err := os.MkdirTemp("", "netsonde-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the databases: %w", err)
	}
	w := &demoWatchers{
		plan: plan, directory: directory, master: filepath.Join(directory, "master.sqlite"),
		seen: make([]demoSeen, len(plan.Nodes)),
	}
	targets := make([]pmonitor.Target, len(plan.Nodes))
	for i, n := range plan.Nodes {
		targets[i] = pmonitor.Target{Name: n.Name, Address: n.Address.String(), Stable: !n.Station}
	}
	if err := pmonitor.InitTargets(ctx, w.master, targets); err != nil {
		return nil, errors.Join(err, w.remove())
	}
	return w, nil
}

// remove removes the databases.
func (w *demoWatchers) remove() error {
	if err := os.RemoveAll(w.directory); err != nil {
		return fmt.Errorf("remove the databases: %w", err)
	}
	return nil
}

func (w *demoWatchers) work(place int) string {
	return filepath.Join(w.directory, strconv.Itoa(place)+".sqlite")
}

// run runs the monitors until ctx ends. One that ends before is an error.
func (w *demoWatchers) run(ctx context.Context, e *emulation.Emulation) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	monitors, ctx := errgroup.WithContext(ctx)
	for i, n := range w.plan.Nodes {
		node, err := e.Node(n.Name)
		if err != nil {
			return err
		}
		monitors.Go(func() error {
			var said bytes.Buffer
			command := exec.CommandContext(ctx, self, "pmonitor", "monitor", "--pace", "0s", "--timeout", demoTimeout.String(),
				"--log", filepath.Join(w.directory, n.Name+".log"), w.master, w.work(i), n.Address.String())
			command.Stderr = &said
			command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
			command.WaitDelay = watcherPatience
			// The terminal's Ctrl-C is for the demo, which then stops them.
			command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			err := node.Run(command)
			if ctx.Err() != nil {
				return nil
			}
			if err == nil {
				err = errors.New("it ended")
			}
			return fmt.Errorf("the monitor of %s: %w: %s", n.Name, err, bytes.TrimSpace(said.Bytes()))
		})
	}
	return monitors.Wait()
}

// look reads what the monitors have counted. Where a database is not there yet
// or is locked, what it said before stays.
func (w *demoWatchers) look(ctx context.Context) []demoSeen {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for i := range w.seen {
		db, err := pmonitor.OpenDB(ctx, w.work(i))
		if err != nil {
			continue
		}
		if good, total, err := db.StatusCount(ctx, false); err == nil {
			w.seen[i] = demoSeen{good: good, total: total}
		}
		// It was only read.
		_ = db.Close()
	}
	return append([]demoSeen(nil), w.seen...)
}

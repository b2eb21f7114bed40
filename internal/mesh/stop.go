package mesh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"netsonde/pmonitor"
)

// lookEvery is the time between two looks whether a mesh has ended.
const lookEvery = 50 * time.Millisecond

// Stop ends the mesh in a directory as pmonitor's starters did, by run = 0 for
// every node, waits until its process has ended, and sees that its files are
// gone unless they are to be kept. Of a mesh whose process died it cleans up.
//
// The error wraps ErrNoMesh, or ErrEnded, if there is none to stop, and ctx's
// error if that ended first.
func Stop(ctx context.Context, directory Directory, keep bool) error {
	state, err := directory.State()
	if err != nil {
		return err
	}
	running, err := directory.Running()
	if err != nil {
		return err
	}
	if !running && !state.Ended.IsZero() {
		return fmt.Errorf("in %q %w", directory.Path(), ErrEnded)
	}
	keep = keep || state.Keep
	if keep {
		if err := os.WriteFile(directory.file(keepFile), nil, 0o644); err != nil { //nolint:gosec // it is empty
			return fmt.Errorf("ask the mesh to keep its files: %w", err)
		}
	}
	if err := forbid(ctx, directory, state.Nodes); err != nil && (running || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	for running {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for process %d to end the mesh: %w", state.Process, context.Cause(ctx))
		case <-time.After(lookEvery):
		}
		if running, err = directory.Running(); err != nil {
			return err
		}
	}
	return clean(directory, keep)
}

// clean does what the mesh's process does at its end, if that could not.
func clean(directory Directory, keep bool) error {
	left, err := directory.State()
	if errors.Is(err, ErrNoMesh) || err == nil && !left.Ended.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := directory.lock()
	if err != nil {
		return err
	}
	if keep {
		left.Ended, left.URL = time.Now(), ""
		err = errors.Join(os.Remove(directory.file(keepFile)), directory.write(left))
	} else {
		err = directory.remove(left)
	}
	return errors.Join(err, lock.Close())
}

// forbid sets run to 0 for all nodes.
func forbid(ctx context.Context, directory Directory, nodes []NodeState) error {
	addresses := make([]string, 0, len(nodes))
	for _, node := range nodes {
		addresses = append(addresses, node.Address)
	}
	return store(ctx, directory, pmonitor.FlagRun, addresses, false)
}

// Consolidate makes the database out of the master and of all working
// databases that have been begun, whether the mesh runs or not; see
// pmonitor.Consolidate. The error wraps ErrNoMesh if there is none.
func Consolidate(ctx context.Context, directory Directory, out string) ([]*pmonitor.SkippedError, error) {
	state, err := directory.State()
	if err != nil {
		return nil, err
	}
	var works []string
	for _, node := range state.Nodes {
		if path := directory.Work(node.Name); !blank(path) {
			works = append(works, path)
		}
	}
	return pmonitor.Consolidate(ctx, directory.Master(), works, out)
}

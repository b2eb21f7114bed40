package pmonitor

import (
	"context"
	"errors"
	"path/filepath"
)

// Test runs the original's test in a folder, "" being the current one: it
// makes master.sqlite with four nodes, lets the first ping the others and then
// the last, each once and without pauses, into work.sqlite, and returns the
// second one's count of all targets. Their addresses, 192.168.33.1,
// 192.168.44.2, 192.168.55.2 and 192.168.55.3, must be this machine's to
// answer; without them the counts are 0 and it is no error.
func Test(ctx context.Context, folder string, options Options) (good, total int, err error) {
	options = options.complete()
	options.Log.Info("Starting test")
	options.Pace, options.Once, options.inTurn = 0, true, true
	targets := []Target{
		{Name: "host1", Address: "192.168.33.1", Stable: true},
		{Name: "host2", Address: "192.168.44.2", Stable: true},
		{Name: "host3", Address: "192.168.55.2", Stable: true},
		{Name: "host3", Address: "192.168.55.3", Stable: false},
	}
	path, work := filepath.Join(folder, "master.sqlite"), filepath.Join(folder, "work.sqlite")
	if err := InitTargets(ctx, path, targets); err != nil {
		return 0, 0, err
	}
	master, err := OpenDB(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, master.Close()) }()
	if err := master.SetRunning(ctx, targets[1].Address, true); err != nil {
		return 0, 0, err
	}
	for _, node := range []Target{targets[0], targets[3]} {
		if err := Monitor(ctx, path, work, node.Address, options); err != nil {
			return 0, 0, err
		}
		if err := master.SetCanRun(ctx, node.Address, false); err != nil {
			return 0, 0, err
		}
	}
	seen, err := OpenDB(ctx, work)
	if err != nil {
		return 0, 0, err
	}
	good, total, err = seen.StatusCount(ctx, false)
	return good, total, errors.Join(err, seen.Close())
}

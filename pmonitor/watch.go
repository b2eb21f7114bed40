package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"netsonde/internal/sqlite"
)

const (
	// watchEvery is how often a monitor looks whether it is to end. Something
	// must be amiss at two looks in a row: programs that make the master anew
	// leave it without table or rows for a moment.
	watchEvery = 250 * time.Millisecond
	// silentWait is how long a monitor finds a database locked without a word.
	silentWait = time.Second
)

// watch ends the monitor when removed says that the working database is gone,
// and when look tells twice what is amiss.
func (m *monitor) watch(ctx context.Context, removed func() bool, look func(context.Context) error) {
	var before error
	for pause(ctx, watchEvery) == nil {
		if removed() {
			m.stop(errWorkRemoved)
			return
		}
		amiss := look(ctx)
		if amiss != nil && before != nil {
			m.stop(amiss)
			return
		}
		before = amiss
	}
}

// look tells what keeps the monitor from going on; that run is 0 ends it at
// once. A master that is locked is nothing amiss, and must not keep the watch
// from all else.
func (m *monitor) look(ctx context.Context) error {
	if m.master.file.Removed() {
		return fmt.Errorf("the master database %q was removed", m.master.file.Path())
	}
	reading, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	goOn, err := m.master.CanRun(reading, m.source)
	switch {
	case reading.Err() != nil && errors.Is(err, reading.Err()):
		return nil
	case err != nil:
		return err
	case !goOn:
		m.stop(errRunCleared)
	}
	return nil
}

// watched opens a database under a watch, which ends that as it would the
// running monitor, and has the log tell when a lock keeps it long. That opening
// is slow alone says nothing: 64 monitors that start on one machine wait for
// its processors, not for each other.
func (m *monitor) watched(
	ctx context.Context, path string, removed func() bool, look, open func(context.Context) error,
) error {
	opening, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.stop = stop
	var servants sync.WaitGroup
	servants.Go(func() { m.watch(opening, removed, look) })
	told := false
	err := open(sqlite.WithLocked(opening, func(waited time.Duration) {
		if waited >= silentWait && !told {
			told = true
			m.options.Log.Warn(fmt.Sprintf("waiting for the database %s: another program seems to hold it locked", path))
		}
	}))
	cause := context.Cause(opening)
	stop(nil)
	servants.Wait()
	if cause != nil {
		return cause
	}
	return err
}

// presence tells when a file is gone that was there at the first look, or has
// come since then.
type presence struct {
	path string
	seen fs.FileInfo
}

// lost reports whether the file was removed, or another has taken its place.
func (p *presence) lost() bool {
	now, err := os.Stat(p.path)
	switch {
	case p.seen != nil && err == nil:
		return !os.SameFile(now, p.seen)
	case p.seen != nil:
		return errors.Is(err, fs.ErrNotExist)
	case err == nil:
		p.seen = now
	}
	return false
}

// pause waits for d, and tells if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return ctx.Err()
	}
}

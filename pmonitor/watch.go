package pmonitor

import (
	"context"
	"fmt"
	"time"
)

// watchEvery is how often a monitor looks whether it is to end. Something must
// be amiss at two looks in a row: programs that make the master anew leave it
// without table or rows for a moment.
const watchEvery = 250 * time.Millisecond

// watch ends the monitor when the master says so or is not as it must be, and
// when the working database is gone.
func (m *monitor) watch(ctx context.Context) {
	var before error
	for pause(ctx, watchEvery) == nil {
		if m.work.file.Removed() {
			m.stop(errWorkRemoved)
			return
		}
		amiss := m.look(ctx)
		if amiss != nil && before != nil {
			m.stop(amiss)
			return
		}
		before = amiss
	}
}

// look tells what keeps the monitor from going on; that run is 0 ends it at
// once.
func (m *monitor) look(ctx context.Context) error {
	if m.master.file.Removed() {
		return fmt.Errorf("the master database %q was removed", m.master.file.Path())
	}
	goOn, err := m.master.CanRun(ctx, m.source)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	case !goOn:
		m.stop(errRunCleared)
	}
	return nil
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

package pmonitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/internal/sqlite"
)

// The ends of a monitor that are no failures.
var (
	errRunCleared  = errors.New("run is 0 in the master database")
	errWorkRemoved = errors.New("the working database was removed")
)

// writingPatience bounds how long a monitor that is stopped still tries to
// write what it has seen.
const writingPatience = 800 * time.Millisecond

// monitor is one node's.
type monitor struct {
	options Options
	source  string
	// me is the node's own row in the master.
	me           Target
	master, work *DB
	results      *recorder
	// stop ends the monitor with its cause; the first one counts.
	stop context.CancelCauseFunc
}

// Monitor pings all other targets of the master database, in rounds, from the
// address source, which must be one of the master's, and counts the results in
// the working database. It makes that file and the folders to it, and erases a
// table of targets that is there.
//
// It ends without error when ctx does, within a second after the node's run
// has become 0 in the master or the working database has been removed, also
// while it still waits for a lock, or with options.Once after a round. It fails when the master is missing, has no
// such address (ErrUnknownAddress) or loses it. The last results are written
// before it returns; if a lock keeps them from that, the error says so.
func Monitor(ctx context.Context, master, work, source string, options Options) error {
	m := &monitor{options: options.complete(), source: source}
	m.options.Log.Info(fmt.Sprintf("Monitoring targets from %s to %s", source, work))
	err := m.open(ctx, master, work)
	switch {
	case err == nil:
		err = m.options.withPinger(ctx, m.run)
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		// Told to end while it waited for a lock.
		err = nil
	default:
		err = m.failure(err)
	}
	return errors.Join(err, m.close())
}

// failure is nil for a cause that ends a monitor in order, which the log is
// told.
func (m *monitor) failure(cause error) error {
	if errors.Is(cause, errRunCleared) || errors.Is(cause, errWorkRemoved) {
		m.options.Log.Info(cause.Error() + ": the monitor ends")
		return nil
	}
	return cause
}

// open opens the master first, so that a mistake there erases nothing.
func (m *monitor) open(ctx context.Context, master, work string) error {
	place := presence{path: work}
	// The first look, in case the file is removed while the master is waited for.
	place.lost()
	// As long as the master is not to be read, it does not say anything.
	silent := func(context.Context) error { return nil }
	err := m.watched(ctx, master, place.lost, silent, func(ctx context.Context) error {
		return m.openMaster(ctx, master, work)
	})
	if err != nil {
		return err
	}
	if place.lost() {
		// Opening would make it again, for nobody.
		return errWorkRemoved
	}
	return m.watched(ctx, work, place.lost, m.look, func(ctx context.Context) error {
		return m.openWork(ctx, work)
	})
}

func (m *monitor) openMaster(ctx context.Context, master, work string) (err error) {
	if m.master, err = OpenDB(ctx, master); err != nil {
		return err
	}
	if m.master.file.Same(work) {
		return fmt.Errorf("the working database %q is the master: name another file", work)
	}
	m.me, err = m.master.target(ctx, m.source)
	return err
}

func (m *monitor) openWork(ctx context.Context, work string) (err error) {
	if m.work, err = create(ctx, work); err != nil {
		return err
	}
	m.results = newRecorder(m.work, m.options.Log)
	return m.work.begin(ctx, m.me, !m.options.NoKeep)
}

func (m *monitor) close() (err error) {
	for _, d := range []*DB{m.work, m.master} {
		if d != nil {
			err = errors.Join(err, d.Close())
		}
	}
	return err
}

// target returns the row of an address.
func (d *DB) target(ctx context.Context, address string) (Target, error) {
	found := Target{Address: address}
	err := d.file.Read(ctx, func(t *sqlite.Tx) error {
		var stable any
		err := t.QueryRow("SELECT name, +stable FROM targets WHERE address = ?", address).Scan(&found.Name, &stable)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%q: %w", address, ErrUnknownAddress)
		}
		found.Stable = truth(stable)
		return err
	})
	return found, err
}

// begin makes the tables of a working database with the node's own row.
func (d *DB) begin(ctx context.Context, me Target, keep bool) error {
	now := seconds(time.Now())
	return d.file.Write(ctx, func(t *sqlite.Tx) error {
		var err error
		if keep {
			err = keepTargets(t, now)
		} else {
			err = run(t, "DROP TABLE IF EXISTS netsonde_samples", "DROP TABLE IF EXISTS netsonde_erased")
		}
		if err != nil {
			return err
		}
		if err := eraseTargets(t); err != nil {
			return err
		}
		if err := run(t, createSamples); err != nil {
			return err
		}
		_, err = t.Exec("INSERT INTO targets (name, address, stable, me) VALUES (?, ?, ?, TRUE)",
			me.Name, me.Address, me.Stable)
		return err
	})
}

// run monitors with a pinger that runs, until something ends it.
func (m *monitor) run(ctx context.Context, pinger Pinger) error {
	monitoring, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	m.stop = stop
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(monitoring, func() { time.AfterFunc(writingPatience, giveUp) })()

	var servants errgroup.Group
	servants.Go(func() error { m.watch(monitoring, m.work.file.Removed, m.look); return nil })
	servants.Go(func() error {
		err := m.results.run(writing)
		if err != nil && m.work.file.Removed() {
			err = errWorkRemoved
		}
		if err != nil {
			stop(err)
		}
		return err
	})
	err := m.rounds(monitoring, pinger)
	m.results.end()
	// The recorder first: what runs once waits for its results to be written,
	// and the watch may cut that short.
	m.results.wait()
	cause := context.Cause(monitoring)
	stop(err)
	written := servants.Wait()
	switch {
	case cause == nil:
		cause = err
	case ctx.Err() != nil:
		cause = nil
	default:
		cause = m.failure(cause)
	}
	if errors.Is(written, errWorkRemoved) || errors.Is(written, cause) {
		written = nil
	}
	return errors.Join(cause, written)
}

package pmonitor

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/internal/sqlite"
)

const (
	// masterPatience is how long a locked master may delay a ping. After that
	// the monitor goes on with what it knew.
	masterPatience = 250 * time.Millisecond
	// slotLength is how long a target is one node's in a round at once: long
	// enough that clocks and schedulers on one machine keep to it.
	slotLength = 20 * time.Millisecond
	// shortestRound keeps rounds at once from following each other unpaused,
	// and a list without others from being read again and again.
	shortestRound = time.Second
)

// list is a round's targets: those behind the node's own row, then those
// before it, so that nodes with the same list and pace ping different targets
// at any moment.
type list struct {
	targets []Target
	// place is that of the node's own row among all, and all their number.
	place, all int
}

// rotate makes a node's list of the master's.
func rotate(targets []Target, own string) list {
	for i, t := range targets {
		if t.Address == own {
			rest := append([]Target{}, targets[i+1:]...)
			return list{targets: append(rest, targets[:i]...), place: i, all: len(targets)}
		}
	}
	return list{targets: targets, all: len(targets)}
}

// start returns when the next round at once begins. It is the same moment for
// all nodes whose list is as long.
func (l list) start(now time.Time) time.Time {
	period := max(shortestRound, time.Duration(l.all)*slotLength)
	sinceEpoch := time.Duration(now.UnixNano())
	return now.Add(period - sinceEpoch%period)
}

// rounds pings round after round. The error is what ended ctx, or the
// pinger's.
func (m *monitor) rounds(ctx context.Context, pinger Pinger) error {
	m.options.Log.Info("reload target list")
	targets, err := m.master.targets(ctx)
	for {
		if err != nil {
			return err
		}
		if err := m.round(ctx, pinger, rotate(targets, m.source)); err != nil {
			return err
		}
		if m.options.Once {
			return nil
		}
		if err := m.mayRun(ctx); err != nil {
			return err
		}
		targets, err = m.reload(ctx, targets)
	}
}

// reload reads the list again. A master that is locked, or broken, which is
// for the watch to judge, leaves it as it was.
func (m *monitor) reload(ctx context.Context, known []Target) ([]Target, error) {
	m.options.Log.Info("reload target list")
	reading, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	targets, err := m.master.targets(reading)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		m.options.Log.Error("the target list stays as it was: " + err.Error())
		return known, nil
	}
	return targets, nil
}

// targets returns all rows in the order of the table.
func (d *DB) targets(ctx context.Context) (all []Target, err error) {
	err = d.file.Read(ctx, func(t *sqlite.Tx) error {
		all = nil
		rows, err := t.Query("SELECT name, address, +stable FROM targets ORDER BY rowid")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var target Target
			var stable any
			if err := rows.Scan(&target.Name, &target.Address, &stable); err != nil {
				return err
			}
			target.Stable = truth(stable)
			all = append(all, target)
		}
		return rows.Err()
	})
	return all, err
}

// mayRun reads whether the monitor may go on. A master that does not say does
// not stop it; that is for the watch.
func (m *monitor) mayRun(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	goOn, err := m.master.CanRun(reading, m.source)
	if err == nil && !goOn {
		m.stop(errRunCleared)
	}
	return context.Cause(ctx)
}

// round pings every target of a list once.
func (m *monitor) round(ctx context.Context, pinger Pinger, l list) error {
	switch {
	case len(l.targets) == 0 && !m.options.inTurn:
		return pause(ctx, max(m.options.Pace, shortestRound))
	case m.options.Pace == 0 && !m.options.inTurn:
		return m.roundAtOnce(ctx, pinger, l)
	}
	for _, target := range l.targets {
		if err := pause(ctx, m.options.Pace); err != nil {
			return err
		}
		if err := m.mayRun(ctx); err != nil {
			return err
		}
		if err := m.ping(ctx, pinger, target); err != nil {
			return err
		}
	}
	return nil
}

// roundAtOnce pings each target in a slot of its own. In slot k the node at
// place i pings the one at place i+1+k, so that each has one visitor a slot.
func (m *monitor) roundAtOnce(ctx context.Context, pinger Pinger, l list) error {
	start := l.start(time.Now())
	pings, ctx := errgroup.WithContext(ctx)
	for slot, target := range l.targets {
		pings.Go(func() error {
			if err := pause(ctx, time.Until(start.Add(time.Duration(slot)*slotLength))); err != nil {
				return err
			}
			return m.ping(ctx, pinger, target)
		})
	}
	return pings.Wait()
}

func (m *monitor) ping(ctx context.Context, pinger Pinger, target Target) error {
	found, err := m.options.ping(ctx, pinger, target, m.source)
	if err != nil {
		return err
	}
	m.results.add(found)
	return nil
}

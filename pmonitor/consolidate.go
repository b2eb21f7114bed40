package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"netsonde/internal/sqlite"
)

// SkippedError tells which working database Consolidate left out, and why.
type SkippedError struct {
	Path string
	Err  error
}

func (e *SkippedError) Error() string {
	return fmt.Sprintf("Error processing %s: %v", strconv.Quote(e.Path), e.Err)
}

// Unwrap returns why the database was left out.
func (e *SkippedError) Unwrap() error { return e.Err }

// Consolidate makes one database of a master and the working databases of its
// nodes: targets is the master's, node_history has a row for each node and
// each target that it has sampled, with the node's name as source_node, and
// simulation_metadata is empty for others to fill in. What an earlier call has
// put there is replaced.
//
// Working databases that cannot be read are left out and returned as skipped.
// The error is for the master and for out, which may be neither of the others
// nor any other file that Consolidate did not make.
func Consolidate(ctx context.Context, master string, works []string, out string) (skipped []*SkippedError, err error) {
	targets, err := read(ctx, master, func(t *sqlite.Tx) ([][]any, error) {
		return values(t, "SELECT "+storedColumns+" FROM targets ORDER BY rowid", 10)
	})
	if err != nil {
		return nil, err
	}
	var history [][]any
	for _, path := range works {
		seen, err := read(ctx, path, observed)
		if err != nil {
			skipped = append(skipped, &SkippedError{Path: path, Err: err})
			continue
		}
		history = append(history, seen...)
	}
	// Even to open a file for writing may change it.
	_, err = read(ctx, out, func(t *sqlite.Tx) ([][]any, error) { return nil, foreign(t) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return skipped, err
	}
	d, err := create(ctx, out)
	if err != nil {
		return skipped, err
	}
	for _, path := range append([]string{master}, works...) {
		if d.file.Same(path) {
			err := fmt.Errorf("%q is to be read and cannot be written as well: name another file", path)
			return skipped, errors.Join(err, d.Close())
		}
	}
	err = d.file.Write(ctx, func(t *sqlite.Tx) error { return writeConsolidated(t, targets, history) })
	return skipped, errors.Join(err, d.Close())
}

// observed returns the history rows of a working database.
func observed(t *sqlite.Tx) ([][]any, error) {
	own, err := values(t, "SELECT name FROM targets WHERE me = TRUE", 1)
	if err != nil {
		return nil, err
	}
	if len(own) != 1 {
		return nil, fmt.Errorf("it has %d rows of its own node in place of one", len(own))
	}
	rows, err := values(t, "SELECT name, sample_time, +responded, total_count, total_success FROM targets"+
		" WHERE me = FALSE ORDER BY rowid", 5)
	for i := range rows {
		rows[i] = append(rows[i], own[0][0])
	}
	return rows, err
}

func writeConsolidated(t *sqlite.Tx, targets, history [][]any) error {
	if err := foreign(t); err != nil {
		return err
	}
	for _, table := range consolidatedTables() {
		if err := run(t, "DROP TABLE IF EXISTS "+table.name, table.create); err != nil {
			return err
		}
	}
	if err := run(t, createTimeIndex, createNameIndex); err != nil {
		return err
	}
	for _, row := range targets {
		if _, err := t.Exec("INSERT INTO targets ("+targetColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row...); err != nil {
			return err
		}
	}
	for _, row := range history {
		_, err := t.Exec("INSERT INTO node_history ("+historyColumns+") VALUES (?, ?, ?, ?, ?, ?)", row...)
		if err != nil {
			return err
		}
	}
	return nil
}

// read opens a database that exists, reads something of it and closes it.
func read(ctx context.Context, path string, f func(*sqlite.Tx) ([][]any, error)) (rows [][]any, err error) {
	d, err := OpenDB(ctx, path)
	if err != nil {
		return nil, err
	}
	err = d.file.Read(ctx, func(t *sqlite.Tx) (err error) {
		rows, err = f(t)
		return err
	})
	return rows, errors.Join(err, d.Close())
}

// values returns all rows of a query that has so many columns, as stored.
func values(t *sqlite.Tx, query string, columns int) (all [][]any, err error) {
	rows, err := t.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, columns)
		places := make([]any, columns)
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

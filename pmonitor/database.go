package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"netsonde/internal/sqlite"
)

// ErrUnknownAddress tells that no row of the table has the address.
var ErrUnknownAddress = errors.New("there is no such address in the table of targets")

// DB is an open database, a master or a working one. Its methods may be called
// by any goroutine. They wait for locks until their context ends, and their
// errors name the file.
type DB struct{ file *sqlite.DB }

// Target is a node that is watched.
type Target struct {
	// Name is for people; several nodes may have the same.
	Name string
	// Address is where the node is pinged, and what identifies it: an IP
	// address or a host name.
	Address string
	// Stable nodes are there all the time, such as satellites' routers; the
	// others come and go.
	Stable bool
}

// OpenDB opens a database that exists; the error wraps fs.ErrNotExist if it
// does not. The caller closes it.
func OpenDB(ctx context.Context, path string) (*DB, error) {
	file, err := sqlite.Open(ctx, path, sqlite.Existing)
	if err != nil {
		return nil, err
	}
	return &DB{file}, nil
}

// Close closes the database.
func (d *DB) Close() error { return d.file.Close() }

// CreateDB makes a database with an empty table of targets, and the folders to
// it. A table that is there is erased.
func CreateDB(ctx context.Context, path string) error {
	return fill(ctx, path, nil)
}

// InitTargets makes a database with these targets, in their order: run is 1,
// all else 0. A table that is there is erased, also when the targets cannot
// be: an address that comes twice is an error, and then there are none.
func InitTargets(ctx context.Context, path string, targets []Target) error {
	err := fill(ctx, path, targets)
	if !sqlite.Constraint(err) {
		return err
	}
	return errors.Join(err, CreateDB(ctx, path))
}

// fill erases and fills the table at once: no reader sees it half done.
func fill(ctx context.Context, path string, targets []Target) error {
	d, err := create(ctx, path)
	if err != nil {
		return err
	}
	err = d.file.Write(ctx, func(t *sqlite.Tx) error {
		if err := eraseTargets(t); err != nil {
			return err
		}
		for _, target := range targets {
			_, err := t.Exec("INSERT INTO targets (name, address, stable) VALUES (?, ?, ?)",
				target.Name, target.Address, target.Stable)
			if err != nil {
				return fmt.Errorf("insert target %q: %w", target.Address, err)
			}
		}
		return nil
	})
	return errors.Join(err, d.Close())
}

// create opens a database and makes what is missing of its path.
func create(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("make the folder of database %q: %w", path, err)
	}
	file, err := sqlite.Open(ctx, path, sqlite.Create)
	if err != nil {
		return nil, err
	}
	return &DB{file}, nil
}

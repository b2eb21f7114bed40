package pmonitor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"netsonde/internal/sqlite"
)

// Flag is a column of targets by which programs talk to each other.
type Flag string

// The flags.
const (
	// FlagRun is what a node's monitor is to do: 0 stops it.
	FlagRun Flag = "run"
	// FlagRunning is what whoever starts monitors says of a node's.
	FlagRunning Flag = "running"
)

// IsRunning reports whether the node's monitor is said to run, ErrUnknownAddress
// if there is no such node.
func (d *DB) IsRunning(ctx context.Context, address string) (bool, error) {
	value, err := d.Stored(ctx, FlagRunning, address)
	return truth(value), err
}

// SetRunning says whether the node's monitor runs. An unknown address changes
// nothing and is no error.
func (d *DB) SetRunning(ctx context.Context, address string, running bool) error {
	return d.Store(ctx, FlagRunning, address, running)
}

// CanRun reports whether the node's monitor may go on, ErrUnknownAddress if
// there is no such node.
func (d *DB) CanRun(ctx context.Context, address string) (bool, error) {
	value, err := d.Stored(ctx, FlagRun, address)
	return truth(value), err
}

// SetCanRun lets the node's monitor go on, or stops it within a second. An
// unknown address changes nothing and is no error.
func (d *DB) SetCanRun(ctx context.Context, address string, run bool) error {
	return d.Store(ctx, FlagRun, address, run)
}

// Stored returns what stands in a flag: an int64, normally 0 or 1, but
// programs have stored a float64, a string, a []byte or nil as well. The error
// wraps ErrUnknownAddress if there is no such row.
func (d *DB) Stored(ctx context.Context, flag Flag, address string) (value any, err error) {
	err = d.file.Read(ctx, func(t *sqlite.Tx) error {
		// "+" keeps the driver from making a bool of it.
		row := t.QueryRow("SELECT +"+flag.column()+" FROM targets WHERE address = ?", address)
		err := row.Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%q: %w", address, ErrUnknownAddress)
		}
		return err
	})
	return value, err
}

// Store puts a value into a flag, a bool as 0 or 1. An unknown address changes
// nothing and is no error.
func (d *DB) Store(ctx context.Context, flag Flag, address string, value any) error {
	return d.StoreAll(ctx, flag, []string{address}, value)
}

// StoreAll is Store for several nodes in one transaction: others see it for all
// of them or for none, and are kept waiting once.
func (d *DB) StoreAll(ctx context.Context, flag Flag, addresses []string, value any) error {
	return d.file.Write(ctx, func(t *sqlite.Tx) error {
		for _, address := range addresses {
			_, err := t.Exec("UPDATE targets SET "+flag.column()+" = ? WHERE address = ?", value, address)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// column is the flag's column; what is no flag is none.
func (f Flag) column() string {
	if f == FlagRunning {
		return "running"
	}
	return "run"
}

// truth is whether a stored value counts as yes, as it did in Python.
func truth(value any) bool {
	switch v := value.(type) {
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []byte:
		return len(v) > 0
	case bool:
		return v
	default:
		return false
	}
}

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	// The driver, in Go alone: the program stays one static file.
	_ "modernc.org/sqlite"
)

// Mode says what Open does about a file that is not there.
type Mode uint8

// The modes. Both read and write.
const (
	// Existing makes a missing file an error.
	Existing Mode = iota
	// Create makes a missing file, and has the database keep a rollback
	// journal: a file beside it that is gone with each transaction, unlike a
	// write-ahead log.
	Create
)

// DB is one database file. Its methods may be called by any goroutine; they
// take turns.
type DB struct {
	path string
	pool *sql.DB
	file fs.FileInfo
}

// Open opens a database file. The error names the file; it wraps
// fs.ErrNotExist when the mode is Existing and there is none. A file that is
// locked is waited for until ctx ends. Close must be called.
func Open(ctx context.Context, path string, mode Mode) (*DB, error) {
	d, err := open(ctx, path, mode)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", strconv.Quote(path), err)
	}
	return d, nil
}

func open(ctx context.Context, path string, mode Mode) (*DB, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, errors.New("that is no file name")
	}
	if mode == Existing {
		if _, err := os.Stat(path); err != nil {
			return nil, reason(err)
		}
	}
	pool, err := sql.Open("sqlite", source(path, mode))
	if err != nil {
		return nil, err
	}
	// One connection, so that a transaction's statements are the only ones and
	// an unlinked file stays open between them.
	pool.SetMaxOpenConns(1)
	d := &DB{path: path, pool: pool}
	if err := d.prepare(ctx, mode); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return d, nil
}

// source is the driver's name for a file.
func source(path string, mode Mode) string {
	access := "rw"
	if mode == Create {
		access = "rwc"
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = path
	}
	location := url.URL{Scheme: "file", Path: absolute, RawQuery: url.Values{
		"mode": {access},
		// Who waits is retry: nothing would interrupt SQLite's own wait.
		"_busy_timeout": {"0"},
	}.Encode()}
	return location.String()
}

// prepare makes the connection, and with Create the file.
func (d *DB) prepare(ctx context.Context, mode Mode) error {
	// This looks into the file, so a lock may be in the way.
	err := d.retry(ctx, func(conn *sql.Conn) error { return conn.PingContext(context.WithoutCancel(ctx)) })
	if err != nil {
		return err
	}
	if d.file, err = os.Stat(d.path); err != nil {
		return reason(err)
	}
	if mode == Existing {
		return nil
	}
	return d.retry(ctx, func(conn *sql.Conn) error {
		// The answer is the mode that holds; a change that could not be made
		// is an error, busy among them.
		var journal string
		return conn.QueryRowContext(context.WithoutCancel(ctx), "PRAGMA journal_mode = DELETE").Scan(&journal)
	})
}

// reason leaves out the path, which the caller names.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// Path returns the path as it was given to Open.
func (d *DB) Path() string { return d.path }

// Removed reports whether the file is no longer to be found under its path,
// because it was removed or another has taken its place.
func (d *DB) Removed() bool {
	file, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return err == nil && !os.SameFile(file, d.file)
}

// Same reports whether path leads to the database's file.
func (d *DB) Same(path string) bool {
	file, err := os.Stat(path)
	return err == nil && os.SameFile(file, d.file)
}

// Close closes the file.
func (d *DB) Close() error {
	if err := d.pool.Close(); err != nil {
		return fmt.Errorf("close database %s: %w", strconv.Quote(d.path), err)
	}
	return nil
}

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"time"

	driversqlite "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

const (
	// The first pause before a busy database is asked again; it doubles up to
	// the longest. An ordinary writer's lock is gone after the first few.
	firstPause   = time.Millisecond
	longestPause = 32 * time.Millisecond
	// commitPatience is how long a transaction that is complete waits for
	// readers to go. Meanwhile it keeps new ones out.
	commitPatience = time.Second
	// readersTurn is how long the others are let in after a commit was given
	// up: longer than the 100 ms that SQLite pauses between its own tries.
	readersTurn = 250 * time.Millisecond
)

// errReaders tells that readers kept a transaction from being committed.
var errReaders = errors.New("it is being read without end")

// Tx is a transaction. It ends with the function that it was given to.
type Tx struct {
	ctx  context.Context
	conn *sql.Conn
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(query string, arguments ...any) (changed int64, err error) {
	result, err := t.conn.ExecContext(t.ctx, query, arguments...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query runs a query. The caller closes the rows before the next statement.
//
// The driver turns what stands in a column that is declared BOOLEAN into a
// bool; "+column" gives what was stored.
func (t *Tx) Query(query string, arguments ...any) (*sql.Rows, error) {
	return t.conn.QueryContext(t.ctx, query, arguments...)
}

// QueryRow runs a query for its first row; Scan gives sql.ErrNoRows if there
// is none.
func (t *Tx) QueryRow(query string, arguments ...any) *sql.Row {
	return t.conn.QueryRowContext(t.ctx, query, arguments...)
}

// Read runs f in a transaction that sees one state of the database and must
// not change it. While the database is locked it tries again, so f may be run
// more than once; it must set its results, not add to them. The error names
// the file and, when ctx ended first, wraps ctx's error.
func (d *DB) Read(ctx context.Context, f func(*Tx) error) error { return d.transact(ctx, "BEGIN", f) }

// Write runs f in a transaction that nobody else can write beside, and
// commits what it did, or nothing if it fails. While the database is locked it
// tries again, so f may be run more than once, each time on what is stored
// then. The error is as Read's.
func (d *DB) Write(ctx context.Context, f func(*Tx) error) error {
	return d.transact(ctx, "BEGIN IMMEDIATE", f)
}

func (d *DB) transact(ctx context.Context, begin string, f func(*Tx) error) error {
	err := d.retry(ctx, func(conn *sql.Conn) error { return attempt(ctx, conn, begin, f) })
	if err != nil {
		return fmt.Errorf("database %s: %w", strconv.Quote(d.path), err)
	}
	return nil
}

// retry calls f until it is no longer told that the database is busy. Between
// two calls others may use the connection.
func (d *DB) retry(ctx context.Context, f func(*sql.Conn) error) error {
	var refused time.Time
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		began := time.Now()
		err := d.once(ctx, f)
		if !busy(err) {
			return err
		}
		if refused.IsZero() {
			refused = began
		}
		tellLocked(ctx, time.Since(refused))
		if errors.Is(err, errReaders) {
			wait = readersTurn
		}
		if ended := pause(ctx, wait); ended != nil {
			return fmt.Errorf("%w, and %w", err, ended)
		}
	}
}

// pause waits for d, and tells if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (d *DB) once(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn)
}

// attempt runs one transaction. Its statements are not interrupted when ctx
// ends: none of them waits for a lock.
func attempt(ctx context.Context, conn *sql.Conn, begin string, f func(*Tx) error) error {
	t := &Tx{ctx: context.WithoutCancel(ctx), conn: conn}
	if _, err := t.Exec(begin); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			t.rollback()
		}
	}()
	if err := f(t); err != nil {
		return err
	}
	err := t.commit(ctx)
	committed = err == nil
	return err
}

// commit waits for readers, but not for ever: they would all wait for the
// slowest of them. Then the transaction is given up, to be run again.
func (t *Tx) commit(ctx context.Context) error {
	end := time.Now().Add(commitPatience)
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		_, err := t.Exec("COMMIT")
		if !busy(err) {
			return err
		}
		if time.Now().After(end) || pause(ctx, wait) != nil {
			return fmt.Errorf("%w: %w", errReaders, err)
		}
	}
}

// rollback ends a transaction. SQLite has ended some itself, such as on a full
// disk; a connection that refuses is thrown away if it is in no clean state.
func (t *Tx) rollback() {
	if _, err := t.Exec("ROLLBACK"); err == nil {
		return
	}
	if _, err := t.Exec("BEGIN"); err == nil {
		if _, err = t.Exec("ROLLBACK"); err == nil {
			return
		}
	}
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
}

// busy tells whether somebody else's lock is the reason.
func busy(err error) bool {
	var failed *driversqlite.Error
	// The low byte is the kind, the rest the details.
	return errors.As(err, &failed) && failed.Code()&0xff == codes.SQLITE_BUSY
}

// Constraint reports whether a statement failed because a row would have
// broken a rule of its table.
func Constraint(err error) bool {
	var failed *driversqlite.Error
	return errors.As(err, &failed) && failed.Code()&0xff == codes.SQLITE_CONSTRAINT
}

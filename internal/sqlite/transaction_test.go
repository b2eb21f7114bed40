package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/internal/sqlite"
)

// hold keeps a lock on a database until the function it returns is called.
func hold(t *testing.T, path, begin string) (release func()) {
	t.Helper()
	d, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{begin, "SELECT COUNT(*) FROM x"} {
		if err := sqlite.Outside(d, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return func() {
		if err := errors.Join(sqlite.Outside(d, "ROLLBACK"), d.Close()); err != nil {
			t.Error(err)
		}
	}
}

// closing makes a database with one row that the caller closes, as time in a
// bubble stands still while one is open.
func closing(t *testing.T) (d *sqlite.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	d, err := sqlite.Open(t.Context(), path, sqlite.Create)
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, "CREATE TABLE x (y)", "INSERT INTO x VALUES (0)")
	return d, path
}

func TestLocksAreWaitedFor(t *testing.T) {
	for _, lock := range []string{"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN"} {
		for _, length := range []time.Duration{4 * time.Second, 10 * time.Second, 30 * time.Second} {
			t.Run(lock+" for "+length.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d, path := closing(t)
					defer d.Close()
					release := hold(t, path, lock)
					time.AfterFunc(length, release)
					start := time.Now()
					write(t, d, "UPDATE x SET y = y + 1")
					if waited := time.Since(start); waited < length || waited > length+time.Second {
						t.Errorf("waited %s for a lock of %s", waited, length)
					}
					if got := number(t, d, "SELECT y FROM x"); got != 1 {
						t.Errorf("counted %d times, want once", got)
					}
				})
			})
		}
	}
}

// Only what somebody's lock takes is told, however long the rest does.
func TestLocksAreTold(t *testing.T) {
	for _, lock := range []string{"", "BEGIN IMMEDIATE"} {
		t.Run(lock, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, path := closing(t)
				defer d.Close()
				const length = 10 * time.Second
				if lock != "" {
					time.AfterFunc(length, hold(t, path, lock))
				}
				var told []time.Duration
				ctx := sqlite.WithLocked(t.Context(), func(waited time.Duration) { told = append(told, waited) })
				if err := d.Write(ctx, func(*sqlite.Tx) error { time.Sleep(15 * time.Second); return nil }); err != nil {
					t.Fatal(err)
				}
				switch {
				case lock == "" && len(told) > 0:
					t.Errorf("told of a lock that nobody had: %s", told)
				case lock == "BEGIN IMMEDIATE" && (len(told) < 200 || !slices.IsSorted(told) ||
					told[0] != 0 || told[len(told)-1] < length-time.Second || told[len(told)-1] > length):
					t.Errorf("told of a lock of %s: %s", length, told)
				}
			})
		})
	}
}

// A reader keeps a commit waiting, a second at a time.
func TestReadersThatKeepACommitWaitingAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := closing(t)
		defer d.Close()
		time.AfterFunc(10*time.Second, hold(t, path, "BEGIN"))
		var told []time.Duration
		ctx := sqlite.WithLocked(t.Context(), func(waited time.Duration) { told = append(told, waited) })
		err := d.Write(ctx, func(tx *sqlite.Tx) error { _, err := tx.Exec("UPDATE x SET y = 1"); return err })
		if err != nil {
			t.Fatal(err)
		}
		if len(told) < 4 || told[0] < time.Second || told[0] > 2*time.Second {
			t.Errorf("told of a reader of 10 s: %s", told)
		}
	})
}

func TestWritersDoNotDisturbReaders(t *testing.T) {
	d, path := closing(t)
	defer d.Close()
	defer hold(t, path, "BEGIN IMMEDIATE")()
	if got := number(t, d, "SELECT y FROM x"); got != 0 {
		t.Errorf("read %d, want 0", got)
	}
}

// A transaction that is complete and waits for one slow reader must not keep
// all other readers waiting behind it.
func TestCommitThatWaitsLetsReadersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := closing(t)
		defer d.Close()
		other, err := sqlite.Open(t.Context(), path, sqlite.Existing)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		time.AfterFunc(30*time.Second, hold(t, path, "BEGIN"))
		written := make(chan struct{})
		go func() {
			defer close(written)
			write(t, d, "UPDATE x SET y = y + 1")
		}()
		for range 25 {
			time.Sleep(time.Second)
			start := time.Now()
			number(t, other, "SELECT y FROM x")
			if waited := time.Since(start); waited > 2*time.Second {
				t.Errorf("a reader waited %s", waited)
			}
		}
		<-written
	})
}

func TestContextEndsTheWait(t *testing.T) {
	d, path := closing(t)
	defer d.Close()
	release := hold(t, path, "BEGIN EXCLUSIVE")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := d.Write(ctx, func(*sqlite.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that the time was over", err)
	}
	if waited := time.Since(start); waited > 2*time.Second {
		t.Errorf("waited %s after the context had ended", waited)
	}
	release()
	write(t, d, "UPDATE x SET y = 7")
}

func TestFailureChangesNothing(t *testing.T) {
	d, _ := closing(t)
	defer d.Close()
	failure := errors.New("enough")
	err := d.Write(t.Context(), func(tx *sqlite.Tx) error {
		if _, err := tx.Exec("UPDATE x SET y = 5"); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want the function's", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.Write(t.Context(), func(tx *sqlite.Tx) error {
			if _, err := tx.Exec("UPDATE x SET y = 6"); err != nil {
				return err
			}
			panic("enough")
		})
	}()
	if got := number(t, d, "SELECT y FROM x"); got != 0 {
		t.Errorf("y is %d, want 0", got)
	}
}

func TestConstraint(t *testing.T) {
	d, _ := closing(t)
	defer d.Close()
	write(t, d, "CREATE UNIQUE INDEX one ON x (y)")
	err := d.Write(t.Context(), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("INSERT INTO x VALUES (0)")
		return err
	})
	if !sqlite.Constraint(err) {
		t.Errorf("%v is said to break no rule of the table", err)
	}
	if sqlite.Constraint(errors.New("another")) || sqlite.Constraint(nil) {
		t.Error("what is no such error is said to be one")
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	first, path := closing(t)
	defer first.Close()
	const writers, times = 4, 25
	var all sync.WaitGroup
	for range writers {
		d := open(t, path, sqlite.Existing)
		for range 2 {
			all.Go(func() {
				for range times {
					write(t, d, "UPDATE x SET y = y + 1")
				}
			})
		}
	}
	all.Wait()
	if got := number(t, first, "SELECT y FROM x"); got != 2*writers*times {
		t.Errorf("counted %d, want %d", got, 2*writers*times)
	}
}

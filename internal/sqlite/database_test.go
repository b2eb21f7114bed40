package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/internal/sqlite"
)

// open opens a database that ends with the test.
func open(t *testing.T, path string, mode sqlite.Mode) *sqlite.DB {
	t.Helper()
	d, err := sqlite.Open(t.Context(), path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// write runs statements in one transaction.
func write(t *testing.T, d *sqlite.DB, statements ...string) {
	t.Helper()
	err := d.Write(t.Context(), func(tx *sqlite.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// number reads one number.
func number(t *testing.T, d *sqlite.DB, query string) (n int) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *sqlite.Tx) error { return tx.QueryRow(query).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMissingFileIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	if _, err := sqlite.Open(t.Context(), path, sqlite.Existing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that the file does not exist", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
	for _, path := range []string{"", "a\x00b", filepath.Join(path, "deeper")} {
		if _, err := sqlite.Open(t.Context(), path, sqlite.Create); err == nil {
			t.Errorf("opened %q", path)
		}
	}
}

func TestNamesOfFilesAreTakenAsTheyAre(t *testing.T) {
	for _, name := range []string{"a b", "a?mode=memory", "a#b", "a%20b", "ä'\"", ":memory:"} {
		path := filepath.Join(t.TempDir(), name)
		write(t, open(t, path, sqlite.Create), "CREATE TABLE x (y)")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q is not there: %v", name, err)
		}
	}
}

func TestCreatedDatabaseKeepsARollbackJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	first, err := sqlite.Open(t.Context(), path, sqlite.Create)
	if err != nil {
		t.Fatal(err)
	}
	// Outside a transaction, as somebody else's program would.
	err = sqlite.Outside(first, "PRAGMA journal_mode = WAL")
	if err != nil {
		t.Fatal(err)
	}
	write(t, first, "CREATE TABLE x (y)")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	d := open(t, path, sqlite.Create)
	write(t, d, "INSERT INTO x VALUES (1)")
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("there is a write-ahead log")
	}
	if got := number(t, d, "SELECT COUNT(*) FROM x"); got != 1 {
		t.Errorf("%d rows, want 1", got)
	}
}

func TestFilesThatAreNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte("this is no database, but it is long enough to look at"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path, sqlite.Existing); err == nil {
		t.Error("opened a text as a database")
	}
	if _, err := sqlite.Open(t.Context(), filepath.Dir(path), sqlite.Existing); err == nil {
		t.Error("opened a folder as a database")
	}
}

func TestRemovedAndSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	d := open(t, path, sqlite.Create)
	link := path + ".link"
	if err := os.Link(path, link); err != nil {
		t.Fatal(err)
	}
	if d.Removed() || !d.Same(path) || !d.Same(link) || d.Same(path+".other") {
		t.Errorf("removed %t, same %t, link %t, other %t", d.Removed(), d.Same(path), d.Same(link), d.Same(path+".other"))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !d.Removed() {
		t.Error("not removed though the file is gone")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !d.Removed() {
		t.Error("not removed though another file has the name")
	}
}

func TestLockedFileIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := closing(t)
		defer d.Close()
		time.AfterFunc(10*time.Second, hold(t, path, "BEGIN EXCLUSIVE"))
		second, err := sqlite.Open(t.Context(), path, sqlite.Existing)
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if got := number(t, second, "SELECT y FROM x"); got != 0 {
			t.Errorf("read %d, want 0", got)
		}
	})
}

func TestClosedContextOpensNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "db"), sqlite.Create); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the context ended", err)
	}
}

package pmonitor_test

import (
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/pmonitor"
)

// holding runs statements on a connection that stays until release, which the
// caller calls, as time in a bubble stands still before.
func holding(t *testing.T, path string, statements ...string) (release func()) {
	t.Helper()
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := pool.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What ends a running monitor ends one as soon that still waits for a lock.
func TestStartThatWaitsIsWatched(t *testing.T) {
	const work, master = "work", "master"
	writer := []string{"BEGIN IMMEDIATE"}
	reader := []string{"PRAGMA journal_mode = WAL", "BEGIN", "SELECT COUNT(*) FROM targets"}
	exclusive := []string{"BEGIN EXCLUSIVE"}
	cleared := func(t *testing.T, master, _ string) { setRun(t, master, "127.0.0.1", false) }
	removed := func(t *testing.T, _, work string) {
		if err := os.Remove(work); err != nil {
			t.Fatal(err)
		}
	}
	deleted := func(t *testing.T, master, _ string) {
		execute(t, master, "DELETE FROM targets WHERE address = '127.0.0.1'")
	}
	for _, test := range []struct {
		name   string
		file   string
		lock   []string
		happen func(t *testing.T, master, work string)
		want   error
	}{
		{"run is 0, a writer on the working database", work, writer, cleared, nil},
		{"run is 0, a reader of a write-ahead log", work, reader, cleared, nil},
		{"run is 0, an exclusive lock", work, exclusive, cleared, nil},
		{"removed, a writer on the working database", work, writer, removed, nil},
		{"removed, a reader of a write-ahead log", work, reader, removed, nil},
		{"removed, an exclusive lock on the master", master, exclusive, removed, nil},
		{"no such row, a writer on the working database", work, writer, deleted, pmonitor.ErrUnknownAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			masterPath, workPath := initialised(t, three)
			if err := pmonitor.CreateDB(t.Context(), workPath); err != nil {
				t.Fatal(err)
			}
			locked := map[string]string{master: masterPath, work: workPath}[test.file]
			log := &journal{}
			synctest.Test(t, func(t *testing.T) {
				release := holding(t, locked, test.lock...)
				defer release()
				options := original(&network{answers: lively})
				options.Log = log.log()
				m := start(t, masterPath, workPath, "127.0.0.1", options)
				defer m.stop()
				time.Sleep(2 * time.Second)
				if want := "waiting for the database " + locked; !strings.Contains(log.String(), want) {
					t.Errorf("the log is\n%s, want %q in it", log, want)
				}
				test.happen(t, masterPath, workPath)
				select {
				case <-m.ended:
				case <-time.After(time.Second):
					t.Fatal("it goes on waiting")
				}
				if !errors.Is(m.err, test.want) || test.want == nil && m.err != nil {
					t.Errorf("error %v, want %v", m.err, test.want)
				}
			})
			_, err := os.Stat(workPath)
			if gone := errors.Is(err, os.ErrNotExist); gone != strings.HasPrefix(test.name, "removed") {
				t.Errorf("the working database is gone: %t", gone)
			}
		})
	}
}

// A lock that goes away in time is none of the log's business, and one that
// lasts ends nothing.
func TestStartOutlastsALock(t *testing.T) {
	for length, told := range map[time.Duration]bool{200 * time.Millisecond: false, 30 * time.Second: true} {
		master, work := initialised(t, three)
		if err := pmonitor.CreateDB(t.Context(), work); err != nil {
			t.Fatal(err)
		}
		log, n := &journal{}, &network{answers: lively}
		synctest.Test(t, func(t *testing.T) {
			time.AfterFunc(length, holding(t, work, "BEGIN IMMEDIATE"))
			options := original(n)
			options.Once, options.Log = true, log.log()
			m := start(t, master, work, "127.0.0.1", options)
			if err := m.end(t, length+11*time.Second); err != nil {
				t.Error(err)
			}
		})
		if n.times() != 2 || strings.Contains(log.String(), "waiting") != told {
			t.Errorf("after %s: %d pings, want 2, and the log\n%s", length, n.times(), log)
		}
	}
}

// The watch of a running monitor must not hang on a master that is locked.
func TestWorkRemovedWhileTheMasterIsLocked(t *testing.T) {
	master, work := initialised(t, three)
	synctest.Test(t, func(t *testing.T) {
		m := start(t, master, work, "127.0.0.1", original(&network{answers: lively}))
		defer m.stop()
		// Between two looks of the watch at the master, which would refuse the lock.
		time.Sleep(2100 * time.Millisecond)
		defer holding(t, master, "BEGIN EXCLUSIVE")()
		time.Sleep(time.Second)
		if err := os.Remove(work); err != nil {
			t.Fatal(err)
		}
		select {
		case <-m.ended:
		case <-time.After(time.Second):
			t.Fatal("it goes on")
		}
		if m.err != nil {
			t.Error(m.err)
		}
	})
}

package pmonitor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/internal/lab"
	"netsonde/pmonitor"
)

// locking is a program of Python's that locks a file for some seconds.
const locking = `
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("BEGIN " + sys.argv[2])
print("locked", flush=True)
time.sleep(float(sys.argv[3]))
db.execute("ROLLBACK")
print("free", flush=True)
`

// Real locks of 4, 10 and 30 seconds, begun at random moments, on either file:
// no sample is lost, and no monitor ends. All of them run at the same time.
func TestLocks(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		lab.Skip(t, "python3 is missing")
	}
	const seed = 4
	random := rand.New(rand.NewPCG(seed, seed))
	// Subtests would run no more at a time than there are processors.
	var all sync.WaitGroup
	for i := range 20 {
		length := []int{4, 10, 30}[i%3]
		file := []string{"master", "work"}[i%2]
		kind := []string{"EXCLUSIVE", "IMMEDIATE"}[i/2%2]
		after := time.Duration(random.Int64N(int64(time.Second)))
		master, work := initialised(t, three)
		path := map[string]string{"master": master, "work": work}[file]
		all.Go(func() {
			if err := outlast(t, master, work, after, func() { lock(t, python, path, kind, length) }, length); err != nil {
				t.Errorf("%s lock of %d s on %s: %v", kind, length, file, err)
			}
		})
	}
	all.Wait()
}

// outlast has a monitor run through a lock, in which it must ping at least so
// many times.
func outlast(t *testing.T, master, work string, after time.Duration, lock func(), least int) error {
	n := &network{answers: lively}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- pmonitor.Monitor(ctx, master, work, "127.0.0.1", pmonitor.Options{Pace: 200 * time.Millisecond, Pinger: n})
	}()
	for n.times() < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(after)
	before := n.times()
	lock()
	// A ping may wait for the master's lock, but only a moment.
	if during := n.times() - before; during < least {
		return fmt.Errorf("%d pings meanwhile, want %d", during, least)
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the monitor ended: %w", err)
	case <-time.After(500 * time.Millisecond):
	}
	stop()
	if err := <-ended; err != nil {
		return err
	}
	var kept, counted int
	fmt.Sscan(table(t, work, "SELECT COUNT(*) FROM netsonde_samples")[0], &kept)
	fmt.Sscan(table(t, work, "SELECT SUM(total_success) FROM targets")[0], &counted)
	// A ping that was on its way at the end has no result.
	asked := n.times()
	t.Logf("%d pings, %d kept, %d counted", asked, kept, counted)
	if kept != counted || kept != asked && kept != asked-1 {
		return fmt.Errorf("%d pings, %d kept, %d counted", asked, kept, counted)
	}
	return nil
}

// lock locks a file and returns when it is free again.
func lock(t *testing.T, python, path, kind string, seconds int) {
	t.Helper()
	command := exec.Command(python, "-c", locking, path, kind, fmt.Sprint(seconds))
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for _, want := range []string{"locked", "free"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("the program that locks says %q, want %q", lines.Text(), want)
		}
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the program that locks: %v", err)
	}
}

// hold locks a database for everybody else who writes until the function that
// it returns is called.
func hold(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := pmonitor.OpenDB(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	locked, free, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- pmonitor.Locked(t.Context(), db, func() { close(locked); <-free })
	}()
	<-locked
	return func() {
		close(free)
		if err := errors.Join(<-ended, db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// A round that ends while the working database is locked is written when it no
// longer is: all of its results, in their order.
func TestLockAtTheEndOfARound(t *testing.T) {
	master, work := initialised(t, recordedTargets())
	synctest.Test(t, func(t *testing.T) {
		options := original(&network{answers: lively})
		options.Once = true
		m := start(t, master, work, "10.88.0.1", options)
		time.Sleep(4 * time.Second)
		time.AfterFunc(30*time.Second, hold(t, work))
		if err := m.end(t, time.Minute); err != nil {
			t.Error(err)
		}
	})
	want := []string{"10.88.0.2|1|1|1", "10.88.0.3|1|1|1", "10.88.0.4|1|1|1", "10.88.0.5|1|1|1"}
	if got := table(t, work, results); !slices.Equal(got, want) {
		t.Errorf("the working table is %q, want %q", got, want)
	}
}

// A lock that outlasts a monitor that is stopped: it must end all the same,
// and say what was lost.
func TestLockAtTheEnd(t *testing.T) {
	master, work := initialised(t, three)
	synctest.Test(t, func(t *testing.T) {
		m := start(t, master, work, "127.0.0.1", original(&network{answers: lively}))
		time.Sleep(4 * time.Second)
		release := hold(t, work)
		time.Sleep(2 * time.Second)
		m.stop()
		if err := m.end(t, time.Second); err == nil {
			t.Error("a result was lost without a word")
		}
		release()
	})
}

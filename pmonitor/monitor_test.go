package pmonitor_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/pmonitor"
)

// original are the original's times, over a network of the test's own.
func original(n *network) pmonitor.Options {
	return pmonitor.Options{Pace: pmonitor.DefaultPace, Pinger: n}
}

// monitoring is a monitor that runs in a bubble.
type monitoring struct {
	ended chan struct{}
	err   error
	stop  context.CancelFunc
}

func start(t *testing.T, master, work, source string, options pmonitor.Options) *monitoring {
	ctx, stop := context.WithCancel(t.Context())
	m := &monitoring{ended: make(chan struct{}), stop: stop}
	go func() {
		m.err = pmonitor.Monitor(ctx, master, work, source, options)
		close(m.ended)
	}()
	return m
}

// end waits for the monitor, which must end by itself within limit.
func (m *monitoring) end(t *testing.T, limit time.Duration) error {
	t.Helper()
	begun := time.Now()
	<-m.ended
	if took := time.Since(begun); took > limit {
		t.Errorf("it took %s to end, want %s at most", took, limit)
	}
	return m.err
}

const results = "SELECT address, responded, total_count, total_success FROM targets WHERE me = FALSE ORDER BY rowid"

func TestRounds(t *testing.T) {
	master, work := initialised(t, three)
	n := &network{answers: lively}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		m := start(t, master, work, "127.0.0.2", original(n))
		time.Sleep(12 * time.Second)
		m.stop()
		if err := m.end(t, time.Second); err != nil {
			t.Errorf("told to stop: %v", err)
		}
		for i, want := range []string{"127.0.0.3", "127.0.0.1"} {
			at := n.asked[i].at.Sub(begun).Round(100 * time.Millisecond)
			if n.asked[i].target != want || n.asked[i].source != "127.0.0.2" || at != time.Duration(i+1)*pmonitor.DefaultPace {
				t.Errorf("ping %d: %v after %s, want %s", i, n.asked[i], at, want)
			}
		}
	})
	got := table(t, work, "SELECT address, name, run, running, me, stable, responded, sample_time > 0, total_count, total_success FROM targets")
	want := []string{"127.0.0.2|B|1|0|1|1|0|0|0|0", "127.0.0.3|C|1|0|0|0|1|1|1|1", "127.0.0.1|A|1|0|0|1|1|1|1|1"}
	if !slices.Equal(got, want) {
		t.Errorf("the working table is %q, want %q", got, want)
	}
}

func TestRunEndsAMonitor(t *testing.T) {
	master, work := initialised(t, three)
	n := &network{answers: func(pmonitor.Echo) (time.Duration, bool) { return 3 * time.Second, false }}
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{0, time.Second, 6 * time.Second} {
			setRun(t, master, "127.0.0.1", after > 0)
			m := start(t, master, work, "127.0.0.1", original(n))
			time.Sleep(after)
			setRun(t, master, "127.0.0.1", false)
			if err := m.end(t, time.Second); err != nil {
				t.Errorf("run=0 after %s: %v", after, err)
			}
		}
	})
	if n.times() != 1 {
		t.Errorf("%d pings, want the one at 5 s", n.times())
	}
	if got := table(t, work, "SELECT address, me FROM targets"); !slices.Equal(got, []string{"127.0.0.1|1"}) {
		t.Errorf("the working table is %q", got)
	}
}

func TestOwnRowDeleted(t *testing.T) {
	master, work := initialised(t, three[:2])
	synctest.Test(t, func(t *testing.T) {
		m := start(t, master, work, "127.0.0.1", original(&network{answers: lively}))
		time.Sleep(3 * time.Second)
		execute(t, master, "DELETE FROM targets WHERE address = '127.0.0.1'")
		if err := m.end(t, time.Second); !errors.Is(err, pmonitor.ErrUnknownAddress) {
			t.Errorf("error %v, want that the address is unknown", err)
		}
	})
}

// A program that makes the master anew leaves it without rows for a moment.
func TestMasterMadeAnew(t *testing.T) {
	master, work := initialised(t, three[:2])
	n := &network{answers: lively}
	synctest.Test(t, func(t *testing.T) {
		m := start(t, master, work, "127.0.0.1", original(n))
		time.Sleep(3 * time.Second)
		execute(t, master, "ALTER TABLE targets RENAME TO elsewhere")
		time.Sleep(200 * time.Millisecond)
		execute(t, master, "ALTER TABLE elsewhere RENAME TO targets")
		time.Sleep(20 * time.Second)
		m.stop()
		if err := m.end(t, time.Second); err != nil {
			t.Error(err)
		}
	})
	if n.times() != 4 {
		t.Errorf("%d pings in 23 s, want 4", n.times())
	}
}

func TestMasterRemoved(t *testing.T) {
	master, work := initialised(t, three)
	synctest.Test(t, func(t *testing.T) {
		m := start(t, master, work, "127.0.0.1", original(&network{answers: lively}))
		time.Sleep(3 * time.Second)
		os.Remove(master)
		if err := m.end(t, time.Second); err == nil || !strings.Contains(err.Error(), master) {
			t.Errorf("error %v, want one that names the master", err)
		}
	})
}

func TestWorkRemoved(t *testing.T) {
	master, work := initialised(t, three)
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{time.Second, 7 * time.Second} {
			m := start(t, master, work, "127.0.0.1", original(&network{answers: lively}))
			time.Sleep(after)
			if err := os.Remove(work); err != nil {
				t.Fatal(err)
			}
			if err := m.end(t, time.Second); err != nil {
				t.Errorf("removed after %s: %v", after, err)
			}
		}
	})
	if left, _ := filepath.Glob(work + "*"); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

func TestMistakenCallsEraseNothing(t *testing.T) {
	master, work := initialised(t, three)
	if err := pmonitor.InitTargets(t.Context(), work, three); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(filepath.Dir(master), "missing")
	for _, test := range []struct {
		master, work, source string
		want                 error
	}{
		{missing, work, "127.0.0.1", fs.ErrNotExist},
		{master, work, "10.9.9.9", pmonitor.ErrUnknownAddress},
		{master, master, "127.0.0.1", nil},
	} {
		err := pmonitor.Monitor(t.Context(), test.master, test.work, test.source, pmonitor.Options{Pinger: &network{answers: lively}})
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%v: error %v, want %v", test, err, test.want)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a missing master was made")
	}
	for _, path := range []string{master, work} {
		if got := table(t, path, "SELECT COUNT(*) FROM targets"); !slices.Equal(got, []string{"3"}) {
			t.Errorf("%s: %q rows, want 3", path, got)
		}
	}
}

func TestAloneItWaits(t *testing.T) {
	for _, pace := range []time.Duration{pmonitor.DefaultPace, 0} {
		t.Run(pace.String(), func(t *testing.T) {
			master, work := initialised(t, three[:1])
			log := &journal{}
			n := &network{answers: lively}
			synctest.Test(t, func(t *testing.T) {
				m := start(t, master, work, "127.0.0.1", pmonitor.Options{Pace: pace, Pinger: n, Log: log.log()})
				time.Sleep(10*time.Second + 500*time.Millisecond)
				with(t, master, func(db *pmonitor.DB) error {
					return pmonitor.Execute(t.Context(), db, "INSERT INTO targets (name, address) VALUES ('B', '127.0.0.2')")
				})
				time.Sleep(10 * time.Second)
				m.stop()
				if err := m.end(t, time.Second); err != nil {
					t.Error(err)
				}
			})
			if reloads := strings.Count(log.String(), "reload target list"); reloads > 25 {
				t.Errorf("the list was read %d times in 20 s", reloads)
			}
			if n.times() == 0 {
				t.Error("the node that came was not pinged")
			}
		})
	}
}

func TestOldRowsAreKept(t *testing.T) {
	master, work := initialised(t, three)
	n := &network{answers: lively}
	once := pmonitor.Options{Pace: time.Millisecond, Once: true, Pinger: n}
	count := func() []string {
		return table(t, work, "SELECT (SELECT COUNT(*) FROM targets), (SELECT COUNT(*) FROM netsonde_samples)")
	}
	for _, want := range []string{"3|2", "3|4"} {
		if err := pmonitor.Monitor(t.Context(), master, work, "127.0.0.1", once); err != nil {
			t.Fatal(err)
		}
		if got := count(); got[0] != want {
			t.Errorf("targets and samples: %s, want %s", got[0], want)
		}
	}
	if got := table(t, work, "SELECT address, me, total_count FROM netsonde_erased"); !slices.Equal(got,
		[]string{"127.0.0.1|1|0", "127.0.0.2|0|1", "127.0.0.3|0|1"}) {
		t.Errorf("what was erased: %q", got)
	}
	once.NoKeep = true
	if err := pmonitor.Monitor(t.Context(), master, work, "127.0.0.1", once); err != nil {
		t.Fatal(err)
	}
	if got := count(); got[0] != "3|2" {
		t.Errorf("targets and samples: %s, want 3|2", got[0])
	}
}

// Two nodes that ping the same target at one moment would measure each other.
func TestRoundsAtOnceMeetNowhere(t *testing.T) {
	const nodes = 8
	var targets []pmonitor.Target
	for i := range nodes {
		targets = append(targets, pmonitor.Target{Name: fmt.Sprint(i), Address: fmt.Sprintf("10.0.0.%d", i+1)})
	}
	master, work := initialised(t, targets)
	n := &network{answers: lively}
	synctest.Test(t, func(t *testing.T) {
		var all []*monitoring
		for i, target := range targets {
			all = append(all, start(t, master, fmt.Sprint(work, i), target.Address, pmonitor.Options{Once: true, Pinger: n}))
			time.Sleep(3 * time.Millisecond)
		}
		begun := time.Now()
		for _, m := range all {
			if err := m.end(t, 3*time.Second); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the round took %s", took)
		}
	})
	if len(n.asked) != nodes*(nodes-1) {
		t.Errorf("%d pings, want %d", len(n.asked), nodes*(nodes-1))
	}
	visited := map[string]time.Time{}
	for _, a := range n.asked {
		if last, ok := visited[a.target]; ok && a.at.Sub(last) < 10*time.Millisecond {
			t.Errorf("%s was visited twice within %s", a.target, a.at.Sub(last))
		}
		visited[a.target] = a.at
	}
}

func TestBrokenPingerEndsAMonitor(t *testing.T) {
	master, work := initialised(t, three)
	broken := errors.New("the cable is cut")
	for _, pace := range []time.Duration{0, time.Millisecond} {
		err := pmonitor.Monitor(t.Context(), master, work, "127.0.0.1", pmonitor.Options{Pace: pace, Pinger: failing{broken}})
		if !errors.Is(err, broken) {
			t.Errorf("error %v, want the pinger's", err)
		}
	}
}

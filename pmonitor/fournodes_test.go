package pmonitor_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netsonde/pmonitor"
)

// fourNodes is the recorded run with monitors of ours.
type fourNodes struct {
	// scale is how much faster than the recorded run it is.
	scale float64
	// pace is the seconds before each ping, before they are made faster.
	pace float64
	link func(up bool)
	// monitor runs a node's monitor, wherever the node is.
	monitor func(ctx context.Context, n node, f func(context.Context) error) error
	pinger  pmonitor.Pinger
	// moved are events at another time than in the recording, one at which
	// they mean the same.
	moved map[float64]float64
	// before is called when the databases are there, with the folder.
	before func(folder string)
}

// faster is a recorded moment in this run.
func (r *fourNodes) faster(seconds float64) time.Duration {
	return time.Duration(seconds / r.scale * float64(time.Second))
}

// run runs it all and returns what was observed. A sleep until the next thing
// that happens is the script of the run, not a wait for something.
func (r *fourNodes) run(t *testing.T, slack float64) {
	t.Helper()
	_, wanted := recordedRun(t)
	master, _ := initialised(t, recordedTargets())
	folder := filepath.Dir(master)
	o := &observer{scale: r.scale, paths: map[string]string{"master": master}, known: map[string]map[string]map[string]string{}}
	for _, n := range recordedNodes() {
		o.paths["work."+n.name] = filepath.Join(folder, "work."+n.name)
		with(t, master, func(db *pmonitor.DB) error { return db.SetRunning(t.Context(), n.address, true) })
	}
	if r.before != nil {
		r.before(folder)
	}
	options := pmonitor.Options{Pace: r.faster(r.pace), Timeout: r.faster(3), Pinger: r.pinger}
	o.begun = time.Now()
	ends := make([]error, len(recordedNodes()))
	stopD := context.CancelFunc(nil)
	var monitors sync.WaitGroup
	for i, n := range recordedNodes() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if n.name == "d" {
			stopD = cancel
		}
		monitors.Go(func() {
			time.Sleep(r.faster(n.starts))
			ends[i] = r.monitor(ctx, n, func(ctx context.Context) error {
				return pmonitor.Monitor(ctx, master, o.paths["work."+n.name], n.address, options)
			})
		})
	}
	events := recordedEvents(t, master, r.link, func() { stopD() })
	for _, at := range []float64{30.24, 60.15, 120.03, 140.01} {
		events = append(events, event{at, func() {
			for _, n := range recordedNodes() {
				name := fmt.Sprintf("%.0f %s", at, n.name)
				if got := functions(t, o.paths["work."+n.name]); got != wanted[name] {
					t.Errorf("at %s: the functions return\n%s, want\n%s", name, got, wanted[name])
				}
			}
		}})
	}
	for at := 0.06; at < 140.2; at += 0.25 {
		events = append(events, event{at, func() { o.poll(t) }})
	}
	for i := range events {
		if at, moved := r.moved[events[i].at]; moved {
			events[i].at = at
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int((a.at - b.at) * 1e6) })
	for _, e := range events {
		time.Sleep(time.Until(o.begun.Add(r.faster(e.at))))
		e.do()
	}
	monitors.Wait()
	for i, n := range recordedNodes() {
		if !errors.Is(ends[i], n.ends) || n.ends == nil && ends[i] != nil {
			t.Errorf("monitor %s ended with %v, want %v", n.name, ends[i], n.ends)
		}
	}
	compareRuns(t, o.found, slack)
}

// The four nodes at the original's own pace, in simulated time.
func TestRecordedRunOfFourNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		down := false
		const d = "10.88.0.4"
		r := fourNodes{
			scale: 1,
			pace:  pmonitor.DefaultPace.Seconds(),
			link:  func(up bool) { mu.Lock(); down = !up; mu.Unlock() },
			monitor: func(ctx context.Context, _ node, f func(context.Context) error) error {
				return f(ctx)
			},
			pinger: &network{answers: func(e pmonitor.Echo) (time.Duration, bool) {
				mu.Lock()
				defer mu.Unlock()
				// What the original took to start ping, beside the answer itself.
				const overhead = 30 * time.Millisecond
				dead := e.Target == netip.MustParseAddr("10.88.0.5") || e.Target == netip.MustParseAddr("10.88.0.6")
				if dead || down && (e.Target.String() == d || e.Source.String() == d) {
					return pmonitor.DefaultTimeout + overhead, false
				}
				return overhead, true
			}},
		}
		r.run(t, 0.6)
	})
}

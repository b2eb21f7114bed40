package mesh_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/mesh"
	"netsonde/internal/sqlite"
	"netsonde/pmonitor"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// loopbackNodes are addresses that every machine has: two stable nodes and two
// dynamic ones.
func loopbackNodes() []mesh.Node {
	node := func(name, address string, stable bool) mesh.Node {
		return mesh.Node{Name: name, Address: netip.MustParseAddr(address), Stable: stable}
	}
	return []mesh.Node{
		node("R1", "127.77.0.1", true), node("R2", "127.77.0.2", true),
		node("G1", "127.77.0.3", false), node("G2", "127.77.0.4", false),
	}
}

// running is a mesh that runs for a test.
type running struct {
	t        *testing.T
	options  mesh.Options
	observer *mesh.Observer
	ended    chan error
	cancel   context.CancelFunc
}

func start(t *testing.T, options mesh.Options) *running {
	t.Helper()
	if options.Pace == 0 {
		options.Pace = 5 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, options: options, observer: mesh.NewObserver(options.Directory, mesh.BrowserPatience), ended: make(chan error, 1), cancel: cancel}
	m, err := mesh.New(r.observer, r.options)
	if err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- m.Run(ctx) }()
	t.Cleanup(cancel)
	return r
}

// await waits until what is seen is as it should be.
func (r *running) await(what string, ok func(*mesh.State, []mesh.Observation) bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; {
		mesh.Expire(r.observer)
		state, seen, err := r.observer.Observe(r.t.Context())
		if err == nil && ok(state, seen) {
			return
		}
		select {
		case err := <-r.ended:
			r.t.Fatalf("the mesh ended before %s: %v", what, err)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s does not come about: %+v, %v", what, seen, err)
		}
	}
}

func (r *running) awaitEnd() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatal("the mesh does not end")
		return nil
	}
}

func everybody(_ *mesh.State, seen []mesh.Observation) bool {
	all := mesh.Sum(time.Time{}, seen)
	// Two stable nodes see each other; two dynamic ones see three others.
	return all.Stable == mesh.Count{Good: 2, Total: 2} && all.Dynamic == mesh.Count{Good: 6, Total: 6}
}

func TestNodesWatchEachOther(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	r := start(t, mesh.Options{Directory: directory, Nodes: loopbackNodes(), StableMonitors: true})
	r.await("everybody seen", everybody)
	state, err := directory.State()
	if err != nil {
		t.Fatal(err)
	}
	if len(state.Samples) != 1 || time.Since(state.Samples[0].Time) > patience {
		t.Errorf("the samples are %v, want one at the start", state.Samples)
	}
	master, err := pmonitor.OpenDB(t.Context(), directory.Master())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range loopbackNodes() {
		if runs, err := master.IsRunning(t.Context(), node.Address.String()); !runs || err != nil {
			t.Errorf("running of %s is %v, %v", node.Name, runs, err)
		}
	}
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := mesh.New(r.observer, r.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(t.Context()); !errors.Is(err, mesh.ErrRunning) {
		t.Errorf("a second mesh in the directory: %v", err)
	}
	began := time.Now()
	if err := mesh.Stop(t.Context(), directory, false); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if err := r.awaitEnd(); err != nil {
		t.Errorf("the mesh ended with %v", err)
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

func TestStableNodesHaveNoMonitorsUnlessAsked(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	r := start(t, mesh.Options{Directory: directory, Nodes: loopbackNodes()})
	r.await("the dynamic nodes' sight", func(_ *mesh.State, seen []mesh.Observation) bool {
		return seen[2].Count == mesh.Count{Good: 3, Total: 3} && seen[3].Count == mesh.Count{Good: 3, Total: 3}
	})
	state, err := directory.State()
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range state.Nodes {
		want := mesh.MonitorRunning
		if node.Stable {
			want = mesh.MonitorNone
		}
		if node.Monitor != want {
			t.Errorf("the monitor of %s: %s, want %s", node.Name, node.Monitor, want)
		}
	}
	if got, want := files(t, directory.Path()), []string{"G1.sqlite", "G2.sqlite", "master.sqlite", "mesh.json"}; !slices.Equal(withoutJournals(got), want) {
		t.Errorf("the files are %v, want %v", got, want)
	}
	r.cancel()
	if err := r.awaitEnd(); err != nil {
		t.Errorf("the mesh ended with %v", err)
	}
	if _, err := mesh.New(r.observer, mesh.Options{Nodes: loopbackNodes()[:2]}); err == nil {
		t.Error("a mesh without any monitor is no error")
	}
}

func withoutJournals(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, "-journal") || strings.HasSuffix(name, ".new")
	})
}

func TestKeptFilesAreConsolidated(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	r := start(t, mesh.Options{Directory: directory, Nodes: loopbackNodes(), StableMonitors: true})
	r.await("everybody seen", everybody)
	if err := mesh.Stop(t.Context(), directory, true); err != nil {
		t.Fatal(err)
	}
	if err := r.awaitEnd(); err != nil {
		t.Errorf("the mesh ended with %v", err)
	}
	master, err := pmonitor.OpenDB(t.Context(), directory.Master())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range loopbackNodes() {
		if run, err := master.CanRun(t.Context(), node.Address.String()); run || err != nil {
			t.Errorf("run of %s is %v, %v at the end", node.Name, run, err)
		}
	}
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, directory.Work("G2"), strings.Repeat("no database ", 100))
	out := filepath.Join(t.TempDir(), "all.sqlite")
	var contents [][]string
	for range 2 {
		skipped, err := mesh.Consolidate(t.Context(), directory, out)
		if err != nil || len(skipped) != 1 || skipped[0].Path != directory.Work("G2") {
			t.Fatalf("skipped %v, %v, want the database of G2", skipped, err)
		}
		contents = append(contents, dump(t, out))
	}
	if !reflect.DeepEqual(contents[0], contents[1]) {
		t.Errorf("the second time made %v of %v", contents[1], contents[0])
	}
	want := []string{"G1 G2", "G1 R1", "G1 R2", "R1 G1", "R1 G2", "R1 R2", "R2 G1", "R2 G2", "R2 R1"}
	if got := slices.Sorted(slices.Values(contents[0])); !slices.Equal(got, want) {
		t.Errorf("the pairs are %v, want %v", got, want)
	}
}

func TestAKeptMeshSurvivesItsSignal(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	r := start(t, mesh.Options{Directory: directory, Nodes: loopbackNodes(), Keep: true})
	r.await("a state", func(*mesh.State, []mesh.Observation) bool { return true })
	r.cancel()
	if err := r.awaitEnd(); err != nil {
		t.Errorf("the mesh ended with %v", err)
	}
	if state, err := directory.State(); err != nil || state.Ended.IsZero() {
		t.Errorf("its state is %+v, %v", state, err)
	}
}

// A node without a monitor is no database that could not be read.
func TestWhatWasNeverBegunIsNotSkipped(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "all.sqlite")
	skipped, err := mesh.Consolidate(t.Context(), recordedMesh(t), out)
	if len(skipped) > 0 || err != nil {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	if got := len(dump(t, out)); got != 18 {
		t.Errorf("%d pairs, want 18", got)
	}
}

// dump returns the pairs of a consolidated database, source and target.
func dump(t *testing.T, path string) (pairs []string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), func(tx *sqlite.Tx) error {
		pairs = nil
		var rows *sql.Rows
		rows, err := tx.Query("SELECT source_node || ' ' || node_name FROM node_history")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var pair string
			if err := rows.Scan(&pair); err != nil {
				return err
			}
			pairs = append(pairs, pair)
		}
		return rows.Err()
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return pairs
}

// A monitor that fails is told and hinders nobody.
func TestAFailedMonitorIsTold(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	reports := make(chan error, 16)
	r := start(t, mesh.Options{
		Directory: directory, Nodes: loopbackNodes(), StableMonitors: true, Keep: true,
		Report: func(err error) { reports <- err },
	})
	r.await("everybody seen", everybody)
	change(t, directory.Master(), func(tx *sqlite.Tx) error {
		_, err := tx.Exec("DELETE FROM targets WHERE name = 'G1'")
		return err
	})
	r.await("the failure", func(state *mesh.State, _ []mesh.Observation) bool {
		return state.Nodes[2].Monitor == mesh.MonitorFailed && state.Nodes[3].Monitor == mesh.MonitorRunning
	})
	select {
	case err := <-reports:
		if !errors.Is(err, pmonitor.ErrUnknownAddress) || !strings.Contains(err.Error(), "G1") {
			t.Errorf("reported is %v", err)
		}
	case <-time.After(patience):
		t.Error("the failure is not reported")
	}
	if err := mesh.Stop(t.Context(), directory, false); err != nil {
		t.Fatal(err)
	}
	if err := r.awaitEnd(); !errors.Is(err, pmonitor.ErrUnknownAddress) {
		t.Errorf("the mesh ended with %v", err)
	}
	if _, err := os.Stat(directory.Work("R1")); err != nil {
		t.Errorf("the files are to be kept: %v", err)
	}
}

func TestAMeshThatCannotBeginErasesNothing(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	write(t, directory.Master(), "mine")
	nodes := loopbackNodes()
	nodes[2].Namespace = filepath.Join(directory.Path(), "none")
	nodes[3].Namespace = os.DevNull
	m, err := mesh.New(mesh.NewObserver(directory, mesh.BrowserPatience), mesh.Options{Directory: directory, Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	err = m.Run(t.Context())
	for _, want := range []string{"master.sqlite", "node G1", "node G2"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("the error names no %s: %v", want, err)
		}
	}
	if text, err := os.ReadFile(directory.Master()); string(text) != "mine" || err != nil {
		t.Errorf("the file is now %q, %v", text, err)
	}
}

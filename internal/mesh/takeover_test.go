package mesh_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/mesh"
	"netsonde/internal/sqlite"
)

// stateOf is the state of a mesh whose nodes all have monitors, but for those
// whose names begin with "-".
func stateOf(names ...string) *mesh.State {
	state := &mesh.State{}
	for _, name := range names {
		name, without := strings.CutPrefix(name, "-")
		monitor := mesh.MonitorRunning
		if without {
			monitor = mesh.MonitorNone
		}
		state.Nodes = append(state.Nodes, mesh.NodeState{Name: name, Monitor: monitor})
	}
	return state
}

func TestWhatAMeshTakesOver(t *testing.T) {
	t.Parallel()
	former := func(state *mesh.State, names ...string) *mesh.State {
		state.Former = names
		return state
	}
	for name, test := range map[string]struct {
		earlier *mesh.State
		file    string // is there
		fresh   *mesh.State
		refused bool
		former  []string
	}{
		"an empty directory":              {fresh: stateOf("a", "b")},
		"a foreign master":                {file: "master.sqlite", fresh: stateOf("a", "b"), refused: true},
		"a foreign database":              {file: "b.sqlite", fresh: stateOf("a", "b"), refused: true},
		"a foreign journal":               {file: "b.sqlite-journal", fresh: stateOf("a", "b"), refused: true},
		"a file of nobody's name":         {file: "c.sqlite", fresh: stateOf("a", "b")},
		"the earlier master":              {earlier: stateOf("a"), file: "master.sqlite", fresh: stateOf("a")},
		"an earlier database":             {earlier: stateOf("a", "b"), file: "b.sqlite", fresh: stateOf("a", "b")},
		"a dropped node":                  {earlier: stateOf("a", "b", "c"), file: "b.sqlite", fresh: stateOf("a"), former: []string{"b", "c"}},
		"a node dropped before":           {earlier: former(stateOf("a"), "b"), file: "b.sqlite", fresh: stateOf("a"), former: []string{"b"}},
		"a node that comes back":          {earlier: former(stateOf("a"), "b"), file: "b.sqlite", fresh: stateOf("a", "b")},
		"a node that loses its monitor":   {earlier: stateOf("a", "b"), file: "b.sqlite", fresh: stateOf("a", "-b"), former: []string{"b"}},
		"beside an earlier mesh":          {earlier: stateOf("a"), file: "b.sqlite", fresh: stateOf("a", "b"), refused: true},
		"of a node that had no monitor":   {earlier: stateOf("a", "-b"), file: "b.sqlite", fresh: stateOf("a", "b"), refused: true},
		"beside an earlier mesh, dropped": {earlier: stateOf("a", "-b"), file: "b.sqlite", fresh: stateOf("a")},
	} {
		directory := newDirectory(t)
		if test.earlier != nil {
			if err := mesh.WriteState(directory, test.earlier); err != nil {
				t.Fatal(err)
			}
		}
		if test.file != "" {
			write(t, directory.Path()+"/"+test.file, "")
		}
		err := mesh.TakeOver(directory, test.fresh)
		if refused := err != nil && strings.Contains(err.Error(), test.file); refused != test.refused || err != nil && !refused {
			t.Errorf("%s: the error is %v", name, err)
		}
		if !slices.Equal(test.fresh.Former, test.former) {
			t.Errorf("%s: taken over are %q, want %q", name, test.fresh.Former, test.former)
		}
	}
}

// named are nodes of loopback addresses with these names.
func named(names ...string) []mesh.Node {
	nodes := loopbackNodes()[:len(names)]
	for i, name := range names {
		nodes[i].Name = name
	}
	return nodes
}

// runKept runs a mesh whose files are kept.
func runKept(t *testing.T, directory mesh.Directory, names ...string) {
	t.Helper()
	r := start(t, mesh.Options{Directory: directory, Nodes: named(names...), StableMonitors: true, Keep: true, Once: true})
	if err := r.awaitEnd(); err != nil {
		t.Fatal(err)
	}
}

// A database that the user put beside a kept mesh is his, whatever nodes are
// called.
func TestADatabaseBesideAKeptMeshIsNotErased(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	runKept(t, directory, "a", "b")
	photos := directory.Work("photos")
	fill(t, photos, row{address: "10.0.0.1", name: "mine"})
	change(t, photos, func(tx *sqlite.Tx) error {
		_, err := tx.Exec("CREATE TABLE pics (name TEXT)")
		return err
	})
	before, err := os.ReadFile(photos)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, mesh.Options{Directory: directory, Nodes: named("a", "photos"), StableMonitors: true, Once: true})
	if err := r.awaitEnd(); err == nil || !strings.Contains(err.Error(), "photos.sqlite") {
		t.Errorf("the mesh ended with %v", err)
	}
	if after, err := os.ReadFile(photos); err != nil || !slices.Equal(before, after) {
		t.Errorf("the database is another, %v", err)
	}
	if state, err := directory.State(); err != nil || len(state.Nodes) != 2 || state.Nodes[1].Name != "b" {
		t.Errorf("the kept state is %+v, %v", state, err)
	}
}

func TestDatabasesOfDroppedNodesAreNotOrphaned(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	runKept(t, directory, "a", "b", "c")
	runKept(t, directory, "a", "d")
	want := []string{"a.sqlite", "b.sqlite", "c.sqlite", "d.sqlite", "master.sqlite", "mesh.json"}
	if got := files(t, directory.Path()); !slices.Equal(got, want) {
		t.Errorf("kept are %v, want %v", got, want)
	}
	r := start(t, mesh.Options{Directory: directory, Nodes: named("c", "b"), StableMonitors: true, Once: true})
	if err := r.awaitEnd(); err != nil {
		t.Errorf("nodes that come back: %v", err)
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

// A mesh that died is taken over by the next, and so are its journals.
func TestADeadMeshIsTakenOver(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	write(t, directory.Work("nodeB")+"-journal", "")
	r := start(t, mesh.Options{Directory: directory, Nodes: named("nodeA", "new"), StableMonitors: true, Once: true})
	if err := r.awaitEnd(); err != nil {
		t.Error(err)
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

// What bears the name of a node without a monitor was not made by the mesh.
func TestStopLeavesFilesOfNodesWithoutMonitors(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	state, err := directory.State()
	if err != nil {
		t.Fatal(err)
	}
	state.Nodes[4].Monitor = mesh.MonitorNone
	if err := mesh.WriteState(directory, state); err != nil {
		t.Fatal(err)
	}
	write(t, directory.Work("nodeE"), "mine")
	if err := mesh.Stop(t.Context(), directory, false); err != nil {
		t.Error(err)
	}
	if got := files(t, directory.Path()); !slices.Equal(got, []string{"nodeE.sqlite"}) {
		t.Errorf("left are %v", got)
	}
}

// Until all else has gone the state says what is still to be removed.
func TestARemovalThatFailsCanBeRepeated(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	work := directory.Work("nodeE")
	if err := os.Remove(work); err != nil {
		t.Fatal(err)
	}
	inTheWay := work + "/file"
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, inTheWay, "")
	if err := mesh.Stop(t.Context(), directory, false); err == nil || !strings.Contains(err.Error(), work) {
		t.Errorf("the first stop's error is %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := mesh.Stop(t.Context(), directory, false); err != nil {
		t.Errorf("the second stop's error is %v", err)
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("left are %v", got)
	}
}

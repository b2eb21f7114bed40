package mesh_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"netsonde/internal/mesh"
	"netsonde/internal/sqlite"
	"netsonde/pmonitor"
)

// row is a row of targets: address, name, me, stable, responded, sample_time,
// total_count, total_success. run is 1 and running 0, as in working databases.
type row struct {
	address, name         string
	me, stable, responded int
	sampleTime            any
	count, success        int
}

// recorded are the working databases that the original left after a run of
// four nodes; nodeE is stable and was never begun.
func recorded() map[string][]row {
	return map[string][]row{
		"nodeA": {
			{"10.88.0.1", "nodeA", 1, 1, 0, 0, 0, 0},
			{"10.88.0.2", "nodeB", 0, 1, 1, 1795322192.83483, 5, 5},
			{"10.88.0.3", "nodeC", 0, 0, 1, 1795322197.86914, 5, 5},
			{"10.88.0.4", "nodeD", 0, 0, 1, 1795322203.07957, 4, 3},
			{"10.88.0.5", "nodeE", 0, 1, 0, 1795322112.37908, 0, 0},
		},
		"nodeB": {
			{"10.88.0.2", "nodeB", 1, 1, 0, 0, 0, 0},
			{"10.88.0.3", "nodeC", 0, 0, 1, 1795322192.96891, 5, 5},
			{"10.88.0.4", "nodeD", 0, 0, 1, 1795322198.00001, 4, 3},
			{"10.88.0.5", "nodeE", 0, 1, 0, 1795322107.4772, 0, 0},
			{"10.88.0.1", "nodeA", 0, 1, 1, 1795322211.26371, 5, 5},
			{"10.88.0.6", "nodeF", 0, 0, 0, 1795322206.15069, 0, 0},
		},
		"nodeC": {
			{"10.88.0.3", "nodeC", 1, 0, 0, 0, 0, 0},
			{"10.88.0.4", "nodeD", 0, 0, 0, 1795322143.60397, 3, 2},
			{"10.88.0.5", "nodeE", 0, 1, 0, 1795322102.325, 0, 0},
			{"10.88.0.1", "nodeA", 0, 1, 1, 1795322130.48144, 2, 2},
			{"10.88.0.2", "nodeB", 0, 1, 1, 1795322135.50999, 2, 2},
		},
		"nodeD": {
			{"10.88.0.4", "nodeD", 1, 0, 0, 0, 0, 0},
			{"10.88.0.5", "nodeE", 0, 1, 0, 1795322097.4848251, 0, 0},
			{"10.88.0.1", "nodeA", 0, 1, 1, 1795322210.2134328, 5, 4},
			{"10.88.0.2", "nodeB", 0, 1, 1, 1795322191.9210923, 3, 2},
			{"10.88.0.3", "nodeC", 0, 0, 1, 1795322196.9614286, 3, 2},
			{"10.88.0.6", "nodeF", 0, 0, 0, 1795322181.810612, 0, 0},
		},
	}
}

// recordedMesh is a mesh that left those databases, and an empty file for nodeE.
func recordedMesh(t *testing.T) mesh.Directory {
	t.Helper()
	directory := newDirectory(t)
	state := &mesh.State{Schema: 1, Started: time.Now(), StableMonitors: true}
	var targets []pmonitor.Target
	for _, node := range []mesh.NodeState{
		{Name: "nodeA", Address: "10.88.0.1", Stable: true},
		{Name: "nodeB", Address: "10.88.0.2", Stable: true},
		{Name: "nodeC", Address: "10.88.0.3"},
		{Name: "nodeD", Address: "10.88.0.4"},
		{Name: "nodeE", Address: "10.88.0.5", Stable: true},
	} {
		node.Monitor = mesh.MonitorRunning
		state.Nodes = append(state.Nodes, node)
		targets = append(targets, pmonitor.Target{Name: node.Name, Address: node.Address, Stable: node.Stable})
		if node.Name == "nodeE" {
			write(t, directory.Work("nodeE"), "")
			continue
		}
		fill(t, directory.Work(node.Name), recorded()[node.Name]...)
	}
	if err := pmonitor.InitTargets(t.Context(), directory.Master(), targets); err != nil {
		t.Fatal(err)
	}
	if err := mesh.WriteState(directory, state); err != nil {
		t.Fatal(err)
	}
	return directory
}

func newDirectory(t *testing.T) mesh.Directory {
	t.Helper()
	directory, err := mesh.NewDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

// fill makes a database of rows.
func fill(t *testing.T, path string, rows ...row) {
	t.Helper()
	if err := pmonitor.CreateDB(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	change(t, path, func(tx *sqlite.Tx) error {
		for _, r := range rows {
			_, err := tx.Exec("INSERT INTO targets (address, name, me, stable, responded, sample_time, total_count,"+
				" total_success) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
				r.address, r.name, r.me, r.stable, r.responded, r.sampleTime, r.count, r.success)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// change changes a database as another program would.
func change(t *testing.T, path string, f func(*sqlite.Tx) error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files are the names of a directory's files.
func files(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, entry := range entries {
		names = append(names, filepath.Base(entry.Name()))
	}
	return names
}

// locked calls f while somebody else has a database for himself.
func locked(t *testing.T, path string, f func()) {
	t.Helper()
	change(t, path, func(tx *sqlite.Tx) error {
		// The transaction that has begun lets others read.
		for _, statement := range []string{"COMMIT", "BEGIN EXCLUSIVE"} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		f()
		return nil
	})
}

package mesh_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/internal/sqlite"
)

// Three stable nodes see two stable ones each, three dynamic nodes five others.
var everybody = [4]int{6, 6, 15, 15}

// withoutPAO is the same with one dynamic node cut off: its own five pairs
// fail, and one of each of the other two.
var withoutPAO = [4]int{6, 6, 8, 15}

func TestAMeshsLife(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := startMesh(t, n, "--stable-monitors")
	m.await("everybody seen", func(s status) bool { return s.sums() == everybody })
	n.links["PAO"].Down()
	m.await("the pairs of the node that is cut off", func(s status) bool { return s.sums() == withoutPAO })
	n.links["PAO"].Up()
	n.nodes["PAO"].Route("0.0.0.0/0", "10.60.4.1")
	s := m.await("everybody seen again", func(s status) bool { return s.sums() == everybody })
	for _, node := range s.Nodes {
		if node.Monitor != "running" || len(node.LastFive) != 5 || len(node.Targets) != 5 {
			t.Errorf("the status of %s is %+v", node.Name, node)
		}
	}

	for _, want := range []string{"runs since", "page: http://127.0.0.1:", "R1    10.60.1.2  stable   running  2 / 2"} {
		if text := m.must("status"); !strings.Contains(text, want) {
			t.Errorf("the status shows no %q:\n%s", want, text)
		}
	}
	if lines := strings.Count(m.must("stats"), "\n"); lines < 2 {
		t.Errorf("the statistics have %d lines", lines)
	}
	if text := m.must("stats", "--json"); !strings.HasPrefix(text, `{"schema":1,"type":"stats","samples":[{"time":"`) {
		t.Errorf("the statistics are %s", text)
	}

	m.stop("--keep")
	out := filepath.Join(t.TempDir(), "all.sqlite")
	for range 2 {
		if text := m.must("consolidate", out); text != "" {
			t.Errorf("consolidate says %s", text)
		}
		// Six nodes, each of which has sampled the five others.
		if got := countRows(t, out, "node_history"); got != 30 {
			t.Errorf("%d history rows, want 30", got)
		}
		if got := countRows(t, out, "targets"); got != 6 {
			t.Errorf("%d targets, want 6", got)
		}
	}
	if text, err := m.call("stop"); err == nil || !strings.Contains(text, "has ended") {
		t.Errorf("a second stop: %v, %s", err, text)
	}
}

func TestAStopLeavesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := startMesh(t, n)
	m.await("the dynamic nodes' sight", func(s status) bool { return s.sums() == [4]int{0, 0, 15, 15} })
	m.stop()
	if entries, err := os.ReadDir(m.directory); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
	for _, verb := range []string{"status", "stats", "stop"} {
		if text, err := m.call(verb); err == nil || !strings.Contains(text, "there is no mesh") {
			t.Errorf("%s without a mesh: %v, %s", verb, err, text)
		}
	}
}

// After a kill -9 the directory tells what was, and stop cleans up.
func TestAKilledMeshIsCleanedUp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	m := startMesh(t, n)
	m.await("something seen", func(s status) bool { return s.sums()[3] > 0 })
	if err := m.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-m.ended
	if text := m.must("status"); !strings.Contains(text, "died") || strings.Contains(text, "running") {
		t.Errorf("the status is %s", text)
	}
	m.must("stop")
	if entries, err := os.ReadDir(m.directory); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

func countRows(t *testing.T, path, table string) (count int) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	err = db.Read(t.Context(), func(tx *sqlite.Tx) error {
		return tx.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&count)
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

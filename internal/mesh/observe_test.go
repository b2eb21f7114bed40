package mesh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/mesh"
	"netsonde/pmonitor"
)

func statuses(words string) (list []pmonitor.Status) {
	for word := range strings.FieldsSeq(words) {
		list = append(list, pmonitor.Status{Name: word[1:], Responded: word[0] == '+'})
	}
	return list
}

// What the original's driver made of the same databases.
func TestTheRecordedMeshIsSeenAsTheOriginalSawIt(t *testing.T) {
	t.Parallel()
	_, seen, err := mesh.NewObserver(recordedMesh(t), mesh.BrowserPatience).Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		count          mesh.Count
		five, statuses string
	}{
		"nodeA": {mesh.Count{Good: 1, Total: 1}, "+nodeD +nodeC +nodeB -nodeE -nodeA", "+nodeB +nodeC +nodeD"},
		"nodeB": {mesh.Count{Good: 1, Total: 1}, "+nodeA -nodeF +nodeD +nodeC -nodeE", "+nodeC +nodeD +nodeA"},
		"nodeC": {mesh.Count{Good: 2, Total: 3}, "-nodeD +nodeB +nodeA -nodeE -nodeC", "-nodeD +nodeA +nodeB"},
		"nodeD": {mesh.Count{Good: 3, Total: 3}, "+nodeA +nodeC +nodeB -nodeF -nodeE", "+nodeA +nodeB +nodeC"},
		"nodeE": {},
	}
	if len(seen) != len(want) {
		t.Fatalf("%d nodes are seen, want %d", len(seen), len(want))
	}
	for _, got := range seen {
		w := want[got.Node.Name]
		if got.Err != nil || got.Count != w.count || !slices.Equal(got.LastFive, statuses(w.five)) ||
			!slices.Equal(got.Statuses, statuses(w.statuses)) {
			t.Errorf("%s: %+v, want %+v", got.Node.Name, got, w)
		}
	}
	sample := mesh.Sum(time.Time{}, seen)
	if sample.Stable != (mesh.Count{Good: 2, Total: 2}) || sample.Dynamic != (mesh.Count{Good: 5, Total: 6}) {
		t.Errorf("the sums are %+v", sample)
	}
}

func TestALockedDatabaseKeepsWhatItSaid(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	observer := mesh.NewObserver(directory, mesh.BrowserPatience)
	if _, _, err := observer.Observe(t.Context()); err != nil {
		t.Fatal(err)
	}
	mesh.Expire(observer)
	locked(t, directory.Work("nodeC"), func() {
		_, seen, err := observer.Observe(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if seen[2].Err == nil || seen[2].Count != (mesh.Count{Good: 2, Total: 3}) || len(seen[2].LastFive) != 5 {
			t.Errorf("of a locked database %+v is told", seen[2])
		}
	})
}

func TestWhatIsNoDatabaseCountsNothing(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	write(t, directory.Work("nodeD"), strings.Repeat("no database ", 100))
	_, seen, err := mesh.NewObserver(directory, mesh.BrowserPatience).Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if seen[3].Err == nil || seen[3].Count != (mesh.Count{}) {
		t.Errorf("of a foreign file %+v is told", seen[3])
	}
	if seen[2].Err != nil {
		t.Errorf("its neighbour fails with it: %v", seen[2].Err)
	}
}

func TestWithoutAMeshThereIsNothingToSee(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	if _, _, err := mesh.NewObserver(directory, mesh.BrowserPatience).Observe(t.Context()); !errors.Is(err, mesh.ErrNoMesh) {
		t.Errorf("the error is %v", err)
	}
	if got := files(t, directory.Path()); len(got) != 0 {
		t.Errorf("looking made %v", got)
	}
}

package mesh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/mesh"
)

func TestOneProcessRunsAMesh(t *testing.T) {
	t.Parallel()
	directory := newDirectory(t)
	runs := func(want bool) {
		t.Helper()
		if got, err := directory.Running(); got != want || err != nil {
			t.Errorf("it runs: %v, %v, want %v", got, err, want)
		}
	}
	runs(false)
	lock, err := mesh.Lock(directory)
	if err != nil {
		t.Fatal(err)
	}
	runs(true)
	if _, err := mesh.Lock(directory); !errors.Is(err, mesh.ErrRunning) {
		t.Errorf("the second lock's error is %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	runs(false)
}

func TestAStateOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "no JSON", "[]", `{"nodes":[{"name":"../../etc/passwd"}]}`, `{"nodes":[{"name":""}]}`, `{"nodes":[{"name":"master"}]}`, `{"former":["../b"]}`} {
		directory := newDirectory(t)
		write(t, directory.Path()+"/mesh.json", text)
		if _, err := directory.State(); err == nil || errors.Is(err, mesh.ErrNoMesh) || !strings.Contains(err.Error(), "mesh.json") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

// What Stop removes after a crash is the mesh's, and nothing else.
func TestADeadMeshIsCleanedUp(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	write(t, directory.Path()+"/notes.txt", "mine")
	write(t, directory.Work("nodeA")+"-journal", "")
	if err := mesh.Stop(t.Context(), directory, false); err != nil {
		t.Fatal(err)
	}
	if got := files(t, directory.Path()); !slices.Equal(got, []string{"notes.txt"}) {
		t.Errorf("left are %v", got)
	}
	if err := mesh.Stop(t.Context(), directory, false); !errors.Is(err, mesh.ErrNoMesh) {
		t.Errorf("the second stop's error is %v", err)
	}
}

func TestADeadMeshCanBeKept(t *testing.T) {
	t.Parallel()
	directory := recordedMesh(t)
	before := files(t, directory.Path())
	if err := mesh.Stop(t.Context(), directory, true); err != nil {
		t.Fatal(err)
	}
	if after := files(t, directory.Path()); !slices.Equal(before, after) {
		t.Errorf("the files were %v and are %v", before, after)
	}
	if err := mesh.Stop(t.Context(), directory, false); !errors.Is(err, mesh.ErrEnded) {
		t.Errorf("the second stop's error is %v", err)
	}
	state, err := directory.State()
	if err != nil || time.Since(state.Ended) > time.Minute {
		t.Errorf("it ended at %v, %v", state.Ended, err)
	}
}

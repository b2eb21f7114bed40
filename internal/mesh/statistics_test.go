package mesh_test

import (
	"testing"
	"time"

	"netsonde/internal/mesh"
)

func TestASampleSumsByTheSourcesKind(t *testing.T) {
	t.Parallel()
	seen := func(stable bool, good, total int) mesh.Observation {
		return mesh.Observation{Node: mesh.NodeState{Stable: stable}, Count: mesh.Count{Good: good, Total: total}}
	}
	at := time.Unix(1795322100, 0)
	got := mesh.Sum(at, []mesh.Observation{seen(true, 1, 1), seen(true, 1, 1), seen(false, 2, 3), seen(false, 3, 3), seen(true, 0, 0)})
	want := mesh.Sample{Time: at, Stable: mesh.Count{Good: 2, Total: 2}, Dynamic: mesh.Count{Good: 5, Total: 6}}
	if got != want {
		t.Errorf("the sample is %+v, want %+v", got, want)
	}
	if failed := got.Dynamic.Failed(); failed != 1 {
		t.Errorf("%d failed, want 1", failed)
	}
}

func TestTheOldestSamplesMakeRoom(t *testing.T) {
	t.Parallel()
	var samples []mesh.Sample
	for i := range int64(206) {
		samples = mesh.AppendSample(samples, mesh.Sample{Time: time.Unix(i, 0)})
	}
	if len(samples) != 200 || samples[0].Time.Unix() != 6 || samples[199].Time.Unix() != 205 {
		t.Errorf("%d samples from %v to %v, want 200 from 6 to 205", len(samples), samples[0].Time, samples[len(samples)-1].Time)
	}
}

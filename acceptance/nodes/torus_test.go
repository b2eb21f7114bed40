package nodes_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/sqlite"
	"netsonde/internal/topology"
	"netsonde/pmonitor"
)

// The torus is of 64 nodes, each of which watches the 63 others.
const (
	rings, perRing = 8, 8
	everyPair      = rings * perRing * (rings*perRing - 1)
)

func newTorus(t testing.TB) (p *program, nodes []node, list string) {
	t.Helper()
	p = newLab(t, "torus", "--rings", fmt.Sprint(rings), "--nodes", fmt.Sprint(perRing), "--stations", "0")
	nodes, text := p.nodes()
	if len(nodes) != rings*perRing {
		t.Fatalf("%d nodes", len(nodes))
	}
	list = filepath.Join(t.TempDir(), "nodes")
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p, nodes, list
}

// round is what one round of all nodes has cost and found.
type round struct {
	wall, processor time.Duration
	// pings are those that were kept, good and total the sums of all nodes.
	pings, good, total int
	// failed are the pings without an answer in time, by their outcomes.
	failed map[string]int
}

// roundAtOnce has all nodes ping all others once, as fast as they do, and reads
// their 64 working databases.
func (p *program) roundAtOnce(nodes []node, list string) round {
	p.t.Helper()
	directory := filepath.Join(p.t.TempDir(), "mesh")
	began := time.Now()
	command := p.command("mesh", "start", list, "--dir", directory, "--pace", "0", "--once", "--keep", "--stable-monitors", "--listen", "")
	text, err := command.CombinedOutput()
	if err != nil {
		p.t.Fatalf("the mesh: %v: %s", err, text)
	}
	r := round{wall: time.Since(began), failed: map[string]int{},
		processor: command.ProcessState.UserTime() + command.ProcessState.SystemTime()}
	for _, n := range nodes {
		path := filepath.Join(directory, n.name+".sqlite")
		db, err := pmonitor.OpenDB(p.t.Context(), path)
		if err != nil {
			p.t.Fatal(err)
		}
		good, total, err := db.StatusCount(p.t.Context(), false)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			p.t.Fatal(err)
		}
		r.good, r.total = r.good+good, r.total+total
		for _, s := range samples(p.t, path, time.Time{}) {
			r.pings++
			if s.outcome != "ok" {
				r.failed[s.outcome]++
			}
		}
	}
	return r
}

// sample is a ping as a working database keeps it.
type sample struct{ address, outcome string }

// samples returns the pings of a database that have ended since a moment.
func samples(t testing.TB, path string, since time.Time) (found []sample) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Existing)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Read(t.Context(), func(tx *sqlite.Tx) error {
		found = nil
		rows, err := tx.Query("SELECT address, outcome FROM netsonde_samples WHERE sample_time > ?", float64(since.UnixMicro())/1e6)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s sample
			if err := rows.Scan(&s.address, &s.outcome); err != nil {
				return err
			}
			found = append(found, s)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// All pairs of a sound torus answer in the one round of all nodes at once.
func TestARoundOfSixtyFourNodes(t *testing.T) {
	p, nodes, list := newTorus(t)
	r := p.roundAtOnce(nodes, list)
	t.Logf("%d pings in %v, %v of processor time; good %d, total %d, failed %v",
		r.pings, r.wall.Round(time.Millisecond), r.processor.Round(time.Millisecond), r.good, r.total, r.failed)
	if r.pings != everyPair || r.good != everyPair || r.total != everyPair || len(r.failed) > 0 {
		t.Errorf("%d of %d answer, want all %d; failed: %v", r.good, r.total, everyPair, r.failed)
	}
}

// BenchmarkRoundOfSixtyFourNodes is a round of 4,032 pings and the start and
// end of the 64 monitors, with the processor's time of the mesh's process. The
// kernel's for carrying the packets is in it as far as it is the sender's.
func BenchmarkRoundOfSixtyFourNodes(b *testing.B) {
	p, nodes, list := newTorus(b)
	var processor time.Duration
	failed := 0
	for b.Loop() {
		r := p.roundAtOnce(nodes, list)
		processor += r.processor
		failed += everyPair - r.good
	}
	b.ReportMetric(processor.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(failed)/float64(b.N), "failed/op")
}

// While the nodes watch each other, the links of one plane are cut, step by
// step: exactly the pairs fail between which the graph has no path. With a
// plane's own ring cut there still is one through its neighbours for all.
func TestPairsFailAsTheGraphSays(t *testing.T) {
	p, nodes, list := newTorus(t)
	const timeout = time.Second
	directory := filepath.Join(t.TempDir(), "mesh")
	var said strings.Builder
	command := p.command("mesh", "start", list, "--dir", directory, "--pace", "0", "--timeout", timeout.String(), "--stable-monitors", "--listen", "")
	command.Stderr = &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		known, _ := p.failing(directory)
		if known == everyPair {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d pairs have answered: %s", known, everyPair, &said)
		}
	}
	plan, err := topology.Shape{Kind: "torus", Rings: rings, Nodes: perRing}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	state := topology.NewState(plan)
	const plane = "sat3-"
	for _, step := range []struct {
		name   string
		action topology.Action
		// inside are the links within the plane, outside those to the others.
		inside, outside bool
		failing         int
	}{
		{"all is sound", topology.LinkUp, false, false, 0},
		{"the plane's ring is cut", topology.LinkDown, true, false, 0},
		{"and the plane from all others", topology.LinkDown, false, true, 2*perRing*(rings-1)*perRing + perRing*(perRing-1)},
		{"its ring is joined", topology.LinkUp, true, false, 2 * perRing * (rings - 1) * perRing},
		{"all is joined", topology.LinkUp, false, true, 0},
	} {
		for i, l := range plan.Links {
			in := strings.HasPrefix(l.A, plane) && strings.HasPrefix(l.B, plane)
			out := strings.HasPrefix(l.A, plane) != strings.HasPrefix(l.B, plane)
			if (!in || !step.inside) && (!out || !step.outside) {
				continue
			}
			p.must("lab", "fault", string(step.action), l.A, l.B)
			if err := state.Apply(topology.Fault{Action: step.action, A: l.A, B: l.B}); err != nil {
				t.Fatal(err)
			}
			if state.Up(i) != (step.action == topology.LinkUp) {
				t.Fatalf("the link %s -- %s did not change", l.A, l.B)
			}
		}
		truth := apart(plan, state)
		if len(truth) != step.failing {
			t.Fatalf("%s: %d pairs are apart by the graph, want %d", step.name, len(truth), step.failing)
		}
		// What is on its way now belongs to no side.
		seen, outcomes := p.roundSince(directory, nodes, time.Now().Add(timeout*3/2))
		if !slices.Equal(seen, truth) {
			t.Errorf("%s: %d pairs fail, %d by the graph: %q and %q", step.name, len(seen), len(truth), seen, truth)
		}
		known, failing := p.failing(directory)
		if known != everyPair || !slices.Equal(failing, truth) {
			t.Errorf("%s: by the mesh's status %d of %d pairs fail, by the graph %d", step.name, len(failing), known, len(truth))
		}
		t.Logf("%s: %d of %d pairs fail, %d by the graph; outcomes %v",
			step.name, len(seen), everyPair, len(truth), outcomes)
	}
	p.must("mesh", "stop", "--dir", directory)
	ended = true
	if err := command.Wait(); err != nil || said.Len() > 0 {
		t.Errorf("the mesh ends with %v: %s", err, said.String())
	}
}

// apart returns the pairs without a path, sorted, found by spreading from each
// node over the links that are up.
func apart(plan *topology.Plan, state *topology.State) (pairs []string) {
	for _, from := range plan.Nodes {
		reached := map[string]bool{from.Name: true}
		for grown := true; grown; {
			grown = false
			for i, l := range plan.Links {
				if state.Up(i) && reached[l.A] != reached[l.B] {
					reached[l.A], reached[l.B], grown = true, true, true
				}
			}
		}
		for _, to := range plan.Nodes {
			if !reached[to.Name] {
				pairs = append(pairs, from.Name+" "+to.Name)
			}
		}
	}
	slices.Sort(pairs)
	return pairs
}

// roundSince waits until every pair has been pinged since a moment, and returns
// those that failed, sorted, with the outcomes of their pings. All pings of a
// pair since then must agree.
func (p *program) roundSince(directory string, nodes []node, since time.Time) (failed []string, outcomes map[string]int) {
	p.t.Helper()
	names := map[string]string{}
	for _, n := range nodes {
		names[n.address] = n.name
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Second) {
		answered := map[string]bool{}
		outcomes = map[string]int{}
		for _, n := range nodes {
			for _, s := range samples(p.t, filepath.Join(directory, n.name+".sqlite"), since) {
				pair, ok := n.name+" "+names[s.address], s.outcome == "ok"
				if before, known := answered[pair]; known && before != ok {
					p.t.Fatalf("%s changes without a cause: %s", pair, s.outcome)
				}
				answered[pair] = ok
				if !ok {
					outcomes[s.outcome]++
				}
			}
		}
		if len(answered) < everyPair {
			continue
		}
		for pair, ok := range answered {
			if !ok {
				failed = append(failed, pair)
			}
		}
		slices.Sort(failed)
		return failed, outcomes
	}
	p.t.Fatal("not all pairs are pinged")
	return nil, nil
}

// failing returns how many pairs have ever answered, and those of them that do
// not now, sorted.
func (p *program) failing(directory string) (known int, pairs []string) {
	p.t.Helper()
	command := p.command("mesh", "status", "--dir", directory, "--json")
	text, err := command.Output()
	if err != nil {
		// The mesh has not begun.
		return 0, nil
	}
	var status struct {
		Nodes []struct {
			Name    string
			Targets []struct {
				Name      string
				Responded int
			}
		}
	}
	if err := json.Unmarshal(text, &status); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	for _, n := range status.Nodes {
		known += len(n.Targets)
		for _, target := range n.Targets {
			if target.Responded == 0 {
				pairs = append(pairs, n.Name+" "+target.Name)
			}
		}
	}
	slices.Sort(pairs)
	return known, pairs
}

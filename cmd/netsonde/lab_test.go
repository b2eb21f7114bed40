package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"netsonde/internal/emulation"
	"netsonde/internal/topology"
)

func TestAsRootQuotes(t *testing.T) {
	t.Setenv("PATH", "")
	got := asRoot([]string{"./netsonde", "lab", "up", "it's.yaml"})
	if want := `su -c './netsonde lab up '\''it'\''\'\'''\''s.yaml'\'''`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// demoOf makes a screen that writes to a file, and what was written.
func demoOf(t *testing.T) (*demoScreen, func() string) {
	t.Helper()
	plan, err := topology.Shape{Kind: "chain", Nodes: 2}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return newDemoScreen(file, plan), func() string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestDemoLines(t *testing.T) {
	screen, written := demoOf(t)
	view := demoView{
		elapsed: time.Second, seen: []demoSeen{{1, 1}, {0, 0}}, truth: []demoTruth{{answers: 1}, {answers: 1}},
		notes: []emulation.Note{{At: 900 * time.Millisecond, Text: "link-down node1 node2"}},
	}
	for range 2 {
		if err := screen.show(view); err != nil {
			t.Fatal(err)
		}
	}
	// That the monitors agree with the graph is told at once, and only once.
	view.seen[1].good = 1
	for range 2 {
		view.elapsed += time.Second
		if err := screen.show(view); err != nil {
			t.Fatal(err)
		}
	}
	view.elapsed += plainEvery
	view.seen[1].good = 0
	if err := screen.show(view); err != nil {
		t.Fatal(err)
	}
	want := "     0.9s  link-down node1 node2\n     1.0s  1 of 2 pairs answer, by the graph 2\n     2.0s  2 of 2 pairs answer, by the graph 2\n" +
		"     8.0s  1 of 2 pairs answer, by the graph 2\n"
	if written() != want {
		t.Errorf("%q, want %q", written(), want)
	}
}

func TestDemoTable(t *testing.T) {
	screen, _ := demoOf(t)
	got := screen.table(demoView{
		elapsed: time.Second, seen: []demoSeen{{1, 1}, {0, 1}}, truth: []demoTruth{{answers: 0}, {stopped: true}},
		notes: []emulation.Note{{At: time.Second, Text: "node-stop node2"}},
	})
	want := `netsonde lab demo  1s  1 of 2 pairs answer, by the graph 0

NODE         ADDRESS          ANSWER   GRAPH    EVER
node1        10.0.0.1              1       0       1  not yet
node2        10.0.0.2              0       0       1  stopped

     1.0s  node-stop node2
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestLabStatusText(t *testing.T) {
	got := labStatusText(&emulation.Status{
		Name: "x", Elapsed: 61 * time.Second,
		Nodes: []emulation.NodeStatus{{Name: "a", Address: "10.0.0.1"}, {Name: "b", Address: "10.0.0.2", Stopped: true}},
		Links: []emulation.LinkStatus{{A: "a", B: "b", State: "down", Forth: topology.Effects{Loss: 1}}},
	})
	for _, want := range []string{
		"lab x, up for 1m1s: 2 nodes, 1 of them stopped; 0 of 1 links up; 0 pairs", "b       10.0.0.2  stopped", "a -- b  down      forth [loss 100%] back []",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"netsonde/internal/console"
	"netsonde/internal/topology"
)

// A call that no lab could answer is a wrong call, whether there is a lab or not.
func TestWrongLabCalls(t *testing.T) {
	t.Setenv("NETSONDE_LAB_DIRECTORY", t.TempDir())
	for _, call := range []string{
		"graph --format svg", "graph ring --format svg", "down --name=", "down --name a/b", "status --name=", "nodes --name=",
		"run --name= node1 true", "fault --name= heal a b", "up --name= ring", "graph ring --rings 3", "graph star --period 1s",
	} {
		if code := labCall(t, call); code != exitUsage {
			t.Errorf("lab %s ends with %d", call, code)
		}
	}
	for call, want := range map[string]int{"graph ring --format dot": exitWell, "down --name x": exitWell, "graph --name x": exitFailure} {
		if code := labCall(t, call); code != want {
			t.Errorf("lab %s ends with %d, want %d", call, code, want)
		}
	}
}

func TestTooLong(t *testing.T) {
	for nodes, want := range map[int]string{
		256: "", 257: "from node1 to node257 there are 256 links", 512: "from node1 to node512 there are 511 links",
	} {
		plan, err := topology.Shape{Kind: "chain", Nodes: nodes}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		if got := tooLong(plan); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("of %d nodes: %q, want %q", nodes, got, want)
		}
	}
}

// labCall runs a call of "netsonde lab" and returns the exit code its error stands for.
func labCall(t *testing.T, call string) int {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p := &program{stdin: null, stdout: null, diagnostics: console.NewDiagnostics(null, false, time.Now)}
	return p.run(t.Context(), "netsonde", append([]string{"lab"}, strings.Fields(call)...))
}

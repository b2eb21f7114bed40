package main

import (
	"strings"
	"testing"

	"netsonde/internal/topology"
)

// A call that no lab could answer is a wrong call, whether there is a lab or not.
func TestWrongLabCalls(t *testing.T) {
	t.Setenv("NETSONDE_LAB_DIRECTORY", t.TempDir())
	for _, call := range []string{
		"graph --format svg", "graph ring --format svg", "down --name=", "down --name a/b", "status --name=", "nodes --name=",
		"run --name= node1 true", "fault --name= heal a b", "up --name= ring", "graph ring --rings 3", "graph star --period 1s",
	} {
		if code := programCall(t, "", append([]string{"lab"}, strings.Fields(call)...)...).code; code != exitUsage {
			t.Errorf("lab %s ends with %d", call, code)
		}
	}
	for call, want := range map[string]int{"graph ring --format dot": exitWell, "down --name x": exitWell, "graph --name x": exitFailure} {
		if code := programCall(t, "", append([]string{"lab"}, strings.Fields(call)...)...).code; code != want {
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

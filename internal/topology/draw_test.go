package topology_test

import (
	"testing"
	"time"

	"netsonde/internal/topology"
)

func TestDraw(t *testing.T) {
	p := plan(t, topology.Shape{Kind: "chain", Nodes: 3, Link: topology.Effects{Delay: 5 * time.Millisecond, Jitter: time.Millisecond}})
	p.Nodes[2].Station = true
	state := topology.NewState(p)
	for _, f := range []topology.Fault{
		{Action: topology.OneWay, A: "node1", B: "node2"}, {Action: topology.NodeStop, A: "node3"},
	} {
		if err := state.Apply(f); err != nil {
			t.Fatal(err)
		}
	}
	for kind, want := range map[string]string{
		"dot": `graph lab {
  "node1" [label="node1\n10.0.0.1"];
  "node2" [label="node2\n10.0.0.2"];
  "node3" [label="node3\n10.0.0.3", shape=box, style=dashed];
  "node1" -- "node2" [label="forth 5ms jitter 1ms loss 100%, back 5ms jitter 1ms"];
  "node2" -- "node3" [label="5ms jitter 1ms", style=dashed];
}
`,
		"mermaid": `graph LR
  n0("node1 10.0.0.1")
  n1("node2 10.0.0.2")
  n2["node3 10.0.0.3 stopped"]
  n0 ---|"forth 5ms jitter 1ms loss 100%, back 5ms jitter 1ms"| n1
  n1 -.-|"5ms jitter 1ms"| n2
`,
		"ascii": `node1        10.0.0.1
  -- node2 (forth 5ms jitter 1ms loss 100%, back 5ms jitter 1ms)
node2        10.0.0.2
  -- node1 (forth 5ms jitter 1ms loss 100%, back 5ms jitter 1ms)
  -x- node3 (5ms jitter 1ms)
node3        10.0.0.3        stopped
  -x- node2 (5ms jitter 1ms)
`,
	} {
		got, err := state.Draw(kind)
		if err != nil || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", kind, err, got, want)
		}
	}
	if _, err := state.Draw("oil"); err == nil {
		t.Error("an unknown drawing is no error")
	}
}

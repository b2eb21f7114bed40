package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/internal/config"
	"netsonde/internal/topology"
)

func TestLabExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/lab/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if _, err := config.LoadLab(file); err != nil {
			t.Error(err)
		}
	}
}

func TestLabFile(t *testing.T) {
	p, err := config.ParseLab("x.yaml", []byte(`
seed: 7
shape: {kind: ring, nodes: 3, delay: 1ms}
nodes: [{name: far, address: 192.0.2.1, station: true}, {name: near}]
links: [{between: [node1, far], delay: 10ms, jitter: 2ms, loss: 1%}]
routes: [{node: node1, to: node2, via: node3}]
services: [{node: far, kind: http, port: 80}]
timeline: [{at: 5s, fault: loss node1 far 0.5}]
repeat: 1m
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Nodes) != 5 || p.Nodes[3].Address.String() != "192.0.2.1" || !p.Nodes[3].Station ||
		p.Nodes[4].Address != topology.AddressOf(4) || p.Seed != 7 || p.Repeat != time.Minute {
		t.Errorf("%+v", p)
	}
	if want := (topology.Effects{Delay: 10 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.01}); len(p.Links) != 4 || p.Links[3].Effects != want {
		t.Errorf("the links are %+v", p.Links)
	}
	if len(p.Timeline) != 1 || p.Timeline[0].Fault.String() != "loss node1 far 50%" || p.Timeline[0].At != 5*time.Second {
		t.Errorf("the timeline is %+v", p.Timeline)
	}
	if len(p.Detours) != 1 || len(p.Services) != 1 || p.Services[0].Port != 80 {
		t.Errorf("%+v %+v", p.Detours, p.Services)
	}
}

// Each error begins with its place and ends with an excerpt.
func TestLabErrors(t *testing.T) {
	const nodes = "nodes:\n  - name: a\n  - name: b\n"
	for name, c := range map[string]struct{ text, want string }{
		"syntax":          {"nodes: [", "x.yaml:1:8: "},
		"unknown field":   {nodes + "colour: red\n", "x.yaml:4:1: unknown field \"colour\"\n  colour: red\n  ^"},
		"unknown inside":  {"nodes:\n  - name: a\n    size: 3\n", "x.yaml:3:5: unknown field \"size\""},
		"duplicate key":   {"seed: 1\nseed: 2\n", "x.yaml:2:1: "},
		"type":            {"seed: many\n", "x.yaml:1:7: "},
		"negative seed":   {"seed: -1\n", "x.yaml:1:7: "},
		"duration":        {nodes + "links:\n  - between: [a, b]\n    delay: fast\n", "x.yaml:6:12: "},
		"address":         {"nodes:\n  - name: a\n    address: here\n", "x.yaml:3:14: \"here\" is no address"},
		"delay":           {nodes + "links:\n  - between: [a, b]\n    delay: 2h\n", "x.yaml:6:12: a delay of 2h0m0s: give 0 to 1m0s\n      delay: 2h\n             ^"},
		"loss":            {nodes + "links:\n  - between: [a, b]\n    loss: 200%\n", "x.yaml:6:11: \"200%\" is no share"},
		"no such node":    {nodes + "links:\n  - between: [a, c]\n", "there is no node \"c\""},
		"one end":         {nodes + "links:\n  - between: [a]\n", "x.yaml:5:5: a link is between two nodes"},
		"two nodes a":     {nodes + "  - name: a\n", "x.yaml:4:11: there are two nodes \"a\""},
		"bad name":        {"nodes:\n  - name: a/b\n", "x.yaml:2:11: \"a/b\" is no name"},
		"no nodes":        {"seed: 1\n", "a lab needs at least one node"},
		"empty":           {"", "a lab needs at least one node"},
		"fault":           {nodes + "timeline:\n  - at: 1s\n    fault: explode a\n", "x.yaml:6:12: \"explode\" is no fault"},
		"fault's node":    {nodes + "timeline:\n  - at: 1s\n    fault: node-stop c\n", "x.yaml:6:12: there is no node \"c\""},
		"shape":           {"shape:\n  kind: cube\n  nodes: 3\n", "x.yaml:2:3: \"cube\" is no shape"},
		"after a shape":   {"shape: {kind: ring, nodes: 3}\nlinks:\n  - between: [node1, x]\n", "x.yaml:3:"},
		"service":         {nodes + "services:\n  - node: a\n    kind: ftp\n    port: 21\n", "x.yaml:6:11: \"ftp\" is no service"},
		"never reached":   {nodes + "timeline:\n  - at: 10s\n    fault: node-stop a\nrepeat: 5s\n", "x.yaml:5:9: 10s is never reached"},
		"terminal escape": {"nodes:\n  - name: \"\\e[2J\"\n", `"\x1b[2J" is no name`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.ParseLab("x.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllLabErrorsAtOnce(t *testing.T) {
	_, err := config.ParseLab("x.yaml", []byte("nodes:\n  - name: a\n  - name: a\nlinks:\n  - between: [a, b]\n  - between: [a, a]\n"))
	if err == nil || strings.Count(err.Error(), "x.yaml:") != 3 {
		t.Errorf("%v", err)
	}
}

func TestLabFileThatCannotBeRead(t *testing.T) {
	directory := t.TempDir()
	if _, err := config.LoadLab(filepath.Join(directory, "none.yaml")); !os.IsNotExist(unwrapped(err)) {
		t.Errorf("%v", err)
	}
	if _, err := config.LoadLab(directory); err == nil {
		t.Error("a directory is read")
	}
	long := filepath.Join(directory, "long.yaml")
	if err := os.WriteFile(long, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadLab(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
}

// unwrapped is the innermost error.
func unwrapped(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = inner.Unwrap()
	}
}

func FuzzLab(f *testing.F) {
	for _, seed := range []string{
		"shape: {kind: torus, rings: 2, nodes: 2, stations: 1, period: 1m}\n",
		"nodes: [{name: a}, {name: b}]\nlinks: [{between: [a, b], loss: 1%}]\ntimeline: [{at: 1s, fault: node-stop a}]\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := config.ParseLab("x.yaml", []byte(text))
		if (plan == nil) == (err == nil) {
			t.Errorf("%v and %v", plan, err)
		}
		if err == nil && plan.Check() != nil {
			t.Errorf("a plan that cannot be: %v", plan.Check())
		}
	})
}

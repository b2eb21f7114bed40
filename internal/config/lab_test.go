package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
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

// All mistakes are told in the order of the file, and no other.
func TestAllLabErrorsAtOnce(t *testing.T) {
	const nodes = "nodes: [{name: a}, {name: b}]\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"of the plan": {"nodes:\n  - name: a\n  - name: a\nlinks:\n  - between: [a, b]\n  - between: [a, a]\n", []string{
			`3:11: there are two nodes "a"`, `5:14: there is no node "b"`, `6:14: a link from "a" to itself`,
		}},
		"of values and the plan": {nodes + "links:\n  - {between: [a, zz], delay: 5}\n  - {between: [b, yy]}\n", []string{
			`3:15: there is no node "zz"`, `3:31: "5" is no time`, `4:15: there is no node "yy"`,
		}},
		"unknown fields": {"colour: red\n" + nodes + "links:\n  - {between: [a, b], size: 3}\nsize: 4\n", []string{
			`1:1: unknown field "colour"`, `4:23: unknown field "size"`, `5:1: unknown field "size"`,
		}},
		"of an event and the repeat": {nodes + "timeline:\n  - at: 1s\nrepeat: -5s\n", []string{
			"3:5: no fault", "4:9: a time of -5s: give 0 or more",
		}},
		"of a service": {nodes + "services: [{node: c, kind: ftp, port: 70000}, {node: a, kind: http}]\n", []string{
			`2:19: there is no node "c"`, `2:28: "ftp" is no service`, `2:39: "70000" is out of range: give a whole number from 1 to 65535`,
			"2:47: give a port",
		}},
		"of a link": {nodes + "links: [{between: [a], loss: 2, delay: 2h, jitter: -1s}, {between: [a, [b]]}, 7]\n", []string{
			"2:9: a link is between two nodes", `2:30: "2" is no share`, "2:40: a delay of 2h0m0s", "2:52: a jitter of -1s",
			"2:72: give a single value", "2:79: give fields: between, delay",
		}},
		"of a shape": {"shape: {kind: ring, nodes: 0, rings: 3, period: 1s, delay: 2h}\nlinks: [{between: [node1, x]}]\nrepeat: 1ns\n", []string{
			`1:28: "0" is out of range`, "1:38: a ring has no rings", "1:49: a ring has no period", "1:60: a delay of 2h0m0s",
		}},
		"an unknown shape":  {"shape: {kind: blob}\n", []string{`1:8: "blob" is no shape`}},
		"a short repeat":    {nodes + "repeat: 1ns\n", []string{"2:9: a repeat of 1ns: give 0 for never, or at least 100ms"}},
		"repeated fields":   {"seed: 1\nseed: 2\nnodes: [{name: a, name: b}]\n", []string{`2:1: the field "seed" is there twice`, `3:19: the field "name" is there twice`}},
		"no list":           {"nodes: a\nlinks: {between: b}\nrepeat: [1s]\n", []string{"1:8: give a list", "2:8: give a list", "3:9: give a single value"}},
		"no mapping":        {"- a\n", []string{"1:1: give fields: seed, shape"}},
		"a second document": {nodes + "---\nseed: 1\n", []string{"3:1: a second document"}},
		"types":             {"nodes: [{name: a, station: 7}]\nseed: many\n", []string{"1:28: give true or false", `2:7: "many" is out of range`}},
		"no such anchor":    {"nodes: *x\n", []string{"1:8: there is no anchor"}},
		"its own anchor":    {"nodes: &x *x\n", []string{"1:11: unexpected scalar value"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.ParseLab("x.yaml", []byte(c.text))
			var told []string
			var all config.Errors
			errors.As(err, &all)
			for _, d := range all {
				first, _, _ := strings.Cut(d.Text, "\n")
				told = append(told, first)
			}
			for i, want := range c.want {
				if len(told) != len(c.want) || !strings.HasPrefix(told[i], "x.yaml:"+want) {
					t.Fatalf("%s\nwant %s", strings.Join(told, "\n"), strings.Join(c.want, "\n"))
				}
			}
		})
	}
}

func TestManyLabErrors(t *testing.T) {
	_, err := config.ParseLab("x.yaml", []byte("nodes: ["+strings.Repeat("7,", 5000)+"7]\n"))
	var all config.Errors
	if !errors.As(err, &all) || len(all) != 101 || !strings.Contains(all[100].Text, "there may be more") {
		t.Errorf("%d errors", len(all))
	}
}

// Anchors, merged mappings, tags, a byte order mark and the marks of a
// document are YAML as well.
func TestLabYAML(t *testing.T) {
	p, err := config.ParseLab("x.yaml", []byte("\ufeff%YAML 1.2\n---\nnodes: [&n {name: a}, {name: !!str 5}, {name: c, address: }]\r\n"+
		"links:\n- &slow {between: [a, 5], delay: 5ms}\n- {<<: *slow, between: [a, c]}\nshape:\n...\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Nodes) != 3 || p.Nodes[1].Name != "5" || len(p.Links) != 2 || p.Links[1].Delay != 5*time.Millisecond || p.Links[1].B != "c" {
		t.Errorf("%+v", p)
	}
}

// What would take the parser's memory or time with the square of its length is
// not parsed.
func TestHostileLabFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"brackets":        {strings.Repeat("[", 100_000), "x.yaml:1:65: nested deeper than 64 levels"},
		"braces":          {strings.Repeat("{a: ", 1<<15), "x.yaml:1:257: nested deeper"},
		"lists":           {strings.Repeat("- ", 1<<16), "x.yaml:1:129: nested deeper"},
		"keys":            {strings.Repeat("? ", 1<<16), "x.yaml:1:129: nested deeper"},
		"tags":            {strings.Repeat("!a ", 1<<16), "nested deeper"},
		"anchors":         {strings.Repeat("&a ", 1<<15), "nested deeper"},
		"brackets below":  {strings.Repeat("- [\n", 1<<15), "nested deeper"},
		"indentation":     {indented(200), "x.yaml:65:65: nested deeper"},
		"fields":          {strings.Repeat("a: 1\n", 1<<15), "x.yaml:65:2: a mapping of more than 64 fields"},
		"returns":         {strings.Repeat("- \r", 1<<17), "x.yaml:15259:1: too many values are left out"},
		"too many nodes":  {"seed: 1\nnodes: [" + strings.Repeat("{name: a},", 513) + "]\n", "x.yaml:2:8: too many nodes: give at most 512"},
		"merged with it":  {"a: &a {<<: *a}\n", "unknown field"},
		"merge of itself": {"nodes: [&a {<<: *a}]\n", "too many mappings are merged"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := config.ParseLab("x.yaml", []byte(c.text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.300v\nwant %s", err, c.want)
			}
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
				t.Errorf("it took %d MiB", took)
			}
		})
	}
}

// indented is a mapping of so many levels, one a line.
func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
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

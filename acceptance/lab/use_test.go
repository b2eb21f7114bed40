package lab_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Faults change what pings say, and their ends change it back.
func TestFaults(t *testing.T) {
	p := newProgram(t)
	p.must("lab", "up", "chain", "--nodes", "4")
	for _, c := range []struct {
		fault, undo string
		// broken are pairs that no longer answer, whole ones that still do.
		broken, whole [][2]string
	}{
		{"link-down node2 node3", "link-up node2 node3", [][2]string{{"node1", "node4"}, {"node2", "node3"}}, [][2]string{{"node1", "node2"}, {"node3", "node4"}}},
		{"node-stop node3", "node-start node3", [][2]string{{"node1", "node4"}, {"node1", "node3"}}, [][2]string{{"node1", "node2"}}},
		{"black-hole node1 node2", "heal node1 node2", [][2]string{{"node1", "node2"}, {"node1", "node4"}}, [][2]string{{"node2", "node4"}}},
		{"one-way node2 node3", "heal node3 node2", [][2]string{{"node2", "node3"}, {"node3", "node2"}}, [][2]string{{"node1", "node2"}}},
		{"loss node3 node4 100%", "heal node3 node4", [][2]string{{"node1", "node4"}}, [][2]string{{"node1", "node3"}}},
	} {
		p.must(append([]string{"lab", "fault"}, strings.Fields(c.fault)...)...)
		for _, pair := range c.broken {
			if p.answers("lab", pair[0], pair[1]) {
				t.Errorf("%s: %v still answer", c.fault, pair)
			}
		}
		for _, pair := range c.whole {
			if !p.answers("lab", pair[0], pair[1]) {
				t.Errorf("%s: %v no longer answer", c.fault, pair)
			}
		}
		p.must(append([]string{"lab", "fault"}, strings.Fields(c.undo)...)...)
		for _, pair := range c.broken {
			if !p.answers("lab", pair[0], pair[1]) {
				t.Errorf("%s: %v do not answer", c.undo, pair)
			}
		}
	}
	// A black hole outlasts a cut.
	for _, fault := range []string{"black-hole node1 node2", "link-down node1 node2", "link-up node1 node2"} {
		p.must(append([]string{"lab", "fault"}, strings.Fields(fault)...)...)
	}
	if p.answers("lab", "node1", "node2") {
		t.Error("the black hole is gone with the cut")
	}
	if output, code := p.call("lab", "fault", "link-down", "node1", "node3"); code != 1 || !strings.Contains(output, "no link") {
		t.Errorf("a fault that cannot be ends with %d: %s", code, output)
	}
}

// One direction alone is gone: requests arrive when it is the answers', and not
// when it is their own.
func TestOneWayIsOneWay(t *testing.T) {
	for fault, arrive := range map[string]bool{"node2 node1": true, "node1 node2": false} {
		p := newProgram(t)
		p.must("lab", "up", "chain", "--nodes", "2")
		p.must(append([]string{"lab", "fault", "one-way"}, strings.Fields(fault)...)...)
		if p.answers("lab", "node1", "node2") {
			t.Errorf("%s: answers come back", fault)
		}
		snmp := p.must("lab", "run", "node2", "--", "grep", "^Icmp:", "/proc/net/snmp")
		if echoes(snmp) == "" || (echoes(snmp) != "0") != arrive {
			t.Errorf("%s: requests that came: %s", fault, snmp)
		}
		p.must("lab", "down")
	}
}

// echoes returns the kernel's count of requests received.
func echoes(snmp string) string {
	names, values, _ := strings.Cut(snmp, "\n")
	for i, name := range strings.Fields(names) {
		if name == "InEchos" {
			return strings.Fields(values)[i]
		}
	}
	return ""
}

// Delays are what was asked for, and paths lead around cuts and by detours.
func TestDelayAndPaths(t *testing.T) {
	p := newProgram(t)
	p.must("lab", "up", "ring", "--nodes", "3")
	p.must("lab", "fault", "delay", "node1", "node2", "30ms")
	output := p.must("lab", "run", "node1", "--", "ping", "-n", "-c2", "-i0.2", "node2")
	if !strings.Contains(output, "time=60") {
		t.Errorf("with 30 ms each way: %s", output)
	}
	p.must("lab", "fault", "heal", "node1", "node2")
	ttl := func() string {
		output := p.must("lab", "run", "node1", "--", "ping", "-n", "-c1", "-W1", "node2")
		_, after, _ := strings.Cut(output, "ttl=")
		word, _, _ := strings.Cut(after, " ")
		return word
	}
	for _, step := range []struct{ fault, ttl string }{
		{"heal node1 node2", "64"},
		{"link-down node1 node2", "63"},
		{"link-up node1 node2", "64"},
		// There by one link, back by two.
		{"reroute node2 node1 node3", "63"},
		{"reroute node2 node1", "64"},
	} {
		p.must(append([]string{"lab", "fault"}, strings.Fields(step.fault)...)...)
		if got := ttl(); got != step.ttl {
			t.Errorf("after %s the TTL is %s, want %s", step.fault, got, step.ttl)
		}
	}
}

// A command inside a node has the caller's streams, directory and signals, and
// gives back its exit code.
func TestRun(t *testing.T) {
	p := newProgram(t)
	p.must("lab", "up", "chain", "--nodes", "2")
	if _, code := p.call("lab", "run", "node1", "--", "sh", "-c", "exit 7"); code != 7 {
		t.Errorf("the exit code is %d", code)
	}
	if output, code := p.call("lab", "run", "node1", "no-such-program"); code != 1 || !strings.Contains(output, "no-such-program") {
		t.Errorf("%d: %s", code, output)
	}
	if output, code := p.call("lab", "run", "node9", "true"); code != 1 || !strings.Contains(output, `no node "node9"`) {
		t.Errorf("%d: %s", code, output)
	}
	echo := p.command("lab", "run", "node1", "--", "sh", "-c", "cat; pwd; echo $NETSONDE_LAB_NODE")
	echo.Stdin = strings.NewReader("in\n")
	echo.Dir = t.TempDir()
	output, err := echo.Output()
	if err != nil || string(output) != "in\n"+echo.Dir+"\nnode1\n" {
		t.Errorf("%v: %q", err, output)
	}
	waiting := p.command("lab", "run", "node1", "--", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done # here")
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	p.await("the command waits", func() bool { return len(p.processes("sh\x00-c\x00trap")) > 1 })
	if err := waiting.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := waiting.Wait(); err == nil || waiting.ProcessState.ExitCode() != 3 {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// A file's services answer, and its timeline happens by itself, again and again.
func TestFile(t *testing.T) {
	p := newProgram(t)
	file := filepath.Join(t.TempDir(), "lab.yaml")
	text := `
nodes: [{name: a}, {name: b}]
links: [{between: [a, b], delay: 5ms}]
services: [{node: b, kind: http, port: 80}]
timeline:
  - {at: 300ms, fault: link-down a b}
  - {at: 600ms, fault: link-up a b}
repeat: 1s
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.must("lab", "up", file)
	p.await("the timeline happens twice", func() bool {
		var status struct {
			Type  string
			Notes []struct{ Text string }
		}
		if err := json.Unmarshal([]byte(p.must("lab", "status", "--json")), &status); err != nil {
			t.Fatal(err)
		}
		downs := 0
		for _, note := range status.Notes {
			if note.Text == "link-down a b" {
				downs++
			}
		}
		return downs >= 2 && status.Type == "lab"
	})
	p.await("the service answers", func() bool {
		output, code := p.call("lab", "run", "a", "--", p.binary, "connvitals", "--port-scan", "b")
		return code == 0 && strings.Contains(output, "nginx")
	})
	drawing := p.must("lab", "graph", "--format", "dot")
	if !strings.Contains(drawing, `"a" -- "b" [label="5ms"`) {
		t.Errorf("the drawing is %s", drawing)
	}
}

// Satellites' links come and go by themselves, and stations go on to be reached.
func TestContacts(t *testing.T) {
	p := newProgram(t)
	p.must("lab", "up", "torus", "--rings", "4", "--nodes", "4", "--stations", "2", "--period", "8s")
	began := time.Now()
	p.await("a station loses a satellite and sees another", func() bool {
		status := p.must("lab", "status")
		return strings.Contains(status, " loses ") && strings.Contains(status, " sees ")
	})
	t.Logf("the first change came after %v", time.Since(began).Round(time.Millisecond))
}

package native_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// traceLine is what is looked at of a line.
type traceLine struct {
	Type, Outcome, End string
	Reached, Changed   bool
	Was                []*string
	Hops               []struct{ Addr *string }
}

// words are the addresses of a path, "*" where there is none.
func words(path []*string) string {
	var list []string
	for _, addr := range path {
		if addr == nil {
			list = append(list, "*")
			continue
		}
		list = append(list, *addr)
	}
	return strings.Join(list, " ")
}

func (l *traceLine) path() string {
	var path []*string
	for _, hop := range l.Hops {
		path = append(path, hop.Addr)
	}
	return words(path)
}

// TestLimitedHopIsNoLoss has a router that answers as few packets as a fresh
// Linux does. That it is silent most of the time is neither loss nor another
// route; a way over another router is, and is told with both. It needs root and
// namespaces.
func TestLimitedHopIsNoLoss(t *testing.T) {
	network := lab.ForTest(t)
	monitor, server := network.Node("monitor"), network.Node("server")
	server.Unlimited()
	for i := range 2 {
		router := network.Node(fmt.Sprint("router", i))
		network.Link(monitor, router).Addresses(fmt.Sprintf("10.%d.1.1/24", 70+i), fmt.Sprintf("10.%d.1.2/24", 70+i))
		network.Link(router, server).Addresses(fmt.Sprintf("10.%d.2.1/24", 70+i), fmt.Sprintf("10.%d.2.2/24", 70+i))
		router.ForwardLimited()
		router.Route("10.79.0.0/24", fmt.Sprintf("10.%d.2.2", 70+i))
		server.Route(fmt.Sprintf("10.%d.1.0/24", 70+i), fmt.Sprintf("10.%d.2.1", 70+i))
	}
	server.Local("10.79.0.0/24")
	monitor.Route("10.79.0.0/24", "10.70.1.2")

	t.Run("a sweep", func(t *testing.T) {
		command := exec.Command(built.Program(t), "trace", "--json", "--icmp", "--rate", "max", "10.79.0.100-199")
		var out, complaints bytes.Buffer
		command.Stdout, command.Stderr = &out, &complaints
		if err := monitor.Start(command); err != nil {
			t.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("it ends with %v: %s", err, &complaints)
		}
		reached, silent := 0, 0
		for _, line := range traceLines(t, out.Bytes()) {
			if line.Reached && len(line.Hops) == 2 {
				reached++
			}
			if line.Hops[0].Addr == nil {
				silent++
			}
		}
		if reached != 100 || silent < 50 {
			t.Errorf("%d of 100 were reached, the router was silent in %d", reached, silent)
		}
	})

	file := filepath.Join(built.Directory(t), "limited.yaml")
	plan := `targets:
  - host: 10.79.0.1
    name: server
    probes:
      - ping: {every: 1s, timeout: 1s}
      - trace: {every: 500ms, timeout: 500ms, protocol: icmp, hops: 3}
`
	if err := os.WriteFile(file, []byte(plan), 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(t.TempDir(), "jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	var complaints bytes.Buffer
	command := exec.Command(built.Program(t), "run", "--output", "jsonl", file)
	command.Stdout, command.Stderr = output, &complaints
	if err := monitor.Start(command); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	// read waits until the file holds a trace line of which enough is true.
	read := func(what string, enough func([]traceLine) bool) []traceLine {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			content, err := os.ReadFile(output.Name())
			if err != nil {
				t.Fatal(err)
			}
			lines := traceLines(t, content[:bytes.LastIndexByte(content, '\n')+1])
			if enough(lines) {
				return lines
			}
			if time.Now().After(end) {
				t.Fatalf("%s within a minute; it told %s%s", what, content, &complaints)
			}
		}
	}
	silent := func(lines []traceLine) (n int) {
		for _, line := range lines {
			if line.Type == "trace" && strings.HasPrefix(line.path(), "* ") {
				n++
			}
		}
		return n
	}
	limited := read("the router was never silent five times", func(lines []traceLine) bool { return silent(lines) >= 5 })
	checkLimited(t, limited, 1)

	// The way over the other router is another, however little that says.
	monitor.Route("10.79.0.0/24", "10.71.1.2")
	changes := func(lines []traceLine) (changed []traceLine) {
		for _, line := range lines {
			if line.anotherWay() {
				changed = append(changed, line)
			}
		}
		return changed
	}
	read("the other way was not told", func(lines []traceLine) bool { return len(changes(lines)) >= 2 })
	before := silent(read("", func([]traceLine) bool { return true }))
	rerouted := read("the other router was never silent five times", func(lines []traceLine) bool { return silent(lines) >= before+5 })
	checkLimited(t, rerouted, 2)
	if told := changes(rerouted); len(told) == 2 {
		if told[0].Was != nil || told[1].path() != "10.71.1.2 10.79.0.1" || words(told[1].Was) != "10.70.1.2 10.79.0.1" {
			t.Errorf("the change is told as %q, was %q", told[1].path(), words(told[1].Was))
		}
	}
	signal(t, command, syscall.SIGTERM)
	if err := command.Wait(); err != nil || complaints.Len() > 0 {
		t.Errorf("it ends with %v and says %s", err, &complaints)
	}
}

// anotherWay reports whether a trace is told as news for more than a hop that
// answers for the first time: the sweep before may have left the router without
// an error to send for the first trace.
func (l *traceLine) anotherWay() bool {
	if !l.Changed || len(l.Was) != len(l.Hops) {
		return l.Changed
	}
	for i, was := range l.Was {
		if was != nil && (l.Hops[i].Addr == nil || *l.Hops[i].Addr != *was) {
			return true
		}
	}
	return false
}

// checkLimited looks for loss, and for more routes than there were.
func checkLimited(t *testing.T, lines []traceLine, routes int) {
	t.Helper()
	pings, traces, changed := 0, 0, 0
	for _, line := range lines {
		switch line.Type {
		case "ping":
			pings++
			if line.Outcome != "ok" {
				t.Errorf("an echo is %s", line.Outcome)
			}
		case "trace":
			traces++
			if !line.Reached || line.End != "reached" || len(line.Hops) != 2 {
				t.Errorf("a trace ended as %s: %s", line.End, line.path())
			}
			if line.anotherWay() {
				changed++
			}
		default:
			t.Errorf("a line is of type %s", line.Type)
		}
	}
	if pings == 0 || traces == 0 || changed != routes {
		t.Errorf("%d echoes, %d traces, of which %d were called new, want %d", pings, traces, changed, routes)
	}
}

func traceLines(t *testing.T, content []byte) (lines []traceLine) {
	t.Helper()
	for text := range bytes.Lines(content) {
		var line traceLine
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

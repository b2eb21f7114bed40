// Package nodes_test has nodes of built labs watch each other by the built
// program: who pings whom at which moment, whether what fails is what the graph
// says, and callers that know nothing of us.
//
// It needs root; what cannot run is skipped with the reason, or fails if
// NETSONDE_LAB=require.
package nodes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// patience bounds what takes seconds at most.
const patience = 40 * time.Second

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// program is the built program with a lab of its own, called "lab".
type program struct {
	t           testing.TB
	binary      string
	environment []string
}

// newLab brings a lab up for the life of a test.
func newLab(t testing.TB, arguments ...string) *program {
	t.Helper()
	network, err := lab.New()
	if err != nil {
		lab.Skip(t, err.Error())
	}
	if err := network.Close(); err != nil {
		t.Fatal(err)
	}
	// By that name it is pmonitor, as an installation has it.
	binary := built.Program(t, "pmonitor")
	p := &program{t: t, binary: binary, environment: append(os.Environ(),
		"NETSONDE_LAB_DIRECTORY="+filepath.Join(t.TempDir(), "labs"),
		"PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))}
	t.Cleanup(func() { p.must("lab", "down", "--all") })
	t.Log(strings.TrimSpace(p.must(append([]string{"lab", "up"}, arguments...)...)))
	return p
}

// command is a call of the program.
func (p *program) command(arguments ...string) *exec.Cmd {
	command := exec.Command(p.binary, arguments...)
	command.Env = p.environment
	return command
}

// must runs the program, which must end well, and returns what it printed.
func (p *program) must(arguments ...string) string {
	p.t.Helper()
	command := p.command(arguments...)
	stop := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
	defer stop.Stop()
	text, err := command.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%q: %v: %s", arguments, err, text)
	}
	return string(text)
}

// node is a node as "lab nodes" tells of it.
type node struct{ name, address string }

// nodes returns the lab's nodes in their order, and their list for a mesh.
func (p *program) nodes() (nodes []node, list string) {
	p.t.Helper()
	list = p.must("lab", "nodes")
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			p.t.Fatalf("a node's line is %q", line)
		}
		nodes = append(nodes, node{fields[0], fields[1]})
	}
	return nodes, list
}

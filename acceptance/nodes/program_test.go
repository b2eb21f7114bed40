// Package nodes_test has nodes of built labs watch each other by the built
// program: who pings whom at which moment, whether what fails is what the graph
// says, and callers that know nothing of us.
//
// It needs root; what cannot run is skipped with the reason, or fails if
// NETSONDE_LAB=require.
package nodes_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// patience bounds what takes seconds at most.
const patience = 40 * time.Second

// shared is the binary of all tests.
var shared string //nolint:gochecknoglobals // built once, by TestMain

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "netsonde-nodes-")
	if err == nil {
		defer os.RemoveAll(directory)
		shared = filepath.Join(directory, "netsonde")
		command := exec.Command("go", "build", "-o", shared, "netsonde/cmd/netsonde")
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		command.Stderr = os.Stderr
		// By this name it is pmonitor, as an installation has it.
		err = errors.Join(command.Run(), os.Symlink("netsonde", filepath.Join(directory, "pmonitor")))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

// program is the built program with a lab of its own, called "lab".
type program struct {
	t           testing.TB
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
	p := &program{t: t, environment: append(os.Environ(),
		"NETSONDE_LAB_DIRECTORY="+filepath.Join(t.TempDir(), "labs"),
		"PATH="+filepath.Dir(shared)+":"+os.Getenv("PATH"))}
	t.Cleanup(func() { p.must("lab", "down", "--all") })
	t.Log(strings.TrimSpace(p.must(append([]string{"lab", "up"}, arguments...)...)))
	return p
}

// command is a call of the program.
func (p *program) command(arguments ...string) *exec.Cmd {
	command := exec.Command(shared, arguments...)
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

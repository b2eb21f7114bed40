package mesh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// patience bounds every wait of these tests.
const patience = 45 * time.Second

// names are the nodes: three stable ones and three dynamic ones.
var names = []string{"R1", "R2", "R3", "PAO", "SFO", "V1"}

// network is a star: every node has a link to a router of its own subnet.
type network struct {
	nodes map[string]*lab.Node
	links map[string]*lab.Link
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := lab.ForTest(t)
	hub := n.Node("hub")
	hub.Forward()
	star := &network{nodes: map[string]*lab.Node{}, links: map[string]*lab.Link{}}
	for i, name := range names {
		node := n.Node(name)
		star.nodes[name] = node
		star.links[name] = n.Link(hub, node).Addresses(fmt.Sprintf("10.60.%d.1/24", i+1), address(i)+"/24")
		node.Route("0.0.0.0/0", fmt.Sprintf("10.60.%d.1", i+1))
	}
	return star
}

// address is the i-th node's.
func address(i int) string { return fmt.Sprintf("10.60.%d.2", i+1) }

// list is the list of nodes, each with the process that is its namespace.
func (n *network) list(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for i, name := range names {
		shell := exec.Command("sleep", "infinity")
		if err := n.nodes[name].Start(shell); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = shell.Process.Kill()
			_ = shell.Wait()
		})
		kind := "dynamic"
		if i < 3 {
			kind = "stable"
		}
		fmt.Fprintf(&text, "%s %s %s pid:%d\n", name, address(i), kind, shell.Process.Pid)
	}
	return text.String()
}

// mesh is a running "netsonde mesh start".
type mesh struct {
	t                 *testing.T
	binary, directory string
	command           *exec.Cmd
	stdout, stderr    bytes.Buffer
	// ended gets how the process ended.
	ended chan error
}

// startMesh starts a mesh and waits until it has a state.
func startMesh(t *testing.T, n *network, flags ...string) *mesh {
	t.Helper()
	m := &mesh{t: t, binary: built.Program(t), directory: filepath.Join(t.TempDir(), "mesh"), ended: make(chan error, 1)}
	file := filepath.Join(t.TempDir(), "nodes.txt")
	if err := os.WriteFile(file, []byte(n.list(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.command = exec.Command(m.binary, append([]string{"mesh", "start", file, "--dir", m.directory,
		"--listen", "127.0.0.1:0", "--pace", "100ms", "--timeout", "300ms"}, flags...)...)
	m.command.Stdout, m.command.Stderr = &m.stdout, &m.stderr
	if err := m.command.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		m.ended <- m.command.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = m.command.Process.Kill()
		<-gone
	})
	m.await("a state", func(status) bool { return true })
	return m
}

// call runs another command of the mesh and returns what it printed.
func (m *mesh) call(arguments ...string) (string, error) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, m.binary, append([]string{"mesh"}, append(arguments, "--dir", m.directory)...)...)
	text, err := command.CombinedOutput()
	return string(text), err
}

// must is a call that must succeed.
func (m *mesh) must(arguments ...string) string {
	m.t.Helper()
	text, err := m.call(arguments...)
	if err != nil {
		m.t.Fatalf("mesh %s: %v\n%s", strings.Join(arguments, " "), err, text)
	}
	return text
}

// status is what "mesh status --json" prints.
type status struct {
	Running bool
	URL     string
	Nodes   []struct {
		Name, Monitor string
		Good, Total   int
		LastFive      []target `json:"last_five"`
		Targets       []target
	}
}

type target struct {
	Name      string
	Responded int
}

// await waits until the status is as it should be.
func (m *mesh) await(what string, ok func(status) bool) status {
	m.t.Helper()
	var text string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var s status
		var err error
		text, err = m.call("status", "--json")
		if err == nil {
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				m.t.Fatalf("%v: %s", err, text)
			}
			if ok(s) {
				return s
			}
		}
		select {
		case err := <-m.ended:
			m.t.Fatalf("the mesh ended before %s: %v\n%s%s", what, err, &m.stdout, &m.stderr)
		case <-time.After(100 * time.Millisecond):
		}
	}
	m.t.Fatalf("%s does not come about; the last status is %s", what, text)
	return status{}
}

// sums are the good and all pairs of a status, of stable and dynamic sources.
func (s status) sums() (sums [4]int) {
	for i, node := range s.Nodes {
		place := 0
		if i >= 3 {
			place = 2
		}
		sums[place] += node.Good
		sums[place+1] += node.Total
	}
	return sums
}

// stop ends the mesh, which must have nothing to complain of.
func (m *mesh) stop(flags ...string) {
	m.t.Helper()
	m.must(append([]string{"stop"}, flags...)...)
	select {
	case err := <-m.ended:
		if err != nil || m.stderr.Len() > 0 {
			m.t.Errorf("the mesh ended with %v: %s", err, &m.stderr)
		}
	case <-time.After(patience):
		m.t.Fatal("the process does not end")
	}
}

package nodes_test

import (
	"bytes"
	"context"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// caller is a program that was written for pmonitor.py, see TestPythonCaller.
//
//go:embed testdata/caller.py
var caller []byte

// A program of Python's that imports emulation.mnet.pmonitor, which here is
// ours, drives the nodes of a network as frr_topo does: it fills the master,
// has each node's shell start "python3 -m emulation.mnet.pmonitor monitor" at
// the pace that there is, reads counts and last five from the working files,
// which are empty at first, sets run to 0 and at once unlinks them. Nothing in
// it knows of us. The last node is cut off before it ends.
func TestPythonCaller(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		lab.Skip(t, "python3 is missing")
	}
	p := newLab(t, "ring", "--nodes", "4")
	folder := t.TempDir()
	ours, err := os.ReadFile("../../contrib/pmonitor.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"emulation/__init__.py": nil, "emulation/mnet/__init__.py": nil, "emulation/mnet/pmonitor.py": ours, "caller.py": caller,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	arguments := []string{"-B", "caller.py"}
	nodes, _ := p.nodes()
	for _, n := range nodes {
		arguments = append(arguments, n.name+"="+n.address)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	command := exec.CommandContext(ctx, python, arguments...)
	command.Dir = folder
	var stderr bytes.Buffer
	command.Env, command.Stderr = append(p.environment, "TMPDIR="+folder, "PYTHONDONTWRITEBYTECODE=1"), &stderr
	began := time.Now()
	output, err := command.Output()
	const want = `running [1, 1, 1, 1]
node1 (3, 3) [('node2', 1), ('node3', 1), ('node4', 1)]
node2 (3, 3) [('node1', 1), ('node3', 1), ('node4', 1)]
node3 (1, 1) [('node1', 1), ('node2', 1), ('node4', 1)]
node4 (1, 1) [('node1', 1), ('node2', 1), ('node3', 1)]
node4 is cut off: (2, 3) {'node2': 1, 'node3': 1, 'node4': 0}
can run [0, 0, 0, 0]
shells [0, 0, 0, 0] soon
left []
`
	if err != nil || string(output) != want {
		t.Errorf("%v: it says\n%s, want\n%s%s", err, output, want, stderr.String())
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".sqlite") {
			t.Errorf("%s is left", entry.Name())
		}
	}
	t.Logf("%v", time.Since(began).Round(time.Second))
}

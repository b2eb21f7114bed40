package acceptance_test

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

// connmonitor is a running "netsonde connmonitor FILE".
type connmonitor struct {
	t              *testing.T
	command        *exec.Cmd
	stdout, stderr bytes.Buffer
}

// startConnmonitor starts the program in a node, with a file of that text, as
// root or as a user without any right.
func startConnmonitor(t *testing.T, binary string, node *lab.Node, text string, nobody bool) *connmonitor {
	t.Helper()
	file := filepath.Join(built.Directory(t), "hosts.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &connmonitor{t: t, command: exec.Command(binary, "connmonitor", file)}
	c.command.Stdout, c.command.Stderr = &c.stdout, &c.stderr
	if nobody {
		c.command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := node.Start(c.command); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.command.ProcessState == nil {
			_ = c.command.Process.Kill()
			_ = c.command.Wait()
		}
	})
	return c
}

// stop asks the program to finish what runs, and returns all that it printed
// about the rounds. It must end well and have complained of nothing.
func (c *connmonitor) stop() []block {
	c.t.Helper()
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			c.t.Errorf("the program ended with %v: %s", err, &c.stderr)
		}
	case <-time.After(patience):
		_ = c.command.Process.Kill()
		c.t.Fatalf("the program does not end; it said %s", &c.stderr)
	}
	if strings.Contains(c.stderr.String(), "EE:") {
		c.t.Errorf("it complains: %s", &c.stderr)
	}
	var blocks []block
	for line := range strings.Lines(c.stdout.String()) {
		var b block
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&b); err != nil {
			c.t.Fatalf("%v: %s", err, line)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// block is what one round printed as JSON. Ping is nil when it is not measured.
type block struct {
	Address string `json:"addr"`
	Name    string `json:"name"`
	Ping    *struct {
		Min, Avg, Max, Std, Loss float64
	} `json:"ping"`
	Trace []step `json:"trace"`
}

// step is one step of a printed trace; it has no address when it was silent.
type step struct{ address string }

// UnmarshalJSON reads ["*"] or ["10.0.0.1", 0.25].
func (s *step) UnmarshalJSON(text []byte) error {
	var fields []any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if len(fields) == 1 && fields[0] == "*" {
		return nil
	}
	if len(fields) == 2 {
		address, named := fields[0].(string)
		if rtt, timed := fields[1].(float64); named && timed && rtt >= 0 {
			s.address = address
			return nil
		}
	}
	return fmt.Errorf("%s is no step of a trace", text)
}

// checkTraces makes sure that each trace that was printed shows a part of the
// path: every step is the router that stands there, or was silent.
func checkTraces(t *testing.T, blocks []block, path []string) (traces int) {
	t.Helper()
	for _, b := range blocks {
		if len(b.Trace) == 0 {
			continue
		}
		traces++
		for i, s := range b.Trace {
			if s.address != "" && (i >= len(path) || s.address != path[i]) {
				t.Errorf("%s: a trace is %v, want %v", b.Name, b.Trace, path)
			}
		}
	}
	return traces
}

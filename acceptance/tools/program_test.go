package tools_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// patience is how long any call may take before it is called hanging.
const patience = 20 * time.Second

// world is the network of connmonitor's recordings and the program in it. No
// test changes the network.
type world struct {
	*lab.Reference
	binary string
}

// result is what a call of the program came to.
type result struct {
	code           int
	stdout, stderr string
}

// call is the program being called in the client.
type call struct {
	*exec.Cmd
	stderr bytes.Buffer
}

func (w *world) prepare(t *testing.T, arguments ...string) *call {
	t.Helper()
	c := &call{Cmd: exec.CommandContext(t.Context(), w.binary, arguments...)}
	c.Stderr = &c.stderr
	c.WaitDelay = patience
	return c
}

// end waits and returns the exit code.
func (c *call) end(t *testing.T) int {
	t.Helper()
	killer := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	err := c.Wait()
	if !killer.Stop() {
		t.Fatalf("%q does not end; it said %s", c.Args[1:], &c.stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

// run calls the program and waits for its end.
func (w *world) run(t *testing.T, arguments ...string) result {
	t.Helper()
	return w.runWith(t, nil, arguments...)
}

func (w *world) runWith(t *testing.T, stdin io.Reader, arguments ...string) result {
	t.Helper()
	c := w.prepare(t, arguments...)
	var stdout bytes.Buffer
	c.Stdin, c.Stdout = stdin, &stdout
	if err := w.Client.Start(c.Cmd); err != nil {
		t.Fatal(err)
	}
	return result{c.end(t), stdout.String(), c.stderr.String()}
}

// stream starts the program and returns its standard output, to be closed.
func (w *world) stream(t *testing.T, arguments ...string) (*call, *bufio.Reader, *os.File) {
	t.Helper()
	c := w.prepare(t, arguments...)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	c.Stdout = write
	err = w.Client.Start(c.Cmd)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(read), read
}

// objects reads lines of JSON, each of which must begin as all of ours do.
func objects(t *testing.T, text, kind string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, `{"schema":1,"type":"`+kind+`",`) {
			t.Fatalf("a line of %s does not begin as it should: %s", kind, line)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, object)
	}
	return list
}

// file writes a file of hosts.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(built.Directory(t), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// unprivileged has a call run as a user without any right.
func (c *call) unprivileged() {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// onlyRaw has a call run as a user with the one right that raw sockets need, as the
// service has it.
func (c *call) onlyRaw() {
	c.unprivileged()
	c.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_RAW}
}

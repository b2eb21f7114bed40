package socket_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
	"netsonde/internal/socket"
)

// Tests of real sockets run in a network namespace of their own, which needs
// root. A goroutine may change its thread, and a namespace belongs to a
// thread: so the test binary runs itself again, whole, inside the namespace.

// insideVariable names the test that the process was started for.
const insideVariable = "NETSONDE_SOCKET_TEST"

// requireTools leaves a test out that needs root or a command that is missing.
func requireTools(t testing.TB, tools ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		lab.Skip(t, "network namespaces need root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Skip(t, "the command "+tool+" is missing")
		}
	}
}

// inNamespace reports whether the process is the one inside: the caller then
// goes on. Outside, it runs the test inside and takes over its result.
func inNamespace(t *testing.T, tools ...string) bool {
	t.Helper()
	requireTools(t, append(tools, "ip")...)
	if os.Getenv(insideVariable) == t.Name() {
		run(t, "ip", "link", "set", "lo", "up")
		return true
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	command.Env = append(os.Environ(), insideVariable+"="+t.Name())
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("inside the namespace: %v\n%s", err, output)
	}
	if bytes.Contains(output, []byte("--- SKIP")) {
		t.Fatalf("skipped inside the namespace:\n%s", output)
	}
	if !bytes.Contains(output, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("the test did not run inside the namespace:\n%s", output)
	}
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, ".go:") {
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// run runs a command, which must succeed.
func run(t testing.TB, name string, arguments ...string) {
	t.Helper()
	if output, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, output)
	}
}

// setting writes a value of the namespace's own below /proc/sys/net.
func setting(t testing.TB, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// neighbour is a process that holds another namespace.
type neighbour struct{ pid string }

// newNeighbour makes a namespace that ends with the test.
func newNeighbour(t *testing.T) neighbour {
	t.Helper()
	command := exec.Command("sh", "-c", "echo ready; exec cat")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		command.Wait()
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil && !errors.Is(err, io.EOF) || line == "" {
		t.Fatalf("neighbour: %q, %v", line, err)
	}
	n := neighbour{pid: strconv.Itoa(command.Process.Pid)}
	n.run(t, "ip", "link", "set", "lo", "up")
	return n
}

// run runs a command in the neighbour's namespace.
func (n neighbour) run(t testing.TB, arguments ...string) {
	t.Helper()
	run(t, "nsenter", append([]string{"-t", n.pid, "-n"}, arguments...)...)
}

// set writes a value below /proc/sys/net in the neighbour's namespace.
func (n neighbour) set(t testing.TB, name, value string) {
	t.Helper()
	n.run(t, "sh", "-c", fmt.Sprintf("echo '%s' > /proc/sys/net/%s", value, name))
}

// openPings lets every group open ping sockets in this namespace.
func openPings(t testing.TB) {
	t.Helper()
	setting(t, "ipv4/ping_group_range", "0 2147483647")
}

// open opens a connection that ends with the test.
func open(t testing.TB, kind socket.Kind) *socket.Connection {
	t.Helper()
	c, err := socket.Open(socket.Options{Kind: kind, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

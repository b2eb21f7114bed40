// Package lab_test runs the built program's lab commands on this machine's
// kernel. It needs root; what cannot run is skipped with the reason, or fails
// if NETSONDE_LAB=require.
package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// patience bounds what should take no time.
const patience = 20 * time.Second

// program is the built program with a directory of labs of its own.
type program struct {
	t *testing.T
	// directory is the labs', binary the program's path.
	directory, binary string
	environment       []string
}

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// newProgram takes all labs of the test down at its end.
func newProgram(t *testing.T) *program {
	t.Helper()
	network, err := lab.New()
	if err != nil {
		lab.Skip(t, err.Error())
	}
	if err := network.Close(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, directory: filepath.Join(t.TempDir(), "labs"), binary: built.Program(t)}
	p.environment = append(os.Environ(), "NETSONDE_LAB_DIRECTORY="+p.directory, "TMPDIR="+t.TempDir())
	t.Cleanup(func() { p.must("lab", "down", "--all") })
	return p
}

// command is a call of the program.
func (p *program) command(arguments ...string) *exec.Cmd {
	command := exec.Command(p.binary, arguments...)
	command.Env = p.environment
	return command
}

// call runs the program and returns what it printed and its exit code.
func (p *program) call(arguments ...string) (output string, code int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, p.binary, arguments...)
	command.Env = p.environment
	text, err := command.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || ctx.Err() != nil {
		p.t.Fatalf("%q: %v\n%s", arguments, err, text)
	}
	return string(text), command.ProcessState.ExitCode()
}

// must runs the program, which must end well.
func (p *program) must(arguments ...string) string {
	p.t.Helper()
	output, code := p.call(arguments...)
	if code != 0 {
		p.t.Fatalf("%q ends with %d: %s", arguments, code, output)
	}
	return output
}

// answers reports whether a ping inside a lab is answered.
func (p *program) answers(name, from, to string) bool {
	p.t.Helper()
	_, code := p.call("lab", "run", "--name", name, from, "--", "ping", "-n", "-c1", "-W1", to)
	return code == 0
}

// await waits until something is so.
func (p *program) await(what string, so func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("in vain: %s", what)
		}
	}
}

// processes returns who runs the program, or has a word in the command line.
func (p *program) processes(word string) (pids []int) {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		line, err := os.ReadFile(filepath.Join(entry, "cmdline"))
		pid, numeric := strconv.Atoi(filepath.Base(entry))
		if err == nil && numeric == nil && bytes.Contains(line, []byte(word)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// holder returns the process that holds a lab.
func (p *program) holder(name string) int {
	p.t.Helper()
	for _, pid := range p.processes("hold\x00--name\x00" + name + "\x00") {
		if at, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && at == p.binary {
			return pid
		}
	}
	p.t.Fatalf("no process holds %s", name)
	return 0
}

// namespaces returns the network namespaces that any thread of a program of
// this binary is in, and the machine's own.
func (p *program) namespaces() (found []string) {
	p.t.Helper()
	threads := []string{"/proc/self/ns/net"}
	for _, pid := range p.processes(p.binary) {
		links, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/ns/net", pid))
		if err != nil {
			p.t.Fatal(err)
		}
		threads = append(threads, links...)
	}
	for _, link := range threads {
		if name, err := os.Readlink(link); err == nil && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}

// interfaces returns those of the machine.
func (p *program) interfaces() []string {
	p.t.Helper()
	links, err := filepath.Glob("/sys/class/net/*")
	if err != nil {
		p.t.Fatal(err)
	}
	return links
}

// nobody runs the program as a user without rights, with a directory for
// temporary files.
func (p *program) nobody(arguments ...string) (command *exec.Cmd, temporary string) {
	p.t.Helper()
	temporary, err := os.MkdirTemp("", "netsonde-nobody-")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { os.RemoveAll(temporary) })
	if err := os.Chmod(temporary, 0o777); err != nil { //nolint:gosec // for a user without rights
		p.t.Fatal(err)
	}
	command = exec.Command(p.binary, arguments...)
	command.Dir = "/"
	command.Env = append(os.Environ(), "TMPDIR="+temporary, "XDG_RUNTIME_DIR="+temporary, "HOME="+temporary)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return command, temporary
}

// requireUserNamespaces skips a test where ordinary users get none.
func (p *program) requireUserNamespaces() {
	p.t.Helper()
	command, _ := p.nobody("lab", "shell", "--", "true")
	if text, err := command.CombinedOutput(); err != nil {
		lab.Skip(p.t, strings.TrimSpace(string(text)))
	}
}

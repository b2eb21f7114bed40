package recipes_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// patience is how long a block may take before it is called hanging.
const patience = 20 * time.Second

// mark is what the shell prints after each block.
const mark = "-- end of block --"

// shell is bash in a node, which is given one block after the other.
type shell struct {
	command *exec.Cmd
	script  *os.File
	output  *bufio.Scanner
}

// newShell starts a shell in a directory, which finds binary by its name.
func newShell(t *testing.T, node *lab.Node, directory, binary string) *shell {
	t.Helper()
	script, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	printed, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{command: exec.Command("bash", "/dev/fd/3"), script: typed, output: bufio.NewScanner(printed)}
	s.command.Dir = directory
	s.command.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "TZ=UTC", "LC_ALL=C.UTF-8")
	s.command.ExtraFiles = []*os.File{script}
	s.command.Stdout, s.command.Stderr = output, output
	// What it leaves behind is in its process group.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = node.Start(s.command)
	script.Close()
	output.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		_ = s.command.Wait()
		typed.Close()
		printed.Close()
	})
	return s
}

// run types a block and returns what is printed until it ends.
func (s *shell) run(t *testing.T, block string) string {
	t.Helper()
	if _, err := fmt.Fprintf(s.script, "%s\necho '%s'\n", block, mark); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(patience, s.kill)
	defer killer.Stop()
	var printed strings.Builder
	for s.output.Scan() {
		if s.output.Text() == mark {
			return printed.String()
		}
		fmt.Fprintln(&printed, s.output.Text())
	}
	t.Fatalf("the shell ends or hangs in this block:\n%s\nand printed\n%s", block, &printed)
	return ""
}

// kill ends the shell and all that it started.
func (s *shell) kill() { _ = syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL) }

package lab_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A lab needs root, and says by which command.
func TestRefusal(t *testing.T) {
	p := newProgram(t)
	command, _ := p.nobody("lab", "up", "ring", "--nodes", "3")
	text, err := command.CombinedOutput()
	if err == nil || command.ProcessState.ExitCode() != 1 {
		t.Errorf("it ends with %v", err)
	}
	if !regexp.MustCompile(`(sudo|su -c) .*lab up ring --nodes 3`).Match(text) {
		t.Errorf("it says %s", text)
	}
}

// In the shell's namespace labs need no rights, and end with it.
func TestShell(t *testing.T) {
	p := newProgram(t)
	p.requireUserNamespaces()
	command, temporary := p.nobody("lab", "shell", "--", "sh", "-ec", fmt.Sprintf(`
%[1]s lab up ring --nodes 3
%[1]s lab run node1 -- %[1]s connvitals -p 2 node2
%[1]s lab fault link-down node1 node2
exit 5`, p.binary))
	text, err := command.CombinedOutput()
	if err == nil || command.ProcessState.ExitCode() != 5 || !bytes.Contains(text, []byte("0.000\n")) {
		t.Errorf("%v: %s", err, text)
	}
	p.await("nothing runs", func() bool { return p.processes(p.binary) == nil })
	if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// The demo's monitors come to see what the graph says, with faults in between,
// and it ends by itself, as root and without rights.
func TestDemo(t *testing.T) {
	p := newProgram(t)
	arguments := []string{"lab", "demo", "--rings", "2", "--nodes", "3", "--stations", "1", "--every", "2s", "--for"}
	t.Run("root", func(t *testing.T) {
		output := p.must(append(arguments, "12s")...)
		checkDemo(t, output)
	})
	t.Run("nobody", func(t *testing.T) {
		p.requireUserNamespaces()
		command, temporary := p.nobody(append(arguments, "12s")...)
		text, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		checkDemo(t, string(text))
		if entries, err := os.ReadDir(temporary); err != nil || len(entries) != 0 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	})
	if pids := p.processes(p.binary); pids != nil {
		t.Errorf("processes are left: %v", pids)
	}
}

func checkDemo(t *testing.T, output string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^ +[0-9.]+s  42 of 42 pairs answer, by the graph 42$`).MatchString(output) {
		t.Errorf("all pairs never answer: %s", output)
	}
	faults := regexp.MustCompile(`(?m)^ +[0-9.]+s  (link-down|node-stop|one-way|black-hole|loss|delay|heal|node-start) `)
	if n := len(faults.FindAllString(output, -1)); n < 6 {
		t.Errorf("%d faults: %s", n, output)
	}
	if !strings.HasSuffix(output, "nothing of it is left\n") {
		t.Errorf("the end is missing: %s", output)
	}
}

// Ctrl-C and its death end the demo whole.
func TestDemoEndsBySignal(t *testing.T) {
	p := newProgram(t)
	for name, signal := range map[string]syscall.Signal{"interrupt": syscall.SIGINT, "kill": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			command := p.command("lab", "demo", "--rings", "2", "--nodes", "2")
			var output bytes.Buffer
			command.Stdout = &output
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			p.await("monitors run", func() bool { return len(p.processes("pmonitor\x00monitor")) >= 6 })
			began := time.Now()
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err := command.Wait()
			if signal == syscall.SIGINT && err != nil {
				t.Errorf("it ends with %v", err)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("it ended after %v", took)
			}
			p.await("nothing runs", func() bool { return p.processes(p.binary) == nil })
		})
	}
}

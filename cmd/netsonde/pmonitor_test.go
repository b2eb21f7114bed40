package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// pmonitorProgram builds the program under the name pmonitor, for one test.
func pmonitorProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "pmonitor")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return program
}

// called is what a call of the program did.
type called struct {
	stdout, stderr string
	code           int
}

// call runs the program in a folder.
func call(t *testing.T, program, folder string, arguments ...string) called {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Dir = folder
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return called{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}

func TestPmonitorUsage(t *testing.T) {
	program := pmonitorProgram(t)
	const original = "usage:\n\tmonitor <master_db> <working_db> <src_address>\n\ttest\n"
	for _, arguments := range [][]string{
		nil, {"unknown"}, {"test", "x"}, {"monitor"}, {"monitor", "a", "b"}, {"1", "2", "3", "4", "5"},
		{"monitor", "--no-such-flag", "a", "b", "c"}, {"init", "db", "name"}, {"init", "db", "n", "a", "perhaps"},
		{"set-can-run", "db", "a", "perhaps"}, {"monitor", "--timeout", "0s", "a", "b", "c"},
	} {
		folder := t.TempDir()
		got := call(t, program, folder, arguments...)
		if got.code != 1 || !strings.HasPrefix(got.stdout, original) {
			t.Errorf("%q: exit %d, printed %q, want 1 and the usage", arguments, got.code, got.stdout)
		}
		if left, _ := os.ReadDir(folder); len(left) > 0 {
			t.Errorf("%q: made %v", arguments, left)
		}
	}
}

func TestPmonitorVerbs(t *testing.T) {
	program := pmonitorProgram(t)
	folder := t.TempDir()
	for _, test := range []struct {
		arguments string
		code      int
		stdout    string
	}{
		{"create m", 0, ""},
		{"init m A 127.0.0.1 1 B 127.0.0.2 true C 127.0.0.3 0", 0, ""},
		{"init --json m A 127.0.0.1 1 B 127.0.0.2 true C 127.0.0.3 0", 0, `{"schema":1,"type":"init","targets":3}`},
		{"is-running m 127.0.0.1", 0, "0"},
		{"set-running m 127.0.0.1 true", 0, ""},
		{"is-running m 127.0.0.1", 0, "1"},
		{"is-running --json m 127.0.0.1", 0, `{"schema":1,"type":"is-running","address":"127.0.0.1","value":1}`},
		{"can-run m 127.0.0.1", 0, "1"},
		{"set-can-run m 127.0.0.1 0", 0, ""},
		{"can-run m 127.0.0.1", 0, "0"},
		{"can-run m 9.9.9.9", 1, ""},
		{"set-can-run m 9.9.9.9 0", 0, ""},
		{"set-can-run m 127.0.0.2 null", 0, ""},
		{"can-run m 127.0.0.2", 0, "null"},
		{"count m", 0, "0 / 0"},
		{"count --stable --json m", 0, `{"schema":1,"type":"count","good":0,"total":0}`},
		{"list m", 0, ""},
		{"list --json m", 0, `{"schema":1,"type":"list","targets":[]}`},
		{"last-five m", 0, "0 A\n0 B\n0 C"},
		{"count missing", 1, ""},
		{"create w", 0, ""},
		{"sample -- w n 127.0.0.1 1 127.0.0.1", 0, "ok"},
		{"sample -- w x -h 1 127.0.0.1", 0, "unresolved"},
		{"list w", 0, "1 n"},
		{"count w", 0, "1 / 1"},
		{"monitor missing w 127.0.0.1", 1, ""},
		{"monitor m w 9.9.9.9", 1, ""},
		{"monitor m w 127.0.0.1", 0, ""},
		{"consolidate --json m out w missing", 0, `{"schema":1,"type":"consolidate","skipped":["missing"]}`},
		{"consolidate m m w", 1, ""},
	} {
		got := call(t, program, folder, strings.Fields(test.arguments)...)
		if got.code != test.code || strings.TrimSuffix(got.stdout, "\n") != test.stdout {
			t.Errorf("%s: exit %d, printed %q, want %d and %q (%s)", test.arguments, got.code, got.stdout, test.code, test.stdout, got.stderr)
		}
		if test.code != 0 && got.stderr == "" {
			t.Errorf("%s: no reason on standard error", test.arguments)
		}
		if strings.Contains(test.arguments, "--json") && !json.Valid([]byte(got.stdout)) {
			t.Errorf("%s: %q is no JSON", test.arguments, got.stdout)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "missing")); err == nil {
		t.Error("a missing database was made")
	}
}

// The log has the original's lines, in its form, and nothing from a database
// breaks a line.
func TestPmonitorLog(t *testing.T) {
	program := pmonitorProgram(t)
	folder := t.TempDir()
	if got := call(t, program, folder, "init", "--", "m", "A", "127.0.0.1", "1", "B", "evil\n\x1b[2J", "1"); got.code != 0 {
		t.Fatal(got)
	}
	got := call(t, program, folder, "monitor", "--pace", "1ms", "--once", "--log", "log", "m", "w", "127.0.0.1")
	if got.code != 0 || got.stdout != "" || got.stderr != "" {
		t.Errorf("exit %d, printed %q and %q", got.code, got.stdout, got.stderr)
	}
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "INFO:root:Monitoring targets from 127.0.0.1 to w\n" +
		"INFO:root:reload target list\n" +
		`INFO:root:sample target: evil\n\x1b[2J` + "\n" +
		"ERROR:root:result evil"
	if !strings.HasPrefix(string(text), want) || !strings.Contains(string(text), `INFO:root:row evil\n\x1b[2J: new: responded false, 0 of 0`) {
		t.Errorf("the log is\n%s, want\n%s…", text, want)
	}
	if got := call(t, program, folder, "monitor", "--log", "log", "nowhere", "w", "127.0.0.1"); got.code != 1 || !strings.Contains(got.stderr, "nowhere") {
		t.Errorf("a missing master: %+v", got)
	}
	if text, _ := os.ReadFile(filepath.Join(folder, "log")); !strings.Contains(string(text), `ERROR:root:open database "nowhere"`) {
		t.Errorf("the log does not say why it ended:\n%s", text)
	}
}

// Signals and run=0 end a monitor in order, with 0.
func TestPmonitorEnds(t *testing.T) {
	program := pmonitorProgram(t)
	folder := t.TempDir()
	if got := call(t, program, folder, "init", "m", "A", "127.0.0.1", "1", "B", "127.0.0.2", "1"); got.code != 0 {
		t.Fatal(got)
	}
	ends := map[string]func(*exec.Cmd){
		"SIGTERM": func(c *exec.Cmd) { c.Process.Signal(syscall.SIGTERM) },
		"SIGINT":  func(c *exec.Cmd) { c.Process.Signal(syscall.SIGINT) },
		"run":     func(*exec.Cmd) { call(t, program, folder, "set-can-run", "m", "127.0.0.1", "0") },
		"removed": func(*exec.Cmd) { os.Remove(filepath.Join(folder, "removed")) },
	}
	for _, name := range []string{"SIGTERM", "SIGINT", "removed", "run"} {
		command := exec.Command(program, "monitor", "m", name, "127.0.0.1")
		command.Dir = folder
		log, err := command.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		seen := ""
		for part := make([]byte, 512); !strings.Contains(seen, "reload target list"); {
			n, err := log.Read(part)
			if err != nil {
				t.Fatalf("%s: %v after %q", name, err, seen)
			}
			seen += string(part[:n])
		}
		begun := time.Now()
		ends[name](command)
		rest, _ := io.ReadAll(log)
		if err := command.Wait(); err != nil || time.Since(begun) > 2*time.Second {
			t.Errorf("%s: %v after %s, said %q", name, err, time.Since(begun), rest)
		}
	}
}

// caller is a program in frr_topo's manner: it imports pmonitor, fills the
// master, starts monitors, looks at them, stops them and removes their files.
const caller = `
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import pmonitor
nodes = [("A", "127.0.0.1", True), ("B", "127.0.0.2", True), ("C", "127.0.0.3", False), ("D", "127.0.0.4", False)]
pmonitor.init_targets("master", nodes)
db = pmonitor.open_db("master")
monitors = {}
for name, address, stable in nodes[:3]:
    monitors[name] = subprocess.Popen([sys.executable, pmonitor.__file__, "monitor", "--pace", "100ms", "master", "work" + name, address])
    pmonitor.set_running(db, address, True)
print([pmonitor.is_running(db, n[1]) for n in nodes])
deadline = time.time() + 20
def counted(name):
    try:
        return pmonitor.get_status_count(pmonitor.open_db("work" + name), False)
    except Exception as e:
        return e
while any(counted(n) != (3, 3) for n in monitors) and time.time() < deadline:
    time.sleep(0.05)
for name in monitors:
    work = pmonitor.open_db("work" + name)
    print(name, pmonitor.get_status_count(work, True), pmonitor.get_status_count(work, False),
          sorted(pmonitor.get_status_list(work).items()), len(pmonitor.get_last_five(work)))
for name, address, stable in nodes[:3]:
    pmonitor.set_can_run(db, address, False)
    os.unlink("work" + name)
print([monitors[n].wait(timeout=5) for n in monitors], pmonitor.can_run(db, "127.0.0.1"))
try:
    pmonitor.can_run(db, "9.9.9.9")
except TypeError:
    print("TypeError")
os.unlink("master")
`

func TestPythonCaller(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		lab.Skip(t, "python3 is missing")
	}
	contrib, err := filepath.Abs("../../contrib")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, python, "-B", "-c", caller, contrib)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), "PMONITOR="+pmonitorProgram(t))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	const want = `[1, 1, 1, 0]
A (1, 1) (3, 3) [('B', 1), ('C', 1), ('D', 1)] 4
B (1, 1) (3, 3) [('A', 1), ('C', 1), ('D', 1)] 4
C (2, 2) (3, 3) [('A', 1), ('B', 1), ('D', 1)] 4
[0, 0, 0] 0
TypeError
`
	if err != nil || string(output) != want {
		t.Errorf("%v: it says\n%s, want\n%s%s", err, output, want, stderr.String())
	}
	if left, _ := os.ReadDir(command.Dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

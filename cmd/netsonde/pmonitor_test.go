package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
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
		{"monitor", "m", "w", "-h"}, {"monitor", "m", "w", "--help"}, {"set-can-run", "m", "-h", "0"}, {"unknown", "-h"},
		{"monitor", "--json", "m", "w", "127.0.0.1"}, {"--json", "monitor", "m", "w", "127.0.0.1"},
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
	for _, arguments := range [][]string{{"-h"}, {"--help"}, {"monitor", "-h"}, {"monitor", "--help"}, {"help", "monitor"}} {
		got := call(t, program, t.TempDir(), arguments...)
		if got.code != 0 || !strings.Contains(got.stdout, "Flags:") || got.stderr != "" {
			t.Errorf("%q: %+v, want help and 0", arguments, got)
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
		{"ping 127.0.0.2 127.0.0.1", 0, "ok"},
		{"ping --json -- -h 127.0.0.1", 0, `{"schema":1,"type":"ping","address":"-h","outcome":"unresolved"}`},
		{"list w", 0, "1 n"},
		{"count w", 0, "1 / 1"},
		{"monitor missing w 127.0.0.1", 1, ""},
		{"monitor m w 9.9.9.9", 1, ""},
		{"monitor -- m w -h", 1, ""},
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
	// Whoever lacks rights is told so in between.
	told := regexp.MustCompile(`(?m)^WARNING:root:Measuring with .*\n`).ReplaceAllString(string(text), "")
	const want = "INFO:root:Monitoring targets from 127.0.0.1 to w\n" +
		"INFO:root:reload target list\n" +
		`INFO:root:sample target: evil\n\x1b[2J` + "\n" +
		"ERROR:root:result evil"
	if !strings.HasPrefix(told, want) || !strings.Contains(told, `INFO:root:row evil\n\x1b[2J: new: responded false, 0 of 0`) {
		t.Errorf("the log is\n%s, want\n%s…", text, want)
	}
	if got := call(t, program, folder, "monitor", "--log", "log", "nowhere", "w", "127.0.0.1"); got.code != 1 || !strings.Contains(got.stderr, "nowhere") {
		t.Errorf("a missing master: %+v", got)
	}
	if text, _ := os.ReadFile(filepath.Join(folder, "log")); !strings.Contains(string(text), `ERROR:root:open database "nowhere"`) {
		t.Errorf("the log does not say why it ended:\n%s", text)
	}
}

// A log that cannot be written costs a warning, one, and nothing else.
func TestPmonitorLogIsFull(t *testing.T) {
	program := pmonitorProgram(t)
	folder := t.TempDir()
	if got := call(t, program, folder, "init", "m", "A", "127.0.0.1", "1", "B", "127.0.0.2", "1"); got.code != 0 {
		t.Fatal(got)
	}
	got := call(t, program, folder, "monitor", "--pace", "1ms", "--once", "--log", "/dev/full", "m", "w", "127.0.0.1")
	if got.code != 0 || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "/dev/full") {
		t.Errorf("%+v, want 0 and one line that names the log", got)
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

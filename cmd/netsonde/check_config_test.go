package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/console"
)

// programCall runs a call of netsonde in this process, with a text as its
// standard input, and returns what it printed.
func programCall(t *testing.T, stdin string, arguments ...string) called {
	t.Helper()
	folder := t.TempDir()
	open := func(name, text string) *os.File {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	in, out, errors := open("stdin", stdin), open("stdout", ""), open("stderr", "")
	p := &program{stdin: in, stdout: out, diagnostics: console.NewDiagnostics(errors, false, time.Now)}
	code := p.run(t.Context(), "netsonde", arguments)
	if err := p.diagnostics.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := func(file *os.File) string {
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return called{read(out), read(errors), code}
}

// inFolder writes a file and returns its path.
func inFolder(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckConfig(t *testing.T) {
	native := inFolder(t, "a.yaml", "budget: {destination: 10}\ntargets:\n  - host: 192.0.2.1\n    probes: [{ping: {every: 1s, count: 6, spacing: 10ms}}, trace]\n")
	broken := inFolder(t, "b.yaml", "defaults: {ping: {evry: 1s}}\ntargets:\n  - 192.0.2.1\n  - host: 10.0.0.256\n")
	three := inFolder(t, "c.conf", "1 1 1 4 41 10 0 450\n192.0.2.1\n192.0.2.1\n")
	for name, test := range map[string]struct {
		call  []string
		stdin string
		code  int
		want  []string
		never []string
	}{
		"native": {call: []string{native}, want: []string{
			": 1 target, 2 probes\n  1 ping, 1 trace\n", "packets sent                  6.08 /s",
			"busiest destination              6.08  of 10 (60.8 %)  192.0.2.1",
			"warning: busiest destination: 60.8 % of the budget is used: 6.08 packets/s of 10\n",
		}},
		"broken": {call: []string{broken}, code: exitUsage, want: []string{
			"b.yaml:1:19: ", `did you mean "every"?`, "b.yaml:4:11: ", "\n                    ^\n",
		}, never: []string{"packets sent"}},
		"3.x":                        {call: []string{three}, want: []string{"2 targets, 10 probes", "have no budget"}, never: []string{"warning"}},
		"4.x from standard input":    {call: []string{"-"}, stdin: "192.0.2.1 ping=450\n", want: []string{"1 target, 1 probe", "  packets sent                    20 /s"}},
		"native from standard input": {call: []string{"-"}, stdin: "targets: [192.0.2.1]\n", want: []string{"1 target, 1 probe", "of 10000"}},
		"broken 4.x":                 {call: []string{"-"}, stdin: "192.0.2.1 pnig=1\n", code: exitUsage, want: []string{"error: ", "PNIG", "line 1"}},
		"a host that is left out":    {call: []string{"-"}, stdin: "192.0.2.1\nweb\x01\n", code: exitUsage, want: []string{"error: ", "line 2", "1 target"}, never: []string{"\x01"}},
		"no hosts":                   {call: []string{"-"}, stdin: "1 1 1 4 41 10 0 450\n", code: exitUsage, want: []string{"No hosts could be parsed!"}},
		"no file":                    {call: []string{filepath.Join(t.TempDir(), "none.yaml")}, code: exitUsage, want: []string{"none.yaml"}},
		"no argument":                {code: exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			got := programCall(t, test.stdin, append([]string{"check-config"}, test.call...)...)
			if got.code != test.code {
				t.Errorf("exit %d, want %d", got.code, test.code)
			}
			for _, part := range test.want {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("%q is not in\n%s%s", part, got.stdout, got.stderr)
				}
			}
			for _, part := range test.never {
				if strings.Contains(got.stdout, part) {
					t.Errorf("%q is in\n%s", part, got.stdout)
				}
			}
		})
	}
}

func TestCheckConfigJSON(t *testing.T) {
	type answer struct {
		Schema   int
		Type     string
		Good     bool
		Findings []struct {
			Line, Column         int
			Severity, Text, Hint string
		}
		Cost *struct {
			Targets, Probes, Series int
			Packets                 float64 `json:"packets_sent_per_second"`
			Kinds                   map[string]int
			Budget                  map[string]struct{ Limit int }
		}
	}
	check := func(stdin string, code int) (a answer) {
		got := programCall(t, stdin, "check-config", "--json", "-")
		if got.code != code || strings.Count(got.stdout, "\n") != 1 || !strings.HasPrefix(got.stdout, `{"schema":1,"type":"configuration"`) {
			t.Errorf("exit %d, %s", got.code, got.stdout)
		}
		if err := json.Unmarshal([]byte(got.stdout), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	good := check("targets: [192.0.2.1, 192.0.2.2]\n", exitWell)
	if !good.Good || len(good.Findings) != 0 || good.Cost == nil || good.Cost.Targets != 2 || good.Cost.Series != 2 ||
		good.Cost.Packets != 0.2 || good.Cost.Kinds["ping"] != 2 || good.Cost.Budget["network"].Limit != 2000 {
		t.Errorf("%+v", good)
	}
	bad := check("targets: [192.0.2.1]\nnood: a\n", exitUsage)
	if bad.Good || bad.Cost != nil || len(bad.Findings) != 1 || bad.Findings[0].Line != 2 || bad.Findings[0].Column != 1 ||
		bad.Findings[0].Severity != "error" || bad.Findings[0].Hint == "" {
		t.Errorf("%+v", bad)
	}
	if old := check("192.0.2.1\n", exitWell); old.Cost == nil || old.Cost.Budget != nil {
		t.Errorf("%+v", old)
	}
}

func TestAmount(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "1", 0.5: "0.50", 12.34: "12.3", 1234.5: "1234", 0.0012: "0.0012", 99.96: "100.0"} {
		if got := amount(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 2.5e6: "2.50 MB", 1e15: "1000 TB"} {
		if got := scaled(x, "B"); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{0: "0 %", 0.0001: "under 0.1 %", 0.5: "50 %", 1.234: "123.4 %"} {
		if got := percent(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestInit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b.yaml")
	got := programCall(t, "", "init", "-o", path, "192.0.2.1", "web[1-3].example")
	if got.code != exitWell || !strings.Contains(got.stdout, "check-config '"+path+"'") {
		t.Fatalf("%+v", got)
	}
	if got := programCall(t, "", "check-config", path); got.code != exitWell || !strings.Contains(got.stdout, "4 targets, 5 probes") {
		t.Errorf("%+v", got)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := programCall(t, "", "init", "-o", path, "192.0.2.9"); got.code != exitUsage || !strings.Contains(got.stderr, "--force") {
		t.Errorf("%+v", got)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("overwritten without --force")
	}
	if got := programCall(t, "", "init", "--force", "-o", path, "192.0.2.9"); got.code != exitWell {
		t.Errorf("%+v", got)
	}
	if after, _ := os.ReadFile(path); !strings.Contains(string(after), "192.0.2.9") {
		t.Error("not overwritten with --force")
	}
	for _, wrong := range [][]string{{"192.0.2.256"}, {"-o", "", "192.0.2.1"}, {"10.0.0.0/2"}, {"192.0.2.1", "192.0.2.0/29"}, {"web\nnode: a"}} {
		if got := programCall(t, "", append([]string{"init"}, wrong...)...); got.code != exitUsage {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
	if got := programCall(t, "", "init", "-o", filepath.Join(path, "none"), "192.0.2.1"); got.code != exitFailure {
		t.Errorf("%+v", got)
	}
}

func TestImportConnmonitor(t *testing.T) {
	got := programCall(t, "web.example ping=500\nyes\n", "import", "connmonitor", "-")
	if got.code != exitWell || !strings.Contains(got.stdout, "Made from standard input") || !strings.Contains(got.stdout, `- "yes"`) {
		t.Errorf("%+v", got)
	}
	if again := programCall(t, got.stdout, "check-config", "-"); again.code != exitWell {
		t.Errorf("%+v", again)
	}
	if got := programCall(t, got.stdout, "import", "connmonitor", "-"); got.code != exitUsage || !strings.Contains(got.stderr, "native configuration already") {
		t.Errorf("%+v", got)
	}
	for _, wrong := range []string{"web.example pnig=1\n", "1 1 1\n", "", "1 1 1 4 41 10 0 100\n", "10.0.0.0/24\n"} {
		if got := programCall(t, wrong, "import", "connmonitor", "-"); got.code != exitUsage || got.stdout != "" || got.stderr == "" {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
	three := inFolder(t, "three.conf", "1 1 1 4 41 10 0 450\n192.0.2.1\n192.0.2.1\n")
	out := filepath.Join(t.TempDir(), "three.yaml")
	if got := programCall(t, "", "import", "connmonitor", three, "-o", out); got.code != exitWell {
		t.Errorf("%+v", got)
	}
	if got := programCall(t, "", "check-config", out); got.code != exitWell || !strings.Contains(got.stdout, "2 targets, 10 probes") {
		t.Errorf("%+v", got)
	}
}

func TestSchemaCommand(t *testing.T) {
	checkedIn, err := os.ReadFile("../../docs/netsonde.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := programCall(t, "", "schema"); got.code != exitWell || got.stdout != string(checkedIn) {
		t.Errorf("exit %d, %d bytes", got.code, len(got.stdout))
	}
}

// eachCommand calls visit for every command that people are shown.
func eachCommand(visit func(*cobra.Command)) {
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		// A command without a sentence is this program's own business.
		if command.Hidden && command.Short == "" {
			return
		}
		visit(command)
		for _, child := range command.Commands() {
			walk(child)
		}
	}
	walk((&program{}).rootCommand())
}

func TestEveryCommandIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	eachCommand(func(command *cobra.Command) {
		path := strings.TrimSpace(strings.TrimPrefix(command.CommandPath(), "netsonde"))
		seen[path] = true
		switch {
		case command.Short == "" || strings.HasSuffix(command.Short, "."):
			t.Errorf("%q: short description %q", path, command.Short)
		case command.Long == "":
			t.Errorf("%q has no long description", path)
		case !strings.Contains(command.Example, "netsonde") || !strings.HasPrefix(command.Example, "  "):
			t.Errorf("%q has no example", path)
		}
	})
	for path := range commandExamples() {
		if !seen[path] {
			t.Errorf("an example of %q, which is no command", path)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := programCall(t, "", "completion", shell); got.code != exitWell || !strings.Contains(got.stdout, "netsonde") {
			t.Errorf("%s: exit %d, %d bytes", shell, got.code, len(got.stdout))
		}
	}
	for call, want := range map[string]string{
		"che":                  "check-config\t",
		"check-config ":        ":0\n", // files
		"check-config a.yaml ": ":4\n", // nothing
		"import connmonitor ":  ":0\n",
		"import ":              "connmonitor\t",
		"init -o ":             "yaml\nyml\n:8\n", // files that end so
		"init @":               ":0\n",
		"init ":                ":4\n",
		"check-config --js":    "--json\t",
		"man ":                 ":16\n", // folders
	} {
		words := strings.Split(call, " ")
		if got := programCall(t, "", append([]string{"__complete"}, words...)...); !strings.Contains(got.stdout, want) {
			t.Errorf("%q: %q, want %q in it", call, got.stdout, want)
		}
	}
}

func TestNamesOfHosts(t *testing.T) {
	got := namesOfHosts(strings.NewReader("127.0.0.1 localhost loop # comment\n\n# 192.0.2.1 none\n::1\tlocalhost ip6-localhost\r\n192.0.2.2\n192.0.2.3 $(reboot) web.example\n"))
	if text := strings.Join(got, " "); text != "ip6-localhost localhost loop web.example" {
		t.Errorf("%s", text)
	}
}

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"netsonde/internal/console"
	"netsonde/internal/lab"
)

// Text that cobra prints itself ends as all other output does when it cannot be
// written: a full disk is a failure, a reader who has left is none.
func TestOutputThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		lab.Skip(t, "needs /dev/full: "+err.Error())
	}
	defer full.Close()
	reader, gone, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"help", "--help", "run --help", "ping --help", "completion bash", "completion zsh", "version"} {
		var lines strings.Builder
		p := &program{stdout: full, diagnostics: console.NewDiagnostics(&lines, false, time.Now)}
		code := p.run(t.Context(), "netsonde", strings.Split(call, " "))
		if err := p.diagnostics.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code != exitFailure || !strings.Contains(lines.String(), "no space left on device") {
			t.Errorf("%s to a full disk: %d, %s", call, code, lines.String())
		}
		p = &program{stdout: gone, diagnostics: console.NewDiagnostics(&lines, false, time.Now)}
		if code := p.run(t.Context(), "netsonde", strings.Split(call, " ")); code != exitWell {
			t.Errorf("%s to nobody: %d", call, code)
		}
	}
}

func TestCompletionsOfFlagValues(t *testing.T) {
	for call, want := range map[string]string{
		"run --output ":        "text\njson\njsonl\nnone\n:4\n",
		"ping --rate ":         "max\n:4\n",
		"scan --ports ":        ":4\n",
		"trace --source ":      ":4\n",
		"ping -c ":             ":4\n",
		"ping --timeout ":      ":4\n",
		"lab graph --format ":  "dot\nmermaid\nascii\n:4\n",
		"lab demo --every ":    ":4\n",
		"init --output ":       "yaml\nyml\n:8\n",
		"mesh start --listen ": ":0\n",
	} {
		got := programCall(t, "", append([]string{"__complete"}, strings.Split(call, " ")...)...)
		if !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%q: %q, want %q", call, got.stdout, want)
		}
	}
}

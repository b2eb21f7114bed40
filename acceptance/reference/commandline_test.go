package reference_test

import (
	"strings"
	"testing"
)

// web is the simplest file: pings of one host that answers.
const web = "1 0 0 4 41 10 0 100\nweb.test\n"

// webAnswers is what it prints.
var webAnswers = host{header: "web.test (10.77.10.1)", first: []string{answered}}

// commandLine is section 1, and what the preamble says about it.
func commandLine(t *testing.T, w *world) {
	version := func(t *testing.T, p *process) {
		if got := p.output(); len(got) != 1 || !strings.HasPrefix(got[0], "connmonitor (netsonde) ") {
			t.Errorf("printed %q, want one line with the version", got)
		}
	}
	help := func(t *testing.T, p *process) {
		if text := strings.Join(p.output(), "\n"); !strings.Contains(text, "connmonitor") || !strings.Contains(text, "SIGHUP") {
			t.Errorf("printed %q, want help", text)
		}
	}
	// What these print is not made of blocks.
	for name, c := range map[string]struct {
		argument string
		check    func(*testing.T, *process)
	}{
		"opt_v":       {"-v", version},
		"opt_V":       {"-V", version},
		"opt_version": {"--version", version},
		"opt_h":       {"-h", help},
		"opt_help":    {"--help", help},
	} {
		w.script(t, name, func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{arguments: []string{c.argument}})
			p.exit(0)
			c.check(t, p)
			checkErrors(t, p.errors(), nil)
		})
	}
	w.run(
		t,
		row{name: "file", launch: launch{file: web}, runs: true, want: []host{webAnswers}},
		row{name: "stdin_ok", launch: launch{stdin: web}, runs: true, want: []host{webAnswers}},
		row{
			name: "dash_arg", launch: launch{stdin: web, arguments: []string{"-"}},
			runs: true, want: []host{webAnswers},
		},
		row{
			name: "opt_V_second", launch: launch{file: web, arguments: []string{"c.conf", "-V"}},
			runs: true, want: []host{webAnswers}, stderr: []string{anyWarning},
		},
		row{
			name: "extra_args", launch: launch{file: web, arguments: []string{"c.conf", "other.conf"}},
			runs: true, want: []host{webAnswers}, stderr: []string{anyWarning},
		},
		row{
			name: "subcommand", launch: launch{program: "netsonde", file: web, arguments: []string{"connmonitor", "c.conf"}},
			runs: true, want: []host{webAnswers},
		},
		row{
			name: "run", launch: launch{program: "netsonde", file: web, arguments: []string{"run", "c.conf"}},
			runs: true, want: []host{webAnswers},
		},
	)
}

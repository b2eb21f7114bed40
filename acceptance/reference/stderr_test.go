package reference_test

import (
	"slices"
	"testing"
)

// The colours of section 9.
const (
	red    = "\x1b[38;2;255;0;0m"
	yellow = "\x1b[38;2;238;216;78m"
	reset  = " \x1b[m"
)

// standardError is section 9.
func standardError(t *testing.T, w *world) {
	for name, c := range map[string]struct {
		launch
		header string
		want   string
	}{
		"tty_warning": {
			launch{file: "closed.test ping=0 scan=100\n", arguments: []string{"c.conf"}}, "closed.test 10.77.10.4",
			yellow + "WW: Could not connect to 10.77.10.4:80 - [Errno 111] Connection refused -\t <ts>",
		},
		"tty_stderr_err": {
			launch{file: "1 0 0 4 41 10 0 100\nnosuch.test\nweb.test\n", arguments: []string{"c.conf"}},
			webAnswers.header, red + "EE: Exception: Unable to resolve host ( nosuch.test ) -\t <ts>",
		},
		"tty_scan_closed": {
			launch{file: "0 0 1 4 41 10 0 100\nclosed.test\n", arguments: []string{"c.conf"}},
			"closed.test (10.77.10.4)", red + "EE: Exception: Could not connect to 10.77.10.4: [Errno 111] Connection refused -\t <ts>",
		},
		"tty_stderr_fatal": {
			launch{arguments: []string{"nonexistent.conf"}}, "",
			red + "EE: FileNotFoundError: Couldn't read input file '[Errno 2] No such file or directory: 'nonexistent.conf'' -\t <ts>",
		},
	} {
		w.script(t, name, func(t *testing.T) {
			c.terminal = true
			p := w.start(t, w.shared.Client, c.launch)
			if c.header != "" {
				p.awaitBlocks(c.header, 1)
				p.stop()
			} else {
				p.exit(1)
			}
			lines := p.errors()
			for i, text := range lines {
				lines[i] = normalise(text)
			}
			if want := c.want + reset; !slices.Contains(lines, want) {
				t.Errorf("stderr is %q, want %q in it", lines, want)
			}
		})
	}
}

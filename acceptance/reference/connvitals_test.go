package reference_test

import (
	"slices"
	"strings"
	"testing"
)

// connvitals is the one-shot tool, as the preamble has it.
func connvitals(t *testing.T, w *world) {
	one := func(name string, exit int, stderr []string, want []string, arguments ...string) {
		w.script(t, name, func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{program: "connvitals", arguments: arguments})
			p.exit(exit)
			lines := p.output()
			for i, text := range lines {
				lines[i] = normalise(text)
			}
			if !slices.Equal(lines, want) {
				t.Errorf("printed %q, want %q", lines, want)
			}
			checkErrors(t, p.errors(), stderr)
		})
	}
	unresolvable := errorLine("str", "Unable to resolve host ( nosuch.test )")
	one("defaults", 0, nil, together(webAnswers.header, answered), "web.test")
	one("all", 0, nil, together(webAnswers.header, answered, path("10.77.10.1"), webScan), "-t", "-s", "-p", "2", "web.test")
	one("no_ping", 0, nil, together(webAnswers.header, path("10.77.10.1")), "-P", "--trace", "web.test")
	one("hops", 0, nil, together(webAnswers.header, hops("10.77.1.1", "10.77.2.2")), "-P", "-t", "-H", "2", "web.test")
	one("json", 0, nil, []string{
		object("web.test", "10.77.10.1") + after(answeredJSON, pathJSON("10.77.10.1"), webScanJSON)[0],
	}, "-j", "-t", "--port-scan", "--payload-size", "100", "web.test")
	one("order", 0, nil, together(
		"noping.test (10.77.10.5)", lost, webAnswers.header, answered, "10.77.10.4", answered,
	), "-p", "2", "noping.test", "web.test", "10.77.10.4")
	one("unresolvable_one", 0, []string{unresolvable}, together(webAnswers.header, answered), "nosuch.test", "web.test")
	one("unresolvable_all", 1, []string{unresolvable, anyError}, []string{}, "nosuch.test")
	one("nothing_answers", 0, nil, together("noping.test (10.77.10.5)", lost), "noping.test")
	w.script(t, "version", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{program: "connvitals", arguments: []string{"-V"}})
		p.exit(0)
		if text := strings.Join(p.output(), "\n"); !strings.Contains(text, "connvitals") {
			t.Errorf("printed %q", text)
		}
	})
	w.script(t, "help", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{program: "connvitals", arguments: []string{"-h"}})
		p.exit(0)
		if text := strings.Join(p.output(), "\n"); !strings.Contains(text, "--payload-size") {
			t.Errorf("printed %q", text)
		}
	})
}

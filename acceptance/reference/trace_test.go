package reference_test

import (
	"strings"
	"testing"
)

// routeTrace is section 6.
func routeTrace(t *testing.T, w *world) {
	const header = "web.test (10.77.10.1)"
	w.run(
		t,
		row{
			name: "noroute_long", launch: launch{file: "1 1 1 2 41 6 0 100\nnoroute.test\n"}, runs: true,
			want: []host{changing(
				"noroute.test (10.77.99.1)", together(lost, hops("10.77.1.1"), noScan), together(lost, noScan),
			)},
			stderr: []string{errorLine("Exception", "Could not connect to 10.77.99.1: [Errno 101] Network is unreachable")},
		},
		row{
			name: "localhost_text", launch: launch{file: "1 1 0 4 41 10 0 100\nlocalhost\n"}, runs: true,
			want: []host{changing("localhost (127.0.0.1)", together(answered, hops("127.0.0.1")), together(answered))},
		},
		row{
			name: "localhost_json", launch: launch{file: "0 1 0 4 41 10 1 100\nlocalhost\n"}, runs: true,
			want: []host{changing(object("localhost", "127.0.0.1"), after(traceJSON("127.0.0.1")), after())},
		},
		row{
			name: "same_route_other_times", launch: launch{file: "0 1 0 4 41 10 0 20\nweb.test\n"}, runs: true, blocks: 20,
			want: []host{changing(header, path("10.77.10.1"), together())},
		},
	)
	for name, form := range traceForms() {
		w.script(t, "route_change_"+name, func(t *testing.T) { changeRoute(t, w, form) })
		w.script(t, "route_star_"+name, func(t *testing.T) { silenceRouter(t, w, form) })
	}
	w.script(t, "route_star_from_start", func(t *testing.T) {
		r := own(t)
		silence := r.Router2.Silent()
		p := w.start(t, r.Client, launch{file: "0 1 0 4 41 10 1 100\nweb.test\n", arguments: []string{"c.conf"}})
		next := p.awaitOutput(0, traceJSON("10.77.1.1", "*", "10.77.3.2", "10.77.10.1"))
		silence.Remove()
		next = p.awaitOutput(next, pathJSON("10.77.10.1"))
		awaitMore(p, next, 3)
		p.stop()
		checkTraces(t, p, 2)
	})
	w.script(t, "wire_ping_trace", func(t *testing.T) {
		r := own(t)
		datagrams := r.Client.Filter("output", "ip daddr 10.77.10.1 meta l4proto udp", "accept")
		echoes := r.Client.Filter("output", "ip daddr 10.77.10.1 icmp type echo-request", "accept")
		p := w.start(t, r.Client, launch{file: "1 1 0 2 41 3 0 60000\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(header, 1)
		p.stop()
		checkOutput(t, p.output(), []host{{header: header, first: together(answered, hops("10.77.1.1", "10.77.2.2", "10.77.3.2"))}})
		if n, err := datagrams.Count(); n != 3 || err != nil {
			t.Errorf("the trace of 3 hops sent %d datagrams, error %v", n, err)
		}
		if n, err := echoes.Count(); n != 2 || err != nil {
			t.Errorf("2 pings sent %d echo requests, error %v", n, err)
		}
	})
}

// awaitMore waits for more blocks behind a line number.
func awaitMore(p *process, from, blocks int) {
	p.t.Helper()
	p.await("more blocks", func() bool { return len(blocksOf(texts(p.stdout)[from:])) > blocks })
}

// checkTraces checks how often a trace was printed.
func checkTraces(t *testing.T, p *process, want int) {
	t.Helper()
	found := 0
	for _, b := range blocksOf(p.output()) {
		if text := strings.Join(b.lines, "\n"); strings.Contains(text, "10.77.3.2") {
			found++
		}
	}
	if found != want {
		t.Errorf("%d traces were printed, want %d:\n%s", found, want, strings.Join(p.output(), "\n"))
	}
	checkErrors(t, p.errors(), nil)
}

// traceForm is a file that traces web.test, and how a trace looks then.
type traceForm struct {
	file string
	form func(addresses ...string) string
}

// traceForms are the forms of both formats. Of text a line at a time is
// awaited: the hop in the middle tells the ways apart. In 4.x an unchanged
// trace prints nothing, so pings show that time goes by.
func traceForms() map[string]traceForm {
	middle := func(addresses ...string) string { return hops(addresses...)[1] }
	return map[string]traceForm{
		"text":    {"0 1 0 4 41 10 0 100\nweb.test\n", middle},
		"json":    {"0 1 0 4 41 10 1 100\nweb.test\n", traceJSON},
		"4x_text": {"web.test ping=100 numpings=1 trace=100\n", middle},
		"4x_json": {"web.test ping=100 numpings=1 trace=100 json=1\n", traceJSON4},
	}
}

// changeRoute: another router is printed, and so is the way back.
func changeRoute(t *testing.T, w *world, form traceForm) {
	r := own(t)
	p := w.start(t, r.Client, launch{file: form.file, arguments: []string{"c.conf"}})
	next := p.awaitOutput(0, form.form("10.77.1.1", "10.77.2.2", "10.77.3.2", "10.77.10.1"))
	awaitMore(p, next, 2)
	r.Reroute()
	next = p.awaitOutput(next, form.form("10.77.1.1", "10.77.2.6", "10.77.3.2", "10.77.10.1"))
	awaitMore(p, next, 2)
	r.RouteBack()
	next = p.awaitOutput(next, form.form("10.77.1.1", "10.77.2.2", "10.77.3.2", "10.77.10.1"))
	awaitMore(p, next, 2)
	p.stop()
	checkTraces(t, p, 3)
}

// silenceRouter: a hop that falls silent is not news, nor is its return.
func silenceRouter(t *testing.T, w *world, form traceForm) {
	r := own(t)
	p := w.start(t, r.Client, launch{file: form.file, arguments: []string{"c.conf"}})
	next := p.awaitOutput(0, form.form("10.77.1.1", "10.77.2.2", "10.77.3.2", "10.77.10.1"))
	silence := r.Router2.Silent()
	awaitMore(p, next, 4)
	next = len(p.output())
	if n, err := silence.Count(); n == 0 || err != nil {
		t.Errorf("the router kept silent %d times, error %v", n, err)
	}
	silence.Remove()
	awaitMore(p, next, 4)
	p.stop()
	checkTraces(t, p, 1)
}

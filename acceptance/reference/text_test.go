package reference_test

import (
	"testing"
)

// textOutput is section 4.
func textOutput(t *testing.T, w *world) {
	const header = "web.test (10.77.10.1)"
	for name, c := range map[string]struct {
		flags       string
		first, then []string
	}{
		"none_text":       {"0 0 0", together(), nil},
		"ping_only_text":  {"1 0 0", together(answered), nil},
		"trace_only_text": {"0 1 0", path("10.77.10.1"), together()},
		"scan_only_text":  {"0 0 1", together(webScan), nil},
		"ping_scan_text":  {"1 0 1", together(answered, webScan), nil},
		"ping_trace_text": {"1 1 0", together(answered, path("10.77.10.1")), together(answered)},
		"all_text":        {"1 1 1", together(answered, path("10.77.10.1"), webScan), together(answered, webScan)},
	} {
		w.run(t, row{
			name: name, launch: launch{file: c.flags + " 4 41 10 0 100\nweb.test\n"},
			runs: true, want: []host{changing(header, c.first, c.then)},
		})
	}
	w.run(
		t,
		row{
			name: "literal_ip_text", launch: launch{file: "1 1 1 4 41 10 0 100\n10.77.10.1\n"}, runs: true,
			want: []host{changing("10.77.10.1", together(answered, path("10.77.10.1"), webScan), together(answered, webScan))},
		},
		row{
			name: "doc_example", launch: launch{file: "1 0 1 10 1337 100 0 100\nweb.test\nnoserver.test\n127.0.0.1\n"}, runs: true,
			want: []host{
				{header: header, first: together(answered, webScan)},
				{
					header: "noserver.test (10.77.10.2)",
					first:  together(answered, "<ms>, 404, Unknown\t<ms>, 404, Unknown\t<ms>, 8.0.36"),
				},
				{header: "127.0.0.1", first: together(answered, noScan)},
			},
			stderr: []string{refused("127.0.0.1")},
		},
		row{
			name: "lost_first_text", launch: launch{file: "1 0 0 4 41 10 0 100\nnoping.test\n"}, runs: true,
			want: []host{{header: "noping.test (10.77.10.5)", first: together(lost)}},
		},
	)
	w.script(t, "lost_after_success_text", func(t *testing.T) {
		r := own(t)
		p := w.start(t, r.Client, launch{file: web, arguments: []string{"c.conf"}})
		next := p.awaitOutput(0, answered)
		mute := r.Mute("10.77.10.1")
		next = p.awaitOutput(p.awaitOutput(next, lost), lost)
		mute.Remove()
		p.awaitOutput(next, answered)
		p.stop()
		checkErrors(t, p.errors(), nil)
	})
	for name, c := range map[string]struct{ flag, header, want string }{
		"partial_loss":      {"0", header, "<ms>\t<ms>\t<ms>\t<ms>\t25.000"},
		"partial_loss_json": {"1", object("web.test", "10.77.10.1"), `,"ping":{"min":<ms>,"avg":<ms>,"max":<ms>,"std":<ms>,"loss":25.000000}}`},
	} {
		w.script(t, name, func(t *testing.T) {
			r := own(t)
			r.Servers.Drop("input", "ip daddr 10.77.10.1 icmp type echo-request numgen inc mod 4 == 2")
			p := w.start(t, r.Client, launch{file: "1 0 0 4 41 10 " + c.flag + " 100\nweb.test\n", arguments: []string{"c.conf"}})
			p.awaitBlocks(c.header, 2)
			p.stop()
			checkOutput(t, p.output(), []host{{header: c.header, first: []string{c.want}}})
		})
	}
}

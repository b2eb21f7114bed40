package reference_test

import (
	"regexp"
	"strings"
	"testing"
)

// portScan is section 7.
func portScan(t *testing.T, w *world) {
	for name, c := range map[string]struct {
		header, text, json string
		stderr             []string
	}{
		"svc_noserver": {
			"noserver.test 10.77.10.2", "<ms>, 404, Unknown\t<ms>, 404, Unknown\t<ms>, 8.0.36",
			`"scan":{"http":{"rtt":<ms>,"response code":"404","server":"Unknown"},` +
				`"https":{"rtt":<ms>,"response code":"404","server":"Unknown"},"mysql":{"rtt":<ms>,"version":"8.0.36"}}`,
			nil,
		},
		"svc_maria": {
			"maria.test 10.77.10.3", "<ms>, 301, Apache/2.4.57 (Debian)\tNone\t<ms>, 10.11.6-MariaDB",
			`"scan":{"http":{"rtt":<ms>,"response code":"301","server":"Apache/2.4.57 (Debian)"},` +
				`"https":"None","mysql":{"rtt":<ms>,"version":"10.11.6-MariaDB"}}`,
			[]string{notConnected("10.77.10.3")},
		},
		"svc_quote": {
			"quote.test 10.77.10.8", "<ms>, 200, we\"ird\\srv (x, y)\t<ms>, 200, nginx/1.24.0\tNone",
			`"scan":{"http":{"rtt":<ms>,"response code":"200","server":"we\"ird\\srv (x, y)"},` +
				`"https":{"rtt":<ms>,"response code":"200","server":"nginx/1.24.0"},"mysql":"None"}`,
			[]string{notConnected("10.77.10.8")},
		},
		"svc_hang": {
			"hang.test 10.77.10.9", noScan, noScanJSON, []string{timedOut("10.77.10.9")},
		},
		"svc_closer": {
			"closer.test 10.77.10.20", noScan, noScanJSON, []string{notConnected("10.77.10.20")},
		},
		"svc_late": {
			"late.test 10.77.10.21", "<ms>, 200, Unknown\t<ms>, 200, nginx/1.24.0\tNone",
			`"scan":{"http":{"rtt":<ms>,"response code":"200","server":"Unknown"},` +
				`"https":{"rtt":<ms>,"response code":"200","server":"nginx/1.24.0"},"mysql":"None"}`,
			[]string{notConnected("10.77.10.21")},
		},
		"svc_slow": {
			"slow.test 10.77.10.22", "<ms>, 200, nginx/1.24.0\t<ms>, 200, nginx/1.24.0\t<ms>, 8.0.36",
			strings.ReplaceAll(webScanJSON, "5.7.2", "8.0.36"), nil,
		},
		"svc_garbage": {
			"garbage.test 10.77.10.23", noScan, noScanJSON, []string{refused("10.77.10.23"), notConnected("10.77.10.23")},
		},
		"svc_closed":  {"closed.test 10.77.10.4", noScan, noScanJSON, []string{refused("10.77.10.4")}},
		"svc_drip":    {"drip.test 10.77.10.24", "", "", []string{notConnected("10.77.10.24")}},
		"svc_endless": {"endless.test 10.77.10.25", "", "", []string{notConnected("10.77.10.25")}},
		"secure_tls_only_default_openssl": {
			"web.test 10.77.10.1", webScan, webScanJSON, nil,
		},
	} {
		server, address, _ := strings.Cut(c.header, " ")
		if c.text == "" {
			w.script(t, name, func(t *testing.T) { bounded(t, w, server, address) })
			continue
		}
		w.run(
			t,
			row{
				name: name + "_text", launch: launch{file: "0 0 1 4 41 10 0 100\n" + server + "\n"}, runs: true,
				want: []host{{header: server + " (" + address + ")", first: together(c.text)}}, stderr: c.stderr,
			},
			row{
				name: name + "_json", launch: launch{file: "0 0 1 4 41 10 1 100\n" + server + "\n"}, runs: true,
				want: []host{{header: object(server, address), first: after(c.json)}}, stderr: c.stderr,
			},
			row{
				name: name + "_4x_text", launch: launch{file: server + " ping=0 scan=100\n"}, runs: true,
				want: []host{{header: c.header, first: together("<ts>", c.text)}}, stderr: warnings(address, c.stderr),
			},
			row{
				name: name + "_4x_json", launch: launch{file: server + " ping=0 scan=100 json=1\n"}, runs: true,
				want: []host{json4(server, address, c.json)}, stderr: warnings(address, c.stderr),
			},
		)
	}
	w.run(t, row{
		name: "closed_all_text", launch: launch{file: "1 1 1 4 41 10 0 100\nclosed.test\n"}, runs: true,
		want: []host{changing(
			"closed.test (10.77.10.4)", together(answered, path("10.77.10.4"), noScan), together(answered, noScan),
		)},
		stderr: []string{refused("10.77.10.4")},
	})
	w.script(t, "services_vanish", func(t *testing.T) {
		r := own(t)
		p := w.start(t, r.Client, launch{file: "0 0 1 4 41 10 1 100\nweb.test\n", arguments: []string{"c.conf"}})
		next := p.awaitOutput(0, webScanJSON)
		if err := r.ClosePorts("10.77.10.1"); err != nil {
			t.Fatal(err)
		}
		next = p.awaitOutput(next, noScanJSON)
		r.OpenPorts("10.77.10.1")
		p.awaitOutput(next, webScanJSON)
		p.stop()
		if !strings.Contains(strings.Join(p.errors(), "\n"), "Connection refused") {
			t.Errorf("stderr does not tell of refused connections: %q", p.errors())
		}
	})
}

// warnings is the one form of 4.x for all that 3.x says of a host's services.
func warnings(address string, stderr []string) []string {
	if len(stderr) == 0 {
		return nil
	}
	return []string{"WW: Could not connect to " + regexp.QuoteMeta(address) + ":(80|443|3306) - .+ -\t <ts>"}
}

// bounded: whatever a server does, a poll takes about the timeout of a second.
func bounded(t *testing.T, w *world, host, address string) {
	p := w.start(t, w.shared.Client, launch{file: "0 0 1 4 41 10 1 0\n" + host + "\n", arguments: []string{"c.conf"}})
	p.awaitBlocks(object(host, address), 3)
	p.stop()
	validJSON(t, p.output())
	if text := strings.Join(p.output(), "\n"); strings.Contains(text, `"mysql":{`) {
		t.Errorf("a version was made up: %s", text)
	}
}

package reference_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
)

// jsonOutput is section 5.
func jsonOutput(t *testing.T, w *world) {
	header := object("web.test", "10.77.10.1")
	for name, c := range map[string]struct {
		flags       string
		first, then []string
	}{
		"none_json":       {"0 0 0", after(), nil},
		"ping_only_json":  {"1 0 0", after(answeredJSON), nil},
		"trace_only_json": {"0 1 0", after(pathJSON("10.77.10.1")), after()},
		"scan_only_json":  {"0 0 1", after(webScanJSON), nil},
		"all_json": {
			"1 1 1", after(answeredJSON, pathJSON("10.77.10.1"), webScanJSON), after(answeredJSON, webScanJSON),
		},
	} {
		w.run(t, row{
			name: name, launch: launch{file: c.flags + " 4 41 10 1 100\nweb.test\n"},
			runs: true, want: []host{changing(header, c.first, c.then)},
		})
	}
	w.run(
		t,
		row{
			name: "literal_ip_json", launch: launch{file: "1 0 0 4 41 10 1 100\n10.77.10.1\n"}, runs: true,
			want: []host{{header: object("10.77.10.1", "10.77.10.1"), first: after(answeredJSON)}},
		},
		row{
			name: "lost_first_json", launch: launch{file: "1 0 0 4 41 10 1 100\nnoping.test\n"}, runs: true,
			want: []host{{header: object("noping.test", "10.77.10.5"), first: after(lostJSON)}},
		},
		row{
			name: "closed_all_json", launch: launch{file: "1 1 1 4 41 10 1 100\nclosed.test\n"}, runs: true,
			want: []host{changing(
				object("closed.test", "10.77.10.4"),
				after(answeredJSON, pathJSON("10.77.10.4"), noScanJSON), after(answeredJSON, noScanJSON),
			)},
			stderr: []string{refused("10.77.10.4")},
		},
		row{
			name: "black_json_defaults", launch: launch{file: "1 1 1 2 41 3 1 100\nblack.test\n"}, runs: true,
			want: []host{changing(
				object("black.test", "10.77.10.7"),
				after(lostJSON, traceJSON("10.77.1.1", "10.77.2.2", "10.77.3.2"), noScanJSON), after(lostJSON, noScanJSON),
			)},
			stderr: []string{timedOut("10.77.10.7")},
		},
		row{
			name: "doc_default_service_conf", launch: launch{file: "1 1 1 10 41 40 1 500\nlocalhost\n"}, runs: true,
			want: []host{changing(
				object("localhost", "127.0.0.1"),
				after(answeredJSON, traceJSON("127.0.0.1"), noScanJSON), after(answeredJSON, noScanJSON),
			)},
			stderr: []string{refused("127.0.0.1")},
		},
		row{
			name: "numbers_in_full", launch: launch{file: "1 0 0 2 41 10 1 100\nweb.test\n"},
			runs: true, blocks: 4, want: []host{{header: header, first: after(answeredJSON)}}, check: checkStatistics,
		},
	)
	w.script(t, "lost_after_success_json", func(t *testing.T) {
		r := own(t)
		p := w.start(t, r.Client, launch{file: "1 0 0 4 41 10 1 100\nweb.test\n", arguments: []string{"c.conf"}})
		next := p.awaitOutput(0, answeredJSON)
		mute := r.Mute("10.77.10.1")
		next = p.awaitOutput(p.awaitOutput(next, lostJSON), lostJSON)
		mute.Remove()
		p.awaitOutput(next, answeredJSON)
		p.stop()
	})
}

// checkStatistics recomputes what two pings must give: the sample deviation
// of two values is their distance by the root of two.
func checkStatistics(t *testing.T, p *process) {
	number := regexp.MustCompile(`^-?\d+\.\d{6,}$`)
	for _, text := range p.output() {
		var object struct {
			Ping map[string]json.Number `json:"ping"`
		}
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		value := map[string]float64{}
		for name, written := range object.Ping {
			f, err := written.Float64()
			if err != nil || !number.MatchString(string(written)) {
				t.Errorf("%s is %s, want at least 6 decimals", name, written)
			}
			value[name] = f
		}
		const precision = 2e-6
		if want := (value["max"] - value["min"]) / math.Sqrt2; math.Abs(value["std"]-want) > precision {
			t.Errorf("std is %v, want %v: %s", value["std"], want, text)
		}
		if want := (value["max"] + value["min"]) / 2; math.Abs(value["avg"]-want) > precision {
			t.Errorf("avg is %v, want %v: %s", value["avg"], want, text)
		}
		if strings.Contains(text, "e-") {
			t.Errorf("a number has an exponent: %s", text)
		}
	}
}

package console

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"netsonde"
)

// FuzzHostile puts the same bytes wherever a file or a network may have a say,
// and asks of every output that each line is only text, and of JSON that it
// can be read.
func FuzzHostile(f *testing.F) {
	f.Add("nginx/1.24.0", uint16(80))
	f.Add("\x1b]0;title\x07\x9b\u202e\xff\n\"}", uint16(10))
	f.Add(strings.Repeat("馬", 700), uint16(33))
	f.Add("e\u0301\u0301\u0301", uint16(200))
	f.Fuzz(func(t *testing.T, s string, columns uint16) { checkHostile(t, s, int(columns)) })
}

func checkHostile(t *testing.T, s string, columns int) {
	at := netsonde.Instant{Real: 1}
	zoned := netip.MustParseAddr("fe80::1").WithZone("e" + s)
	kinds := []netsonde.Kind{
		netsonde.KindPing, netsonde.KindTrace, netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindDNS, netsonde.KindSSH,
	}
	target := &netsonde.Target{
		Name: s, Host: s, Labels: map[string]string{s: s, "b": s}, Output: netsonde.Output{Dialect: netsonde.DialectNative},
	}
	batch := &netsonde.Batch{}
	for i, kind := range kinds {
		id := netsonde.ProbeID(i + 1)
		target.Groups = append(target.Groups, netsonde.Group{Name: kind.String() + s, Probes: []netsonde.Probe{{ID: id, Kind: kind}}})
		batch.Rounds = append(batch.Rounds, netsonde.Round{Target: target, Group: i, N: 1, Addr: zoned, Started: at})
		switch kind {
		case netsonde.KindPing:
			batch.Bursts = append(batch.Bursts, netsonde.Burst{Probe: id, Round: 1, Samples: []netsonde.Sample{
				{Outcome: netsonde.OutcomeUnreachable, From: zoned, ICMPType: 200}, {Outcome: netsonde.OutcomeOK, RTT: time.Hour},
			}})
		case netsonde.KindTrace:
			batch.Routes = append(batch.Routes, netsonde.Route{
				Probe: id, Round: 1, Changed: true, End: 200, Protocol: 200, Hops: []netsonde.Hop{{TTL: 1, Addr: zoned}, {TTL: 2}},
			})
		default:
			batch.Services = append(batch.Services, netsonde.Service{
				Probe: id, Round: 1, Kind: kind, State: netsonde.ServiceState(i), Server: s, Version: s, Answers: []string{s, s},
				TLSVersion: s, Reason: s, Certificate: &netsonde.Certificate{Subject: s, Issuer: s, Problem: s},
			})
		}
	}
	batch.Events = []netsonde.Event{
		{Kind: netsonde.EventUnresolved, Target: target, Text: s}, {Kind: netsonde.EventAddressChanged, Target: target, Old: zoned, New: zoned},
	}
	batch.Amends = []netsonde.Amend{{Probe: 1, Outcome: 200}}
	batch.Stalls = []netsonde.Stall{{Probe: 2}}

	for _, format := range []Format{FormatText, FormatJSON, FormatJSONLines} {
		var out strings.Builder
		c := New(Options{
			Results: &out, Diagnostics: NewDiagnostics(io.Discard, false, time.Now), Format: format, Node: s, Location: time.UTC,
		})
		c.Expect([]*netsonde.Target{target})
		c.Consume(batch)
		c.queue.close()
		if err := (&writer{results: &out, diagnostics: c.diagnostics}).empty(c.queue); err != nil {
			t.Fatal(err)
		}
		checkLines(t, out.String(), format != FormatText)
	}
	for _, tool := range []Tool{ToolPing, ToolTrace, ToolScan} {
		for _, asJSON := range []bool{false, true} {
			form := form{tool: tool, json: asJSON, names: func(netip.Addr) string { return s }, clock: func() time.Time { return time.Unix(0, 0) }}
			m := measured{target: target, addr: zoned}
			out := form.append(nil, &m, columns)
			waiting := newPending()
			reading := waiting.read(batch)
			for i := range batch.Rounds {
				m.findings = reading.takeEach(&batch.Rounds[i], m.findings)
			}
			for _, flows := range [][]finding{m.findings, append(m.findings, m.findings...)} {
				m.findings = flows
				out = form.append(form.appendHeader(out, target, columns), &m, columns)
			}
			form.names, form.open = nil, true
			checkLines(t, string(form.append(out, &m, columns)), asJSON)
		}
	}
	l := NewLive(LiveOptions{Plain: true, Node: s, Measuring: s, Hints: s, Clock: func() time.Time { return time.Unix(0, 0) }})
	l.Expect([]*netsonde.Target{target})
	l.Consume(batch)
	checkLines(t, string(l.frame(nil, time.Unix(0, 0))), false)
	screen := string(l.appendTable(nil, time.Second, columns, columns))
	screen = strings.NewReplacer(homeScreen, "", endOfLine, "", eraseBelow, "", "\r\n", "\n").Replace(screen)
	checkLines(t, screen+"\n", false)
	for line := range strings.Lines(screen) {
		if cells := cellsIn([]byte(strings.TrimSuffix(line, "\n"))); cells > max(columns-1, 0) {
			t.Fatalf("a line of %d cells on a terminal of %d: %q", cells, columns, line)
		}
	}
}

// checkLines asks that a text is lines of visible text only, or of JSON.
func checkLines(t *testing.T, text string, asJSON bool) {
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("no newline at the end of %q", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if !utf8.ValidString(line) {
			t.Fatalf("not UTF-8: %q", line)
		}
		for _, r := range line {
			if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Fatalf("a control or format character in %q", line)
			}
		}
		if asJSON && !json.Valid([]byte(line)) {
			t.Fatalf("not JSON: %s", line)
		}
	}
}

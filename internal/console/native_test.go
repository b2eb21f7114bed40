package console_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// nativePrinted prints the rounds with every outcome.
func nativePrinted(t *testing.T, o console.Options, plan []*netsonde.Target) string {
	t.Helper()
	return printedOf(t, o, plan, nativeBatch(plan))
}

// printedOf prints what a batch tells of a plan.
func printedOf(t *testing.T, o console.Options, plan []*netsonde.Target, batch *netsonde.Batch) string {
	t.Helper()
	o.Node = "ams1"
	var out strings.Builder
	o.Results, o.Location = &out, zone
	o.Diagnostics = console.NewDiagnostics(&strings.Builder{}, false, clock)
	c := console.New(o)
	c.Expect(plan)
	c.Consume(batch)
	if err := c.Run(ended()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return out.String()
}

func TestNativeFormats(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	for name, options := range map[string]console.Options{
		"run_text.txt":          {},
		"run_text_terminal.txt": {Format: console.FormatText, Terminal: true, Columns: func() int { return 80 }},
		"run_text_wide.txt":     {Format: console.FormatText, Terminal: true, Columns: func() int { return 120 }},
		"run_text_narrow.txt":   {Format: console.FormatText, Terminal: true, Columns: func() int { return 50 }},
		"run_json.txt":          {Format: console.FormatJSON},
		"run_jsonl.txt":         {Format: console.FormatJSONLines},
		"run_none.txt":          {Format: console.FormatNone},
	} {
		t.Run(name, func(t *testing.T) {
			text := nativePrinted(t, options, nativePlan())
			golden(t, name, text)
			for line := range strings.Lines(text) {
				if n := len([]rune(line)); options.Columns != nil && n > options.Columns() {
					t.Errorf("a line of %d characters: %s", n-1, line)
				}
			}
		})
	}
}

func TestNativeColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	golden(t, "run_text_coloured.txt", nativePrinted(t, console.Options{Terminal: true}, nativePlan()))
	t.Setenv("TERM", "dumb")
	if got := nativePrinted(t, console.Options{Terminal: true}, nativePlan()); strings.Contains(got, "\x1b") {
		t.Errorf("a dumb terminal is given escape sequences: %q", got)
	}
}

// TestNativeLines asks of every line what readers may rely on: it is JSON, and
// it begins as the contract says.
func TestNativeLines(t *testing.T) {
	for _, format := range []console.Format{console.FormatJSON, console.FormatJSONLines} {
		for line := range strings.Lines(nativePrinted(t, console.Options{Format: format}, nativePlan())) {
			checkObject(t, line)
			if !strings.Contains(line, `,"time":"2026-11-02T02:38:`) || !strings.Contains(line, `,"node":"ams1"`) {
				t.Errorf("no time or no node in %s", line)
			}
		}
	}
}

// checkObject reads a line as JSON and returns its fields.
func checkObject(t *testing.T, line string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if !strings.HasPrefix(line, `{"schema":1,"type":"`) || !strings.HasSuffix(line, "}\n") {
		t.Errorf("the line does not begin or end as it must: %s", line)
	}
	return fields
}

// TestJSONLinesHoldEverySample counts: an echo, a trace and a check each have
// their line, and so has every stall, amend, event and piece of evidence.
func TestJSONLinesHoldEverySample(t *testing.T) {
	plan := nativePlan()
	batch := nativeBatch(plan)
	want := len(batch.Routes) + len(batch.Services) + len(batch.Stalls) + len(batch.Amends) + len(batch.Events) + len(batch.Evidence)
	for i := range batch.Bursts {
		want += len(batch.Bursts[i].Samples)
	}
	got := strings.Count(nativePrinted(t, console.Options{Format: console.FormatJSONLines}, plan), "\n")
	if got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}

// TestFormatsOfOtherDialects has connmonitor's targets keep their blocks unless
// a format is asked for, which then holds for all.
func TestFormatsOfOtherDialects(t *testing.T) {
	target := watched("web.test", text3, netsonde.KindPing, netsonde.KindHTTP)
	found := report{samples: answered(100*us, 0), http: ptr(openHTTP("nginx"))}
	batch := found.batch(roundOf(target, "10.0.0.1", 1))
	block, _ := printed(t, console.Options{}, batch)
	if want := "web.test (10.0.0.1)\n0.100\t0.100\t0.100\t0.000\t50.000\n1.057, 200, nginx\tNone\tNone\n"; block != want {
		t.Errorf("printed %q, want %q", block, want)
	}
	lines, complaints := printed(t, console.Options{Format: console.FormatJSONLines}, batch)
	if strings.Count(lines, "\n") != 3 || complaints != "" {
		t.Errorf("printed\n%s%s", lines, complaints)
	}
	for line := range strings.Lines(lines) {
		checkObject(t, line)
	}
}

// TestBlocksLackNewKinds has a dialect whose blocks know three services meet
// another.
func TestBlocksLackNewKinds(t *testing.T) {
	target := watched("web.test", text3, netsonde.KindSSH)
	batch := &netsonde.Batch{
		Services: []netsonde.Service{{Probe: 1, Round: 1, Kind: netsonde.KindSSH, State: netsonde.ServiceOpen}},
		Rounds:   []netsonde.Round{roundOf(target, "10.0.0.1", 1)},
	}
	if got, _ := printed(t, console.Options{}, batch); got != "web.test (10.0.0.1)\nNone\tNone\tNone\n" {
		t.Errorf("printed %q", got)
	}
}

// TestStrangersAreNotTold has a stall and an amend of a probe that the plan does
// not hold.
func TestStrangersAreNotTold(t *testing.T) {
	batch := &netsonde.Batch{Stalls: []netsonde.Stall{{Probe: 99}}, Amends: []netsonde.Amend{{Probe: 99}}}
	if got, _ := printed(t, console.Options{Format: console.FormatJSONLines}, batch); got != "" {
		t.Errorf("printed %q", got)
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]console.Format{
		"text": console.FormatText, "json": console.FormatJSON, "jsonl": console.FormatJSONLines, "none": console.FormatNone,
	} {
		if got, err := console.ParseFormat(name); got != want || err != nil {
			t.Errorf("%s is %v, %v", name, got, err)
		}
	}
	if _, err := console.ParseFormat("xml"); err == nil || !strings.Contains(err.Error(), "text, json, jsonl or none") {
		t.Errorf("xml: %v", err)
	}
}

// TestChangedRoutesTellWhatWas tells what stood at each hop of a route that is
// news, in text and in JSON.
func TestChangedRoutesTellWhatWas(t *testing.T) {
	plan := nativePlan()
	b := &netsonde.Batch{}
	for n, step := range []struct{ was, hops []string }{
		{nil, []string{"10.0.0.1", "", "10.0.2.1", "10.0.3.1"}},
		{[]string{"10.0.0.1", "", "10.0.2.1", "10.0.3.1"}, []string{"10.0.0.1", "10.0.1.1", "", "10.0.3.1"}},
		{[]string{"10.0.0.1", "10.0.1.1", "10.0.2.1", "10.0.3.1"}, []string{"10.0.0.9", "", "10.0.2.9", "10.0.3.1"}},
		{[]string{}, []string{"10.0.0.1", "", ""}}, // silent hops are not new ones
	} {
		route := netsonde.Route{Hops: hopsOf(step.hops...), Changed: true}
		if step.was != nil {
			route.Was = addressesOf(step.was...)
		}
		with(b, round(plan[0], 2, "192.0.2.10", uint64(n+1)), route)
	}
	text, _ := printed(t, console.Options{}, b)
	var was []string
	for line := range strings.Lines(text) {
		if _, old, ok := strings.Cut(line, "  was "); ok {
			was = append(was, strings.TrimSpace(old))
		}
	}
	if got, want := strings.Join(was, ", "), "*, 10.0.2.1, 10.0.0.1, 10.0.1.1, 10.0.2.1"; got != want {
		t.Errorf("what stood there was %s, want %s, in\n%s", got, want, text)
	}
	if n := strings.Count(text, "changed"); n != 3 || strings.Count(text, "  new") != 1 {
		t.Errorf("%d routes have changed, want 3, in\n%s", n, text)
	}
	objects, _ := printed(t, console.Options{Format: console.FormatJSONLines}, b)
	for i, want := range []string{
		"", `,"was":["10.0.0.1",null,"10.0.2.1","10.0.3.1"]}`, `,"was":["10.0.0.1","10.0.1.1","10.0.2.1","10.0.3.1"]}`, `,"was":[]}`,
	} {
		line := strings.Split(objects, "\n")[i]
		if got := line[max(0, strings.LastIndex(line, `,"was"`)):]; want != "" && got != want || want == "" && strings.Contains(line, `"was"`) {
			t.Errorf("line %d tells %s, want %s", i, got, want)
		}
	}
}

// TestHopsTellLabels prints MPLS labels where a hop has them.
func TestHopsTellLabels(t *testing.T) {
	plan := nativePlan()
	b := &netsonde.Batch{}
	hops := hopsOf("10.0.0.1", "10.0.1.1", "192.0.2.10")
	hops[1].Labels = hops[1].Labels.Push(netsonde.Label{Value: 24001, TrafficClass: 2, TTL: 1})
	hops[1].Labels = hops[1].Labels.Push(netsonde.Label{Value: 16, Bottom: true, TTL: 255})
	with(b, round(plan[0], 2, "192.0.2.10", 1), netsonde.Route{Hops: hops, End: netsonde.RouteReached, Changed: true})
	text, _ := printed(t, console.Options{}, b)
	if n := strings.Count(text, "MPLS"); n != 1 || !strings.Contains(text, " ms  MPLS 24001 tc 2 ttl 1, 16 tc 0 ttl 255\n") {
		t.Errorf("%d hops have labels in\n%s", n, text)
	}
	objects, _ := printed(t, console.Options{Format: console.FormatJSONLines}, b)
	want := `,"mpls":[{"label":24001,"tc":2,"ttl":1},{"label":16,"tc":0,"ttl":255}]},{"ttl":3,`
	if strings.Count(objects, "mpls") != 1 || !strings.Contains(objects, want) {
		t.Errorf("it tells %s, want %s in it", objects, want)
	}
}

// TestTextFollowsStates tells a state's change on its line, and only there, also
// across a reload; what a terminal colours stands out then.
func TestTextFollowsStates(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	plan := nativePlan()
	var out strings.Builder
	c := console.New(console.Options{
		Results: &out, Location: zone, Terminal: true, Diagnostics: console.NewDiagnostics(&strings.Builder{}, false, clock),
	})
	c.Expect(plan)
	for n, rtt := range []time.Duration{us, us, 0, 0, us} {
		b := &netsonde.Batch{}
		with(b, round(plan[0], 1, "192.0.2.10", uint64(n+1)), answered(rtt))
		c.Consume(b)
		c.Expect(nativePlan()[:1])
	}
	if err := c.Run(ended()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		_, found, _ := strings.Cut(line, "ping#2   ")
		got = append(got, found)
	}
	want := []string{
		"\x1b[32mok\x1b[m      0.001 ms\n", "\x1b[32mok\x1b[m      0.001 ms\n",
		"\x1b[7m\x1b[31mdown\x1b[m    (was ok) unanswered\n", "\x1b[31mdown\x1b[m    unanswered\n",
		"\x1b[7m\x1b[32mok\x1b[m      (was down) 0.001 ms\n",
	}
	if !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// TestLongAddresses has addresses of all lengths on terminals of all widths: the
// name, the kind and the state are told in any case, and a pipe is told all.
func TestLongAddresses(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	const long, short = "2001:db8:1111:2222:3333:4444:5555:6666", "192.0.2.10"
	plan := nativePlan()
	for columns := range 140 {
		b := &netsonde.Batch{}
		for n, addr := range []string{long, short, ""} {
			with(b, round(plan[0], 1, addr, uint64(n+1)), answered(0))
		}
		text := printedOf(t, console.Options{Terminal: true, Columns: func() int { return columns }}, plan, b)
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			for _, word := range []string{" web ", " ping#2 ", " down"} {
				if columns >= 40 && !strings.Contains(line, word) {
					t.Errorf("%d columns: no %q in %q", columns, word, line)
				}
			}
			if n := len([]rune(line)); columns > 0 && n >= columns {
				t.Errorf("%d columns: a line of %d: %q", columns, n, line)
			}
			if wide := columns == 0 || columns > 118; wide && i == 0 && !strings.Contains(line, long) {
				t.Errorf("%d columns: the address is missing in %q", columns, line)
			}
		}
	}
}

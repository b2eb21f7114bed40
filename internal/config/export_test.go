package config

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// measured lists what a plan measures: how often each host's kind, port, size,
// count and hops are there. Bursts without an echo measure nothing.
func measured(plan *netsonde.Plan) []string {
	var all []string
	for _, target := range plan.Targets {
		for _, group := range target.Groups {
			for _, p := range group.Probes {
				if p.Kind == netsonde.KindPing && p.Count == 0 {
					continue
				}
				all = append(all, fmt.Sprintf("%s %s port %d size %d count %d hops %d spacing %v protocol %d",
					target.Host, p.Kind, p.Port, p.Size, p.Count, p.Hops, p.Spacing, p.Protocol))
			}
		}
	}
	slices.Sort(all)
	return all
}

// exported parses a connmonitor file and what it is exported to.
func exported(t *testing.T, file string) (from, to *netsonde.Plan, text string) {
	t.Helper()
	from, _, err := Parse("hosts.conf", strings.NewReader(file))
	if err != nil {
		t.Fatalf("%q: %v", file, err)
	}
	native, err := ExportNative(from, "hosts.conf")
	if len(measured(from)) == 0 && err != nil {
		return from, &netsonde.Plan{}, ""
	}
	if err != nil {
		t.Fatalf("%q: %v", file, err)
	}
	text = string(native)
	to, diagnostics, err := Parse("hosts.yaml", strings.NewReader(text))
	if err != nil || len(diagnostics) > 0 {
		t.Fatalf("%q: %v %v\n%s", file, err, diagnostics, text)
	}
	return from, to, text
}

// TestExportMeasuresTheSame reads the valid files of connmonitor's reference,
// each a quoted string on a line.
func TestExportMeasuresTheSame(t *testing.T) {
	references, err := os.Open("testdata/connmonitor/reference.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer references.Close()
	var files []string
	for lines := bufio.NewScanner(references); lines.Scan(); {
		file, err := strconv.Unquote(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files", len(files))
	}
	for _, path := range []string{"../../examples/first.conf", "../service/files/netsonde.conf"} {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(file))
	}
	for _, file := range files {
		from, to, text := exported(t, file)
		if got, want := measured(to), measured(from); !slices.Equal(got, want) {
			t.Errorf("%q: measures\n%s\nwant\n%s\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"), text)
		}
		for _, target := range to.Targets {
			for _, group := range target.Groups {
				if group.Cadence.Every < group.Probes[0].Timeout {
					t.Errorf("%q: %v of %v", file, group.Probes[0].Timeout, group.Cadence.Every)
				}
			}
		}
	}
}

func TestExportText(t *testing.T) {
	const want = `# Made from hosts.conf by netsonde import connmonitor.
#
# What differs from connmonitor:
# - Rounds start at fixed times. connmonitor paused after the end of a round;
#   here "every" is that pause and the time that a round takes where nothing is
#   amiss, which is taken to be 50ms for echoes, 100ms for a service check and
#   1s for a trace. Slow targets are therefore measured more often than they
#   were, and quick ones a little less.
# - The statistics of a host started together and waited for each other. Here
#   each has a place of its own in the interval.
# - An echo is waited for until the next round, where connmonitor waited for 1s;
#   one that comes later is told as late, with its RTT, and is no loss.
# - The answer of a service check or a trace is waited for until the next round,
#   where connmonitor waited for 1s; one that comes later is lost. A longer
#   interval makes room for a longer timeout.
# - Of a name with both, connmonitor took an IPv4 address before an IPv6 one.
#   Here the resolver's order counts; family: ipv4 takes IPv4 only.
# - The file asked for JSON: netsonde run --output json.
#
# Left out:
# - host "10.0.0.0/30": stands for several hosts here

# What the file asks for is above the default budget, in packets a second.
# connmonitor had none.
budget: {destination: 1500}

groups:
  - probes:
      - ping: {every: 550ms, count: 10, spacing: 0s, timeout: 550ms, size: 41}
    targets:
      - web.example
      - "yes"
      - {name: "web.example#2", host: web.example}
      - 192.0.2.1
      - "2001:db8::1"
  - probes:
      - ping: {every: 151ms, count: 200, spacing: 0s, timeout: 151ms, size: 1400}
      - trace: {every: 1m1s, timeout: 1s, hops: 12}
      - http: {every: 200ms, timeout: 200ms, method: HEAD}
      - https: {every: 200ms, timeout: 200ms, method: HEAD}
      - mysql: {every: 200ms, timeout: 200ms}
    targets:
      - db.example
`
	_, _, got := exported(t, "web.example\nyes\nWEB.example ping=0 trace=0 scan=1e12\nweb.example\n192.0.2.1\n2001:db8::1\n"+
		"db.example ping=303/3 numpings=200 payload=1400 trace=60000 hops=12 scan=100 json=1\n10.0.0.0/30\n")
	got, longest, _ := strings.Cut(got, "  - probes:\n      - http: {every: 30d")
	if !strings.HasPrefix(longest, ", timeout: 1s, method: HEAD}") || !strings.Contains(got, "longer than the longest interval") {
		t.Errorf("a pause of years: %s", longest)
	}
	_, _, got = exported(t, "web.example\nyes\nweb.example\n192.0.2.1\n2001:db8::1\n"+
		"db.example ping=303/3 numpings=200 payload=1400 trace=60000 hops=12 scan=100 json=1\n10.0.0.0/30\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An import keeps the pace, whatever a round is made of.
func TestExportKeepsThePace(t *testing.T) {
	for file, every := range map[string]time.Duration{
		"0 0 1 4 41 10 1 500\nweb.example\n":                  600 * time.Millisecond,
		"0 0 1 4 41 10 1 0\nweb.example\n192.0.2.1\n":         100 * time.Millisecond,
		"1 0 0 4 41 10 1 500\nweb.example\n":                  550 * time.Millisecond,
		"0 1 0 4 41 10 1 0\nweb.example\n":                    time.Second,
		"1 1 1 4 41 10 1 500\nweb.example\n":                  1500 * time.Millisecond,
		"web.example ping=500 scan=1000 trace=0 numpings=3\n": 0,
	} {
		from, to, text := exported(t, file)
		if got, want := CostOf(to).PacketsSent, CostOf(from).PacketsSent; math.Abs(got-want) > 0.001*want {
			t.Errorf("%q: %v packets/s, want %v\n%s", file, got, want, text)
		}
		for _, target := range to.Targets {
			for _, group := range target.Groups {
				if every != 0 && group.Cadence.Every != every {
					t.Errorf("%q: every %v, want %v", file, group.Cadence.Every, every)
				}
			}
		}
	}
}

func TestExportOfNothing(t *testing.T) {
	from, _, err := Parse("c.conf", strings.NewReader("0 0 0 4 41 10 1 500\nweb.example\nb.example\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := ExportNative(from, "c.conf"); err == nil || !strings.Contains(err.Error(), "import c.conf: every statistic is off for every host") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestExportLeavesOutWhatCannotBeSaid(t *testing.T) {
	for host, why := range map[string]string{
		"web[1-2]":                     "several hosts",
		"10.0.0.1-10.0.0.1":            "stands for 10.0.0.1 here",
		"web:8080":                     `no IPv6 address`,
		"web\u0085.example":            "U+0085",
		"a\u2028-\u202etargets:":       "host",
		"${HOME}":                      "host",
		"%s":                           "host",
		strings.Repeat("a.", 200):      "host",
		"xn--bcher-kva.example.\u00a0": "host",
	} {
		target := func(host string) *netsonde.Target {
			return &netsonde.Target{Name: host + "#1", Host: host, Groups: []netsonde.Group{{Probes: []netsonde.Probe{ping(1, 56, time.Second)}}}}
		}
		text, err := ExportNative(&netsonde.Plan{Targets: []*netsonde.Target{target(host), target("192.0.2.1")}}, "a\nb\x1b: [")
		if err != nil || !strings.Contains(string(text), why) {
			t.Errorf("%q: %v, %s", host, err, text)
		}
		head, rest, _ := strings.Cut(string(text), "\ngroups:\n")
		for line := range strings.Lines(head) {
			if line != "\n" && !strings.HasPrefix(line, "#") || strings.ContainsAny(line, "\x1b\u0085\u2028\u202e") {
				t.Errorf("%q: line %q", host, line)
			}
		}
		if strings.Count(rest, "\n") != 4 || !strings.HasSuffix(rest, "      - 192.0.2.1\n") {
			t.Errorf("%q: %s", host, rest)
		}
		if _, err := ExportNative(&netsonde.Plan{Targets: []*netsonde.Target{target(host)}}, ""); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q alone: %v", host, err)
		}
	}
}

func TestYAMLText(t *testing.T) {
	for _, text := range []string{
		"web", "web.example", "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "_gateway", "yes", "No", "null", "~", "on", "y",
		"1e3", "0x1f", "1_000", "12", "1.5", ".5", "2026-11-22", "-a", "a: b", "a #b", "[a]", "{a", "*a", "&a", "!a", "|", ">",
		"'a'", `"a"`, `a\b`, "@a", "`a", "%a", "", " ", "$", "${HOME}", "$$", "a\tb", "ü", "\u2028", "true.example", "e1", "nan", "inf", "infinity", "web#2",
	} {
		s := parseYAML("x.yaml", []byte("a: "+yamlText(text)))
		s.lookup = func(string) (string, bool) { return "from the environment", true }
		got, _ := s.scalar(s.mapping(s.body, "a").values["a"])
		if got != text {
			t.Errorf("%q is written %s and read %q", text, yamlText(text), got)
		}
	}
}

func TestInitial(t *testing.T) {
	text, err := Initial([]string{"192.0.2.1", "web.example", "192.0.2.1", "fe80::1%eth0", "10.0.0.0/29", "web[01-03].example"})
	if err != nil {
		t.Fatal(err)
	}
	plan, diagnostics, err := Parse("x.yaml", strings.NewReader(string(text)))
	if err != nil || len(diagnostics) > 0 {
		t.Fatalf("%v %v\n%s", err, diagnostics, text)
	}
	if len(plan.Targets) != 3+6+3 {
		t.Errorf("%d targets\n%s", len(plan.Targets), text)
	}
	before, example, _ := strings.Cut(string(text), "\n# A service")
	withExample(t, before+strings.ReplaceAll("\n# A service"+example, "\n# ", "\n"), "\nA service", len(plan.Targets)+1)
	if _, err := Initial([]string{"web.example", "not a host"}); err == nil {
		t.Error("no host is taken")
	}
}

func TestInitialFound(t *testing.T) {
	addrs := func(all ...string) (parsed []netip.Addr) {
		for _, one := range all {
			parsed = append(parsed, netip.MustParseAddr(one))
		}
		return parsed
	}
	text := InitialFound(addrs("192.0.2.1", "fe80::1%eth0"), addrs("192.0.2.1", "127.0.0.53"), addrs("9.9.9.9"))
	plan, diagnostics, err := Parse("x.yaml", strings.NewReader(string(text)))
	if err != nil || len(diagnostics) > 0 {
		t.Fatalf("%v %v\n%s", err, diagnostics, text)
	}
	var got []string
	for _, target := range plan.Targets {
		line := target.Name + " " + target.Host + " " + target.Labels["role"]
		for _, group := range target.Groups {
			line += " " + group.Name
		}
		got = append(got, line)
	}
	want := []string{"gateway 192.0.2.1 gateway ping dns", "gateway-2 fe80::1%eth0 gateway ping", "resolver-2 127.0.0.53 resolver dns", "far 9.9.9.9 far ping trace"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	withExample(t, strings.ReplaceAll(string(text), "\n  # ", "\n  "), "\n  A service", len(plan.Targets)+1)
}

// withExample reads a configuration whose example is no comment any more.
func withExample(t *testing.T, text, introduction string, targets int) {
	t.Helper()
	before, after, found := strings.Cut(text, introduction)
	_, after, _ = strings.Cut(after, "\n")
	plan, _, err := Parse("x.yaml", strings.NewReader(before+"\n"+after))
	if err != nil || !found {
		t.Fatalf("with the example (%v): %v\n%s", found, err, text)
	}
	if len(plan.Targets) != targets {
		t.Errorf("%d targets with the example, want %d\n%s", len(plan.Targets), targets, text)
	}
}

func FuzzExport(f *testing.F) {
	f.Add("1 1 1 4 41 10 0 100\nweb.test\nweb.test\n10.0.0.0/24\n")
	f.Add("yes ping=1/3 numpings=3\n::1 trace=1e9 hops=255 scan=1\n")
	f.Fuzz(func(t *testing.T, file string) {
		from, _, err := Parse("hosts.conf", strings.NewReader(file))
		if err != nil || len(from.Targets) > 100 || len(from.Targets) > 0 && from.Targets[0].Output.Dialect == netsonde.DialectNative {
			return
		}
		text, err := ExportNative(from, "hosts.conf")
		if err != nil {
			return
		}
		to, _, err := Parse("hosts.yaml", bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		said := &netsonde.Plan{}
		for _, target := range from.Targets {
			if asOneHost(target.Host) == "" {
				said.Targets = append(said.Targets, target)
			}
		}
		if got, want := measured(to), measured(said); !slices.Equal(got, want) {
			t.Errorf("measures %q, want %q\n%s", got, want, text)
		}
	})
}

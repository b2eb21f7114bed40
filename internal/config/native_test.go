package config

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// described renders a native plan, one line a probe.
func described(plan *netsonde.Plan) string {
	var out strings.Builder
	for _, t := range plan.Targets {
		fmt.Fprintf(&out, "%s host=%s", t.Name, t.Host)
		if t.Family != netsonde.FamilyAny {
			fmt.Fprintf(&out, " family=%d", t.Family)
		}
		if len(t.Labels) > 0 {
			fmt.Fprintf(&out, " %v", t.Labels)
		}
		if t.Stable {
			out.WriteString(" stable")
		}
		out.WriteByte('\n')
		for _, g := range t.Groups {
			for _, p := range g.Probes {
				fmt.Fprintf(&out, "  %s every=%v timeout=%v", g.Name, g.Cadence.Every, p.Timeout)
				if p.Count > 0 {
					fmt.Fprintf(&out, " %dx%d/%v", p.Count, p.Size, p.Spacing)
				}
				if p.Hops > 0 {
					fmt.Fprintf(&out, " hops=%d protocol=%d flow=%d", p.Hops, p.Protocol, p.Flow)
				}
				if p.Port > 0 {
					fmt.Fprintf(&out, " port=%d", p.Port)
				}
				if p.DSCP > 0 || p.DontFragment || p.Ordinal > 0 || p.Source.IsValid() {
					fmt.Fprintf(&out, " dscp=%d df=%v ordinal=%d source=%v", p.DSCP, p.DontFragment, p.Ordinal, p.Source)
				}
				if p.Check != nil {
					fmt.Fprintf(&out, " %+v", *p.Check)
				}
				out.WriteByte('\n')
			}
		}
	}
	return out.String()
}

func native(t *testing.T, text string, files map[string]string) *Configuration {
	t.Helper()
	c, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(files))
	if err != nil || len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	for _, broken := range nativeViolations(c) {
		t.Error(broken)
	}
	return c
}

func TestNativePlans(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		files      map[string]string
	}{
		"the shortest": {text: "targets: [192.0.2.1]", want: "192.0.2.1 host=192.0.2.1\n  ping every=10s timeout=2s 1x56/100ms\n"},
		"JSON is YAML": {text: `{"targets": ["192.0.2.1"]}`, want: "192.0.2.1 host=192.0.2.1\n  ping every=10s timeout=2s 1x56/100ms\n"},
		"probe before group before file before built in": {
			text: `
defaults: {every: 20s, ping: {size: 100B, count: 2}, http: {timeout: 3s}}
groups:
  - defaults: {every: 40s, ping: {count: 3}}
    probes: [{ping: {count: 4, every: 1d}}, ping, http]
    targets: [192.0.2.1]
`,
			want: `192.0.2.1 host=192.0.2.1
  ping every=24h0m0s timeout=2s 4x100/100ms
  ping#2 every=40s timeout=2s 3x100/100ms dscp=0 df=false ordinal=1 source=invalid IP
  http every=40s timeout=3s port=80 {ServerName: Method: Path: Status:[] Verify:false Question: QuestionType: Answer:}
`,
		},
		"a group's interval goes before a kind's of the file": {
			text: "defaults: {ping: {every: 20s}}\ngroups: [{defaults: {every: 40s}, targets: [a.example]}]",
			want: "a.example host=a.example\n  ping every=40s timeout=2s 1x56/100ms\n",
		},
		"a default timeout shrinks": {
			text: "defaults: {ping: {timeout: 5s}}\ntargets: [{host: 192.0.2.1, probes: [{ping: {every: 500ms, count: 3, spacing: 100ms}}]}]",
			want: "192.0.2.1 host=192.0.2.1\n  ping every=500ms timeout=300ms 3x56/100ms\n",
		},
		"a timeout given further out than the interval shrinks": {
			text: "defaults: {timeout: 5s}\ngroups: [{defaults: {every: 3s}, targets: [a.example, {host: b.example, probes: [{ping: {every: 2s}}, ssh]}]}]",
			want: "a.example host=a.example\n  ping every=3s timeout=3s 1x56/100ms\n" +
				"b.example host=b.example\n  ping every=2s timeout=2s 1x56/100ms\n  ssh every=3s timeout=3s port=22\n",
		},
		"labels": {
			text: "groups: [{labels: {a: 1, b: 2}, targets: [{name: n, host: h.example, stable: true, labels: {b: x, c: 'true'}}]}]",
			want: "n host=h.example map[a:1 b:x c:true] stable\n  ping every=10s timeout=2s 1x56/100ms\n",
		},
		"families of a name": {
			text: "targets: [{name: n, host: h.example, probes: [ping, {ping: {family: ipv4}}, {ping: {family: ipv6}}, {ssh: {family: ipv6}}]}]",
			want: `n host=h.example
  ping every=10s timeout=2s 1x56/100ms
n/ipv4 host=h.example family=2
  ping every=10s timeout=2s 1x56/100ms
n/ipv6 host=h.example family=3
  ping every=10s timeout=2s 1x56/100ms
  ssh every=30s timeout=1s port=22
`,
		},
		"one family for all": {
			text: "targets: [{name: n, host: h.example, probes: [{ping: {family: ipv6}}]}, {host: x.example, family: ipv4}]",
			want: "n host=h.example family=3\n  ping every=10s timeout=2s 1x56/100ms\nx.example host=x.example family=2\n  ping every=10s timeout=2s 1x56/100ms\n",
		},
		"a default family leaves addresses alone": {
			text: "defaults: {family: ipv6, source: '2001:db8::9'}\ntargets: [192.0.2.1, 'fe80::1%eth0', h.example]",
			want: `192.0.2.1 host=192.0.2.1
  ping every=10s timeout=2s 1x56/100ms
fe80::1%eth0 host=fe80::1%eth0
  ping every=10s timeout=2s 1x56/100ms dscp=0 df=false ordinal=0 source=2001:db8::9
h.example host=h.example family=3
  ping every=10s timeout=2s 1x56/100ms dscp=0 df=false ordinal=0 source=2001:db8::9
`,
		},
		"every kind": {
			text: `
targets:
  - host: h.example
    probes:
      - ping: {dscp: 46, dont_fragment: true, size: 1.4kB}
      - trace: {protocol: icmp, flows: 2, hops: 20}
      - trace: {protocol: tcp}
      - trace: {protocol: udp, port: 33434}
      - http: {method: GET, path: /, host: www.example, status: [200, 204]}
      - http: {method: GET, path: /}
      - https: {path: /x?y=1, verify: true}
      - tcp: {port: 8443}
      - tls
      - dns
      - dns: {question: example.com, answer: 192.0.2.1}
      - ssh:
      - mysql: {}
`,
			want: `h.example host=h.example
  ping every=10s timeout=2s 1x1400/100ms dscp=46 df=true ordinal=0 source=invalid IP
  trace every=5m0s timeout=1s hops=20 protocol=1 flow=0
  trace every=5m0s timeout=1s hops=20 protocol=1 flow=1
  trace#2 every=5m0s timeout=1s hops=30 protocol=2 flow=0 port=80
  trace#3 every=5m0s timeout=1s hops=30 protocol=0 flow=0 port=33434
  http every=30s timeout=1s port=80 {ServerName:www.example Method: Path: Status:[200 204] Verify:false Question: QuestionType: Answer:}
  http#2 every=30s timeout=1s port=80 {ServerName: Method: Path: Status:[] Verify:false Question: QuestionType: Answer:}
  https every=30s timeout=1s port=443 {ServerName: Method: Path:/x?y=1 Status:[] Verify:true Question: QuestionType: Answer:}
  tcp every=30s timeout=1s port=8443
  tls every=30s timeout=1s port=443
  dns every=30s timeout=1s port=53
  dns#2 every=30s timeout=1s port=53 {ServerName: Method: Path: Status:[] Verify:false Question:example.com QuestionType:A Answer:192.0.2.1}
  ssh every=30s timeout=1s port=22
  mysql every=30s timeout=1s port=3306
`,
		},
		"variables": {
			text: "targets: [{name: '${SET}-${UNSET:-x}-$$-$y', host: h.example, probes: [{ping: {count: '${UNSET:-7}', timeout: 1s}}]}]",
			want: "set-x-$-$y host=h.example\n  ping every=10s timeout=1s 7x56/100ms\n",
		},
		"hosts in an order": {
			text: "targets: [b.example, 192.0.2.0/30, '192.0.2.9-10', 'a[08-10].example']\ngroups: [{targets: [z.example]}]",
			want: strings.ReplaceAll("b.example 192.0.2.1 192.0.2.2 192.0.2.9 192.0.2.10 a08.example a09.example a10.example z.example ",
				" ", "\n  ping every=10s timeout=2s 1x56/100ms\n"),
		},
		"included files see the defaults around them": {
			text:  "include: [d/*.yaml]\ndefaults: {ping: {count: 2}}",
			files: map[string]string{"d/a.yaml": "include: [../b.yaml]\ndefaults: {every: 20s}\ntargets: [a.example]", "b.yaml": "targets: [b.example]"},
			want:  "b.example host=b.example\n  ping every=20s timeout=2s 2x56/100ms\na.example host=a.example\n  ping every=20s timeout=2s 2x56/100ms\n",
		},
		"target files": {
			text: "file_sd: [{files: [t.json, t.yml], labels: {a: x, b: x}, probes: [tcp, {tls: {port: 1}}, ssh]}]",
			files: map[string]string{
				"t.json": `[{"targets": ["a.example:25", "[2001:db8::1]:26"], "labels": {"__meta_x": "no", "b": "y"}}]`,
				"t.yml":  "- targets: ['b.example:9']\n",
			},
			want: `a.example:25 host=a.example map[a:x b:y]
  tcp every=30s timeout=1s port=25
  tls every=30s timeout=1s port=25
  ssh every=30s timeout=1s port=22
[2001:db8::1]:26 host=2001:db8::1 map[a:x b:y]
  tcp every=30s timeout=1s port=26
  tls every=30s timeout=1s port=26
  ssh every=30s timeout=1s port=22
b.example:9 host=b.example map[a:x b:x]
  tcp every=30s timeout=1s port=9
  tls every=30s timeout=1s port=9
  ssh every=30s timeout=1s port=22
`,
		},
		"anchors and merges": {
			text: "defaults: &d {every: 20s}\ngroups:\n  - targets: [a.example]\n    defaults: {<<: *d, ping: {count: 2}}\n",
			want: "a.example host=a.example\n  ping every=20s timeout=2s 2x56/100ms\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := described(native(t, c.text, c.files).Plan)
			if !strings.Contains(c.want, "host=") {
				// Only names and probes are wanted.
				for _, line := range strings.Split(got, "\n") {
					if name, _, ok := strings.Cut(line, " host="); ok {
						got = strings.Replace(got, line, name, 1)
					}
				}
			}
			if got != c.want {
				t.Errorf("plan:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

func TestNativeBesideThePlan(t *testing.T) {
	c := native(t, "node: ams1\nresolve: 5m\nbudget: {rate: 5}\nfile_sd: [{files: [t/*.json]}]\ntargets: [192.0.2.1]", nil)
	if !c.Native || c.Plan.Node != "ams1" || c.Plan.ResolveEvery != 5*time.Minute || c.Budget != (Budget{5, 100, 2000}) ||
		strings.Join(c.Files, " ") != "c.yaml" || strings.Join(c.TargetFiles, " ") != "t/*.json" {
		t.Errorf("%+v, %+v", c, c.Plan)
	}
}

// A long list is read past the YAML parser and comes to the same.
func TestLongListsAreLikeShortOnes(t *testing.T) {
	const head = "defaults: {ping: {every: 1m}}\ngroups:\n- labels: {a: b}\n  targets:\n"
	entries := []string{
		"  - 192.0.2.1", "  - web.example   # a comment", "  -   10.0.0.0/30", "  - \"quoted.example\"", "", "# a comment", "  - fe80::1%eth0",
		"  - name: long\n    host: h.example\n    probes:\n      - ping: {count: 2}\n      - ssh", "  - {name: short, host: 192.0.2.77}",
		"  - ${SET}.example", "  - plain", "  - &a anchored.example", "  - ::1",
	}
	text := head + strings.Join(entries, "\n") + "\n"
	long := text + strings.Repeat("\n  # padding", longList+10) + "\n  - last.example\n  probes: [ping, ssh]\ntargets: [after.example]\n"
	short := text + "  - last.example\n  probes: [ping, ssh]\ntargets: [after.example]\n"
	if lists := longLists(strings.Split(long, "\n")); len(lists) != 1 {
		t.Fatalf("%+v", lists)
	}
	a, b := described(native(t, short, nil).Plan), described(native(t, long, nil).Plan)
	if a != b {
		t.Errorf("short:\n%s\nlong:\n%s", a, b)
	}
}

// What is wrong in a long list is told with its place.
func TestErrorsInLongLists(t *testing.T) {
	var text strings.Builder
	text.WriteString("targets:\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "  - 10.0.%d.%d\n", i/250, i%250)
	}
	text.WriteString("  - {host: x.example, colour: red}\n  - 10.0.0.7\n  - 10.0.0.300\n  - [\nnode: [a]\n")
	_, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text.String()), isolated(nil))
	if err == nil {
		t.Fatal("it is taken")
	}
	var got strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintln(&got, d.Text)
	}
	const want = `c.yaml:3002:23: unknown field "colour"
c.yaml:3003:5: the name "10.0.0.7" is taken at c.yaml:9:5: give one of them another name
c.yaml:3004:5: host "10.0.0.300": ends in a number but is no IPv4 address: write four numbers from 0 to 255 without leading zeros, as in 192.0.2.1
c.yaml:3005:5: sequence end token ']' not found
c.yaml:3006:7: give a single value
`
	if got.String() != want {
		t.Errorf("told:\n%swant:\n%s", got.String(), want)
	}
}

// The format is told from the others by the first line that says something.
func TestRecognisingTheFormat(t *testing.T) {
	for text, native := range map[string]bool{
		"targets: [192.0.2.1]":            true,
		"# a comment\n\n---\ntargets: []": true,
		"targts:\n- a":                    true,
		"x-y: 1":                          true,
		"{targets: [a]}":                  true,
		"- a":                             true,
		"targets : [192.0.2.1]":           true,
		"10 10 30 1 1":                    false,
		"192.0.2.1 ping=500":              false,
		"fe80::":                          false,
		"2001:db8:: ping=500":             false,
		"host.example":                    false,
		"web:80":                          false,
		"::":                              false,
		":":                               false,
	} {
		if got := beginsNative(cutComment(strings.Fields(strings.ReplaceAll(text, "# a comment\n", "")))); got != native {
			t.Errorf("%q: native %v", text, got)
		}
		_, diagnostics, _ := Parse("hosts.yml", strings.NewReader(text))
		for _, d := range diagnostics {
			if strings.Contains(d.Text, "Unable to resolve") || d.Type != "" {
				t.Errorf("%q is not native by its name: %s", text, d.Text)
			}
		}
	}
	plan, _, err := Parse("c.conf", strings.NewReader("# a comment\n\ntargets: [192.0.2.1]\n"))
	if err != nil || len(plan.Targets) != 1 || plan.Targets[0].Output.Dialect != netsonde.DialectNative {
		t.Errorf("%v, %v", plan, err)
	}
}

// Saying what holds anyway changes no identity, nor does how often.
func TestNativeIdentities(t *testing.T) {
	id := func(probe string) netsonde.ProbeID {
		return native(t, "targets: [{host: 192.0.2.1, probes: ["+probe+"]}]", nil).Plan.Targets[0].Groups[0].Probes[0].ID
	}
	for _, same := range [][2]string{
		{"ping", "{ping: {every: 1s, count: 3, size: 0, family: any}}"},
		{"http", "{http: {path: /, method: GET, port: 80}}"},
		{"trace", "{trace: {protocol: udp, hops: 3}}"},
	} {
		if id(same[0]) != id(same[1]) {
			t.Errorf("%s and %s are two", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"ping", "{ping: {dscp: 1}}"}, {"http", "{http: {path: /x}}"}, {"trace", "{trace: {protocol: icmp}}"}} {
		if id(other[0]) == id(other[1]) {
			t.Errorf("%s and %s are one", other[0], other[1])
		}
	}
}

func TestNativeExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		c, diagnostics, err := NewLoader(file).Load(context.Background())
		if err != nil || len(diagnostics) > 0 {
			t.Error(diagnostics)
			continue
		}
		for _, broken := range nativeViolations(c) {
			t.Error(broken)
		}
		if filepath.Base(file) == "fleet.yaml" && len(c.Plan.Targets) < 9000 {
			t.Errorf("%d targets", len(c.Plan.Targets))
		}
	}
}

// Few lines cannot ask for more memory than there is.
func TestTooManyProbes(t *testing.T) {
	const text = `groups:
  - probes:
      - trace: {flows: 16, every: 1d}
      - trace: {protocol: icmp, flows: 16, every: 1d}
    targets: [10.0.0.0/14, 10.8.0.0/14]
`
	_, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(nil))
	const want = `c.yaml:5:15: "10.0.0.0/14" makes 8388544 probes with 32 a host, and all together may be 4194304: give fewer hosts, probes or flows`
	if err == nil || len(diagnostics) != 1 || diagnostics[0].Text != want {
		t.Errorf("%v", diagnostics)
	}
}

// Networks that overlap are one mistake.
func TestClashesOfNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"targets: [10.0.0.0/20, 10.0.0.0/20]":                       `c.yaml:1:24: 4094 names are taken at c.yaml:1:11, the first is "10.0.0.1": leave out what is there twice`,
		"targets: [10.0.0.0/30, 10.0.0.2, 10.0.0.1-10.0.0.2, a, a]": `c.yaml:1:24: the name "10.0.0.2" is taken at c.yaml:1:11: give one of them another name|c.yaml:1:34: 2 names are taken at c.yaml:1:11, the first is "10.0.0.1": leave out what is there twice|c.yaml:1:56: the name "a" is taken at c.yaml:1:53: give one of them another name`,
	} {
		_, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), isolated(nil))
		var got []string
		for _, d := range diagnostics {
			got = append(got, d.Text)
		}
		if err == nil || strings.Join(got, "|") != want {
			t.Errorf("%s: %v, want %s", text, strings.Join(got, "\n"), want)
		}
	}
}

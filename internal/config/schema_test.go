package config

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var updateDocuments = flag.Bool("update-documents", false, "write the schema and the reference into docs")

const (
	schemaFile    = "../../docs/netsonde.schema.json"
	referenceFile = "../../docs/configuration.md"
	updateCommand = "go test ./internal/config -run Documents -update-documents"
)

func TestDocumentsAreFresh(t *testing.T) {
	page, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- reference: written by " + updateCommand + " -->\n", "<!-- end of reference -->"
	before, rest, begins := strings.Cut(string(page), begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no place for the reference, between %q and %q", referenceFile, begin, end)
	}
	for file, want := range map[string]string{
		schemaFile:    string(Schema()),
		referenceFile: before + begin + "\n" + Reference() + "\n" + end + after,
	} {
		if *updateDocuments {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is stale; run %s", file, updateCommand)
		}
	}
}

// compiledSchema is the schema, or a definition of it if that is not "".
func compiledSchema(t *testing.T, definition string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("netsonde.json", document); err != nil {
		t.Fatal(err)
	}
	name := "netsonde.json"
	if definition != "" {
		name += "#/$defs/" + definition
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate returns what is wrong with a YAML text, also when it is no YAML.
func validate(schema *jsonschema.Schema, text []byte) error {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func TestSchemaIsOneOfItsDialect(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	meta, err := compiler.Compile(schemaDialect)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := meta.Validate(document); err != nil {
		t.Error(err)
	}
}

// alone is what a mapping needs beside any one of its keys.
func alone(mapping, key string) string {
	needs := map[string]string{"file": "targets", "group": "targets", "target": "host", "file_sd": "files"}
	switch need := needs[mapping]; need {
	case "", key:
		return ""
	case "host":
		return "\nhost: web.example"
	default:
		return "\n" + need + ": [web.example]"
	}
}

func TestExamplesOfTheDescriptionFitTheSchema(t *testing.T) {
	description := Describe()
	for i, mapping := range description.Mappings {
		definition := mapping.Name
		if i == 0 {
			definition = ""
		}
		schema := compiledSchema(t, definition)
		for _, key := range mapping.Keys {
			if err := validate(schema, []byte(key.Example+alone(mapping.Name, key.Name))); err != nil {
				t.Errorf("%s: %s: %v", mapping.Name, key.Example, err)
			}
			if key.Default == "" || strings.HasPrefix(key.Default, "(") {
				continue
			}
			if err := validate(schema, []byte(key.Name+": "+key.Default+alone(mapping.Name, key.Name))); err != nil {
				t.Errorf("%s: the default of %s: %v", mapping.Name, key.Name, err)
			}
		}
	}
}

func TestSchemaOfValues(t *testing.T) {
	schema := compiledSchema(t, "")
	for text, fits := range map[string]bool{
		"targets: [192.0.2.1]":                                     true,
		"targets: []":                                              false,
		"groups: []":                                               false,
		"include: []":                                              false,
		"groups: []\ntargets: [a]":                                 true,
		"groups:\ntargets: [a]":                                    true,
		"groups: [{targets: []}]":                                  false,
		"targets:":                                                 false,
		"defaults:\ntargets: [a]":                                  true,
		"budget:\ntargets: [a]":                                    true,
		"defaults: {ping: }\ntargets: [a]":                         true,
		"node: ''\ntargets: [a]":                                   false,
		"node: ' a'\ntargets: [a]":                                 false,
		"targets: [{name: '', host: a}]":                           false,
		"resolve: 0s\ntargets: [a]":                                false,
		"resolve: +5s\ntargets: [a]":                               false,
		"resolve: 5s\ntargets: [a]":                                true,
		"resolve: 24h\ntargets: [a]":                               true,
		"resolve: 25h\ntargets: [a]":                               false,
		"resolve: 0.5m\ntargets: [a]":                              true,
		"resolve: 1.5e3ms\ntargets: [a]":                           false,
		"resolve: 1s1d\ntargets: [a]":                              false,
		"resolve: '5'\ntargets: [a]":                               false,
		"file_sd: [{files: []}]\ntargets: [a]":                     false,
		"file_sd: [{files: }]\ntargets: [a]":                       false,
		"targets: [{host: a, labels: }]":                           true,
		"targets: [{host: a, probes: [{ping: }]}]":                 true,
		"targets: [{host: a, probes: [{trace: }]}]":                true,
		"targets: [{host: a, probes: [{ping: {every: 50ms}}]}]":    false,
		"targets: [{host: a, probes: [{ping: {every: 99999us}}]}]": false,
		"targets: [{host: a, probes: [{ping: {every: 100ms, timeout: 9ms}}]}]": true,
		"targets: [{host: a, probes: [{ping: {every: 30d}}]}]":                 true,
		"targets: [{host: a, probes: [{ping: {every: 31d}}]}]":                 false,
		"targets: [{host: a, probes: [{ping: {every: 1d12h}}]}]":               true,
		"targets: [{host: a, probes: [{ping: {every: 721h}}]}]":                false,
		"targets: [{host: a, probes: [{ping: {size: 70000B}}]}]":               false,
		"targets: [{host: a, probes: [{ping: {size: 65507B}}]}]":               true,
		"targets: [{host: a, probes: [{ping: {size: '65508'}}]}]":              false,
		"targets: [{host: a, probes: [{ping: {size: 64KiB}}]}]":                false,
		"targets: [{host: a, probes: [{ping: {size: 63KiB}}]}]":                true,
		"targets: [{host: a, probes: [{ping: {size: 1MB}}]}]":                  false,
		"targets: [{host: a, probes: [{ping: {size: '1e3'}}]}]":                false,
		"targets: [{host: a, probes: [{ping: {count: '3', timeout: 1s}}]}]":    true,
		"targets: [{host: a, probes: [{ping: {count: '0'}}]}]":                 false,
		"targets: [{host: a, probes: [{ping: {count: 3.5}}]}]":                 false,
		"targets: [{host: a, probes: [{ping: {dscp: '64'}}]}]":                 false,
		"targets: [{host: a, probes: [{ping: {dont_fragment: 'true'}}]}]":      true,
		"targets: [{host: a, probes: [{ping: {dont_fragment: 'yes'}}]}]":       false,
		"targets: [{host: a, probes: [{http: {status: ['200', 204]}}]}]":       true,
		"targets: [{host: a, probes: [{http: {status: ['99']}}]}]":             false,
		"targets: [a]\ntarget: [192.0.2.1]":                                    false,
		"targets: 192.0.2.1":                                                   false,
		"targets: [{host: a, probes: [ping, {http: {status: [200]}}]}]":        true,
		"targets: [{host: a, probes: [pong]}]":                                 false,
		"targets: [{host: a, probes: [{ping: {}, ssh: {}}]}]":                  false,
		"targets: [{host: a, probes: []}]":                                     false,
		"targets: [{labels: {site: ams}}]":                                     false,
		"targets: [{name: a, labels: {rack: 12, spare: true, site: ams}}]":     true,
		"targets: [{name: a, labels: {site: [ams]}}]":                          false,
		"targets: [{host: a, probes: [{ping: {every: 10}}]}]":                  false,
		"targets: [{host: a, probes: [{ping: {every: 1m30s}}]}]":               true,
		"targets: [{host: a, probes: [{ping: {every: '${EVERY:-10s}'}}]}]":     true,
		"targets: [{host: a, probes: [{ping: {every: $EVERY}}]}]":              false,
		"targets: [{host: a, probes: [{ping: {count: 0}}]}]":                   false,
		"targets: [{host: a, probes: [{ping: {count: '${COUNT}'}}]}]":          true,
		"targets: [{host: a, probes: [{ping: {count: 65536}}]}]":               false,
		"targets: [{host: a, probes: [{ping: {size: 1.4kB, dscp: 63}}]}]":      true,
		"targets: [{host: a, probes: [{ping: {size: 1.4 apples}}]}]":           false,
		"targets: [{host: a, probes: [{ping: {dont_fragment: maybe}}]}]":       false,
		"targets: [{host: a, probes: [{ping: {source: 'fe80::1%eth0'}}]}]":     true,
		"targets: [{host: a, probes: [{ping: {source: localhost}}]}]":          false,
		"targets: [{host: a, probes: [{trace: {protocol: sctp}}]}]":            false,
		"targets: [{host: a, probes: [{http: {status: [99]}}]}]":               false,
		"targets: [{host: a, probes: [{ping: {path: /}}]}]":                    false,
		"targets: [{host: a, labels: {my-site: ams}}]":                         false,
		"targets: [{host: a, labels: {__site: ams}}]":                          false,
		"targets: [{host: a, labels: {_1site: ams, _: b}}]":                    true,
		"targets: [{host: a, probes: [{http: {path: health}}]}]":               false,
		"targets: [{host: a, probes: [{http: {path: '${HEALTH:-/health}'}}]}]": true,
		"targets: [{host: a, probes: [{trace: {protocol: icmp, port: 80}}]}]":  false,
		"targets: [{host: a, probes: [{trace: {protocol: tcp, port: 80}}]}]":   true,
		"targets: [{host: a, probes: [{ping: {spacing: 0}}]}]":                 true,
		"targets: [{host: a, probes: [{ping: {timeout: 0}}]}]":                 false,
		"defaults: {every: 1m}":                                                false,
		"groups: [{name: routers}]":                                            false,
		"groups: [{targets: [a], defaults: {ping: {every: 1s}}}]":              true,
		"targets: [a]\ndefaults: {ping: {evry: 1s}}":                           false,
		"file_sd: [{files: [targets/*.json], labels: {a: b}}]":                 true,
		"file_sd: [{labels: {a: b}}]":                                          false,
		"defaults: &d {every: 10s}\ngroups: [{targets: [a], defaults: *d}]":    true,
		"targets: [a]\nbudget: {rate: 0}":                                      false,
		"[]":                                                                   false,
	} {
		if err := validate(schema, []byte(text)); (err == nil) != fits {
			t.Errorf("%s: %v, want it to fit: %v", text, err, fits)
		}
		around := isolated(nil)
		around.lookup = func(string) (string, bool) { return "", false }
		if _, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte(text), around); (err == nil) != fits && !strings.Contains(text, "${COUNT}") {
			t.Errorf("%s: the program says %v, and the schema that it fits: %v", text, diagnostics, fits)
		}
	}
}

// A range of numbers matches just these, and whole durations of one unit.
func TestPatternsOfRanges(t *testing.T) {
	for _, c := range [][2]int64{{0, 0}, {0, 9}, {1, 10}, {5, 120}, {7, 63}, {99, 101}, {100, 599}, {0, 1105}, {998, 1001}} {
		pattern := regexp.MustCompile(`^(` + wholeNumbers(c[0], c[1]) + `)$`)
		for n := range int64(1300) {
			if pattern.MatchString(strconv.FormatInt(n, 10)) != (n >= c[0] && n <= c[1]) {
				t.Errorf("%d in %v: %s", n, c, pattern)
			}
		}
	}
	key := everyKey("")
	pattern := regexp.MustCompile(patternOf(key))
	for text, fits := range map[string]bool{
		"100ms": true, "99ms": false, "0100ms": true, "100000000ns": true, "99999999ns": false, "720h": true, "2592000s": true, "2592001s": false,
		"1m30s": true, ".5s": true, "s": false, "1.s": true, "10": false, "1d2d": false, "43200m": true, "43201m": false, "100000µs": true,
	} {
		if pattern.MatchString(text) != fits {
			t.Errorf("%s fits: %v", text, !fits)
		}
		if _, err := parseDuration(text); (err == nil) != fits && !strings.ContainsAny(text, "0123456789") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSchemaTakesTheExamples(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	schema := compiledSchema(t, "")
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSchemaRefusesBrokenFiles(t *testing.T) {
	broken, err := filepath.Glob("testdata/native/broken/*.yaml")
	if err != nil || len(broken) == 0 {
		t.Fatalf("no broken files: %v", err)
	}
	schema := compiledSchema(t, "")
	beyond := beyondTheSchema()
	for _, path := range broken {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reason, isBeyond := beyond[name]
		delete(beyond, name)
		switch err := validate(schema, text); {
		case err == nil && !isBeyond:
			t.Errorf("%s: taken, and it is not known why the schema could not refuse it", path)
		case err != nil && isBeyond:
			t.Errorf("%s: refused (%v), although it is listed: %s", path, err, reason)
		}
	}
	for name := range beyond {
		t.Errorf("%s is listed and not there", name)
	}
}

// beyondTheSchema are the broken files that no schema can refuse, and why.
func beyondTheSchema() map[string]string {
	const (
		several = "it hangs on several values"
		files   = "it hangs on other files"
		sum     = "a schema does not add up"
	)
	return map[string]string{
		"duplicate-name":          several,
		"echoes-do-not-fit":       several,
		"include-cycle":           files,
		"include-directory":       files,
		"include-missing":         files,
		"include-twice":           files,
		"included-wrong":          files,
		"over-budget":             sum,
		"over-destination-budget": sum,
		"several-hosts-one-name":  several,
		"tcp-without-port":        "the defaults may have the port",
		"timeout-does-not-fit":    several,
		"too-many-targets":        sum,
		"two-documents":           "each document is well by itself",
		"unset-variable":          "a schema does not see the environment",
		"wrong-family":            several,
	}
}

func TestDescriptionsAreWhole(t *testing.T) {
	description := Describe()
	for _, mapping := range description.Mappings {
		var names []string
		for _, key := range mapping.Keys {
			if key.Text == "" || key.Example == "" || !strings.HasSuffix(key.Text, ".") {
				t.Errorf("%s: %s lacks a sentence or an example", mapping.Name, key.Name)
			}
			if slices.Contains(names, key.Name) {
				t.Errorf("%s: %s is there twice", mapping.Name, key.Name)
			}
			names = append(names, key.Name)
			if key.Mapping != "" {
				if _, ok := description.Mapping(key.Mapping); !ok {
					t.Errorf("%s: %s is a mapping %q, which is not described", mapping.Name, key.Name, key.Mapping)
				}
			}
		}
	}
}

// TestPageIsTrue reads every YAML file that the page shows.
func TestPageIsTrue(t *testing.T) {
	page, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	schema := compiledSchema(t, "")
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		if err := validate(schema, []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if strings.Contains(text, "include:") || strings.Contains(text, "file_sd:") {
			continue // their files are not there
		}
		if _, diagnostics, err := Parse("x.yaml", strings.NewReader(text)); err != nil || len(diagnostics) > 0 {
			t.Errorf("%s: %v %v", text, diagnostics, err)
		}
	}
}

package config

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// What is wrong with an entry of a target file is told with its place, and a
// name that two files have with both.
func TestPlacesInTargetFiles(t *testing.T) {
	var many strings.Builder
	for i := range longList {
		fmt.Fprintf(&many, "    - 10.0.%d.%d\n", i/200, i%200)
	}
	files := map[string]string{
		"a.json": "[\n {\"targets\": [\"ä.example\", \"a.example\"],\r\n  \"labels\": {\"a-b\": \"\"}},\n {\"targets\": [\"x:0\"]}]",
		"b.yml":  "- targets:\n    - b.example\n    - a.example\n    - b c\n" + many.String() + "    - 10.0.0.300 # bad\n- labels: {a-b: c}\n  targets: [c.example]\n",
		"c.json": "[{\"targets\": [\"c.example\"], \"label\": {}}]",
		"d.json": "[{\"targets\": [\"c.example\",\n 7]}]",
		"e.json": "[{\"targets\": {}}]",
		"f.json": "[null, {\"targets\": null}, {\"TARGETS\": [\"f.example\"]}]",
	}
	c, diagnostics, err := parseNative(context.Background(), "c.yaml", []byte("file_sd: [{files: [a.json, b.yml, c.json, d.json, e.json, f.json]}]"), isolated(files))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, d := range diagnostics {
		fmt.Fprintln(&got, d.Detail())
	}
	for _, text := range []string{
		"b.yml:3:7: the name \"a.example\" is taken at a.json:2:28: give one of them another name\n      - a.example\n        ^\n",
		"a.json:4:15: the target \"x:0\": its port is not a number",
		"b.yml:4:7: host \"b c\": has white space (U+0020): give hosts one by one\n      - b c\n        ^\n",
		"b.yml:505:7: host \"10.0.0.300\"",
		"c.json:1:29: no target file: unknown field \"label\"\n  [{\"targets\"",
		"d.json:2:2: no target file: a target is a text between quotes",
		"e.json:1:14: no target file: give a list of targets",
	} {
		if !strings.Contains(got.String(), text) {
			t.Errorf("not told: %s\nbut\n%s", text, got.String())
		}
	}
	if n := len(c.Plan.Targets); n != longList+4 {
		t.Errorf("%d targets", n)
	}
}

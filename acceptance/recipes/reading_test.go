package recipes_test

import (
	"reflect"
	"strings"
	"testing"
)

// TestReading reads a page that has every kind of block, and pages that would
// otherwise be passed over in part.
func TestReading(t *testing.T) {
	const page = "intro\n## One\n```yaml a.yaml\nx: 1\n```\n<!-- lab: rain -->\n```sh\necho 1\n```\n\n```text\n1\n```\n## Two\n```sh\ntrue\n```\n"
	got, err := parsePage(page)
	want := []recipe{
		{title: "One", steps: []step{{line: 3, file: "a.yaml", text: "x: 1\n"}, {line: 6, event: "rain"}, {line: 7, shell: "echo 1\n", prints: "1\n"}}},
		{title: "Two", steps: []step{{line: 15, shell: "true\n"}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %+v", err, got)
	}
	for name, page := range map[string]string{
		"without kind":        "## A\n```\necho\n```\n",
		"unknown kind":        "## A\n```bash\necho\n```\n",
		"nothing was typed":   "## A\n```text\nhello\n```\n",
		"output of a file":    "## A\n```sh x\n:\n```\n```text\nhello\n```\n",
		"two outputs":         "## A\n```sh\n:\n```\n```text\na\n```\n```text\nb\n```\n",
		"before any recipe":   "```sh\necho\n```\n## A\n",
		"without end":         "## A\n```sh\necho\n",
		"event before recipe": "<!-- lab: rain -->\n## A\n",
	} {
		if got, err := parsePage(page); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

// TestNormalised says what may differ between the page and what is printed.
func TestNormalised(t *testing.T) {
	for _, test := range []struct {
		page, printed string
		same          bool
	}{
		{"rtt 0.1/0.2/0.3 ms, elapsed 1.5 s", "rtt 10.1/2/33.3 ms, elapsed 0.002 s", true},
		{"at 2026-11-22T13:56:27.805510664Z", "at 2027-01-01T00:00:00Z", true},
		{"WW: bad -\t Sun Nov 22 14:11:02 2026", "WW: bad -\t Mon Dec  7 04:00:00 2026", true},
		{"a   b\n", "  a b", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"3 sent, 2 received", "3 sent, 3 received", false},
		{"exit code 1", "exit code 0", false},
		{"10 days left", "9 days left", false},
		{"0.1 ms", "0.1 s", false},
		{"a\nb", "a b", false},
		{"round 1", "round null", false},
	} {
		if same := normalised(test.page) == normalised(test.printed); same != test.same {
			t.Errorf("%q and %q: same is %t", test.page, test.printed, same)
		}
	}
	if strings.Contains(normalised("12.5 ms"), "12") {
		t.Error("a time is compared")
	}
}

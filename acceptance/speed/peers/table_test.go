package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) is %v instead of %v", test.values, got, test.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestPercentile(t *testing.T) {
	var values []float64
	for i := 100; i > 0; i-- {
		values = append(values, float64(i))
	}
	for share, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 1: 100} {
		if got := percentile(values, share); got != want {
			t.Errorf("percentile %v is %v instead of %v", share, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0523: "0.0523", 1.5: "1.5", 12.345: "12.3", 99.99: "100", 65534: "65534", -0.5: "-0.5"} {
		if got := number(v); got != want {
			t.Errorf("%v is shown as %s instead of %s", v, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	var table table
	table.figure(figure{row: "a", name: "rate", ours: []float64{30, 20, 40}, peer: "p", theirs: []float64{10, 10, 10}, goal: ratioAtLeast(3)})
	table.figure(figure{row: "a", name: "cpu", ours: []float64{7, 8}, peer: "p", theirs: []float64{10, 10}, goal: ratioAtMost(0.7)})
	table.figure(figure{row: "b", name: "alone", ours: []float64{0}, goal: atMost(0)})
	table.figure(figure{row: "c", name: "missing peer", ours: []float64{5}, peer: "p", goal: ratioAtLeast(2)})
	table.figure(figure{row: "d", name: "nothing"})
	table.remark("a", "p is %s", "odd")
	table.remark("a", "p is %s", "odd")
	table.fault("b", "no\nanswer")
	want := `| row | figure | netsonde | peer | | ratio | goal |
|---|---|---|---|---|---|---|
| a | rate | 30 (20 to 40) | p | 10 (10 to 10) | 3 (2 to 4) | ≥ 3×: met |
| a | cpu | 7.5 (7 to 8) | p | 10 (10 to 10) | 0.75 (0.7 to 0.8) | ≤ 0.7×: **not met** |
| b | alone | 0 |  |  |  | ≤ 0: met |
| c | missing peer | 5 | p |  |  | ≥ 2×: not measured |

Remarks:

- a: p is odd

Wrong answers:

- b: no answer
`
	if got := table.markdown(); got != want {
		t.Errorf("printed\n%s\ninstead of\n%s", got, want)
	}
}

func TestReplaceTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	page := func(text string) string { return "before\n" + tableBegins + text + tableEnds + "after\n" }
	if err := os.WriteFile(path, []byte(page("old\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceTable(path, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != page("new\n") {
		t.Errorf("it has %q (%v)", got, err)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceTable(path, "new\n"); err == nil || !strings.Contains(err.Error(), "has no table") {
		t.Errorf("a page without marks: %v", err)
	}
}

func TestChosen(t *testing.T) {
	all, err := chosen("")
	if err != nil || len(all) != len(rows()) {
		t.Errorf("all rows are %d (%v)", len(all), err)
	}
	some, err := chosen("veth,sweep")
	if err != nil || len(some) != 2 || some[0].name != "sweep" || some[1].name != "veth" {
		t.Errorf("two rows are %v (%v)", some, err)
	}
	if _, err := chosen("sweep,vet"); err == nil {
		t.Error("a row that is none is taken")
	}
}

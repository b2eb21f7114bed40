package main

import (
	"strings"
	"testing"
)

// run is a shortened recording of `go test -json`.
const run = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"run","Package":"a","Test":"TestSkipped"}
{"Action":"output","Package":"a","Test":"TestSkipped","Output":"=== RUN   TestSkipped\n"}
{"Action":"output","Package":"a","Test":"TestSkipped","Output":"    x_test.go:7: needs root: it makes a namespace\n"}
{"Action":"output","Package":"a","Test":"TestSkipped","Output":"--- SKIP: TestSkipped (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestSkipped"}
{"Action":"pass","Package":"a","Elapsed":0.5}
`

const failure = `{"Action":"run","Package":"b","Test":"TestBad"}
{"Action":"output","Package":"b","Test":"TestBad","Output":"    y_test.go:9: it is bad\n"}
{"Action":"fail","Package":"b","Test":"TestBad"}
{"Action":"fail","Package":"b","Elapsed":1}
`

func TestSummary(t *testing.T) {
	for name, c := range map[string]struct {
		events  string
		require bool
		want    counts
		says    []string
	}{
		"good and skipped": {run, false, counts{1, 0, 1}, []string{
			"ok  \ta\t0.500s\n", "Did not run:\n  a TestSkipped: needs root: it makes a namespace\n", "\n1 passed, 0 failed\n"}},
		"skips are failures": {run, true, counts{1, 1, 1}, []string{"\n1 passed, 1 failed\n"}},
		"a failure counts once": {run + failure, false, counts{1, 1, 1}, []string{
			"y_test.go:9: it is bad", "FAIL\tb\t1.000s\n", "\n1 passed, 1 failed\n"}},
		"a package that does not build": {
			`{"Action":"build-output","ImportPath":"c","Output":"c.go:1: no\n"}` + "\n" +
				`{"Action":"build-fail","ImportPath":"c"}` + "\n" +
				`{"Action":"output","Package":"c","Output":"FAIL\tc [build failed]\n"}` + "\n" +
				`{"Action":"fail","Package":"c"}` + "\n",
			false, counts{0, 1, 0}, []string{"c.go:1: no", "0 passed, 1 failed"}},
		"a run that was killed": {
			`{"Action":"run","Package":"d","Test":"TestHang"}` + "\n", false, counts{0, 1, 0}, []string{"0 passed, 1 failed"}},
		"what no machine of this kind can do": {
			`{"Action":"unavailable","Package":"./test","Test":"boot","Output":"no containers here"}` + "\n" + run, true,
			counts{1, 1, 1}, []string{"  ./test boot: no containers here\n"}},
		"no events": {"hello\n", false, counts{}, []string{"hello\n", "0 passed, 0 failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			got, err := summarise(strings.NewReader(c.events), &out, c.require)
			if got != c.want || err != nil {
				t.Errorf("counts %+v, %v; want %+v", got, err, c.want)
			}
			for _, text := range c.says {
				if !strings.Contains(out.String(), text) {
					t.Errorf("no %q in:\n%s", text, &out)
				}
			}
			if !strings.HasSuffix(out.String(), " failed\n") {
				t.Errorf("does not end with the counts:\n%s", &out)
			}
		})
	}
}

package config

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"netsonde"
)

// endless is a reader that never ends; it counts what was read.
type endless struct {
	pattern string
	read    int
}

// Read fills p with the pattern.
func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.pattern[(e.read+i)%len(e.pattern)]
	}
	e.read += len(p)
	return len(p), nil
}

func TestLineWithoutEnd(t *testing.T) {
	for _, start := range []string{"", "1 0 0 4 41 10 0 500\nweb.test\n", "web.test\n"} {
		rest := &endless{pattern: "a"}
		plan, diagnostics, err := Parse("c.conf", io.MultiReader(strings.NewReader(start), rest))
		line := strings.Count(start, "\n") + 1
		want := fmt.Sprintf("%d fatal OSError: Bad configuration file format, caused error: "+
			"(c.conf, line %d: longer than 65536 bytes; the rest of the file was not read)\n", line, line)
		if plan != nil || err == nil || listing(diagnostics) != want {
			t.Errorf("behind %q: plan %v, error %v, diagnostics:\n%swant:\n%s", start, plan, err, listing(diagnostics), want)
		}
		if rest.read > 1<<20 {
			t.Errorf("%d bytes were read", rest.read)
		}
	}
}

func TestBinaryWithoutEnd(t *testing.T) {
	noise := &endless{pattern: "\xff\n\x80\n\x00"}
	if _, _, err := Parse("noise", noise); err == nil || noise.read > 1<<20 {
		t.Errorf("error %v after %d bytes", err, noise.read)
	}
}

// A line of exactly the limit is taken, whatever ends it and however the bytes
// come in; one more byte is not.
func TestLineLimit(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r", ""} {
		for _, extra := range []int{0, 1} {
			comment := " # " + strings.Repeat("x", lineLimit+extra-len("web.test # "))
			input := "web.test" + comment + end
			for name, reader := range map[string]io.Reader{
				"at once": strings.NewReader(input),
				"halves":  iotest.HalfReader(strings.NewReader(input)),
			} {
				plan, _, err := Parse("c.conf", reader)
				if (err == nil) != (extra == 0) {
					t.Errorf("end %q, %d more, %s: plan %v, error %v", end, extra, name, plan, err)
				}
			}
		}
	}
}

// Lines are counted alike wherever a read ends, also between CR and LF.
func TestLinesAcrossReads(t *testing.T) {
	const input = "\r\n# c\r\n1 0 0 4 41 10 0 500\r\n\rweb.test\r\n\n7\r\n"
	for name, reader := range map[string]io.Reader{
		"at once":     strings.NewReader(input),
		"one by one":  iotest.OneByteReader(strings.NewReader(input)),
		"end at once": iotest.DataErrReader(strings.NewReader(input)),
	} {
		plan, diagnostics, err := Parse("c.conf", reader)
		if err != nil || len(plan.Targets) != 1 || len(diagnostics) != 1 || diagnostics[0].Line != 7 {
			t.Errorf("%s: %d targets, %v, %v", name, len(plan.Targets), diagnostics, err)
		}
	}
}

func TestHostLength(t *testing.T) {
	host := strings.Repeat("h", maxHost)
	plan, diagnostics, err := Parse("c.conf", strings.NewReader(host+"\n"+host+"h\n"))
	if err != nil || len(plan.Targets) != 1 || plan.Targets[0].Host != host {
		t.Fatalf("plan %v, error %v", plan, err)
	}
	want := "2 host Exception: Unable to resolve host ( " + strings.Repeat("h", excerptLimit) +
		"… ): longer than 1024 bytes (c.conf, line 2)\n"
	if got := listing(diagnostics); got != want {
		t.Errorf("%swant:\n%s", got, want)
	}
}

func TestDiagnosticsAreCapped(t *testing.T) {
	input := strings.Repeat("h foo=1\nh ping=0 json=1\n5\n", 200)
	plan, diagnostics, err := Parse("c.conf", strings.NewReader(input))
	var fatal Errors
	if plan != nil || !errors.As(err, &fatal) || len(fatal) != diagnosticLimit+1 {
		t.Fatalf("plan %v, %d errors", plan, len(fatal))
	}
	const want = "OSError: c.conf: 300 more of severity fatal are not shown"
	if got := fatal[diagnosticLimit].Error(); got != want {
		t.Errorf("the last is %q, want %q", got, want)
	}
	for _, broken := range violations(input, plan, diagnostics, err) {
		t.Error(broken)
	}

	input = "1 0 0 4 41 10 0 500\n" + strings.Repeat("7\n", 200) + "web.test\n"
	plan, diagnostics, err = Parse("c.conf", strings.NewReader(input))
	if err != nil || len(plan.Targets) != 1 {
		t.Fatalf("plan %v, error %v", plan, err)
	}
	if got := diagnostics[len(diagnostics)-1].Text; got != "c.conf: 100 more of severity host are not shown" {
		t.Errorf("the last is %q", got)
	}
}

func TestReaderFails(t *testing.T) {
	failure := errors.New("the disk is gone")
	plan, diagnostics, err := Parse("c.conf", io.MultiReader(
		strings.NewReader("web.test\n"), iotest.ErrReader(failure)))
	if plan != nil || !errors.Is(err, failure) || len(diagnostics) != 1 {
		t.Errorf("plan %v, diagnostics %v, error %v", plan, diagnostics, err)
	}
}

// hosts makes a file of n distinct hosts.
func hostLines(n int) string {
	var file strings.Builder
	file.WriteString("1 0 0 1 56 15 0 1000\n")
	for i := range n {
		fmt.Fprintf(&file, "127.%d.%d.%d\n", i>>16, i>>8&255, i&255)
	}
	return file.String()
}

func TestManyHosts(t *testing.T) {
	const n = 20_000
	file := hostLines(n)
	plan, diagnostics, err := Parse("c.conf", strings.NewReader(file))
	if err != nil || len(diagnostics) > 0 || len(plan.Targets) != n {
		t.Fatalf("diagnostics %v, error %v", diagnostics, err)
	}
	for _, broken := range planViolations(plan) {
		t.Error(broken)
	}
	const limit = 12
	if allocations := testing.AllocsPerRun(1, func() {
		if _, _, err := Parse("c.conf", strings.NewReader(file)); err != nil {
			t.Error(err)
		}
	}); allocations/n > limit {
		t.Errorf("%.1f allocations a host, at most %d are wanted", allocations/n, limit)
	}
}

func BenchmarkParse(b *testing.B) {
	const n = 1_000_000
	file := hostLines(n)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var plan *netsonde.Plan
	for b.Loop() {
		var err error
		if plan, _, err = Parse("c.conf", strings.NewReader(file)); err != nil || len(plan.Targets) != n {
			b.Fatal(err)
		}
	}
}

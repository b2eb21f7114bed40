package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// swept is a target of a sweep with these probes in its one group.
func swept(host string, id netsonde.ProbeID, probes ...netsonde.Probe) *netsonde.Target {
	for i := range probes {
		probes[i].ID = id + netsonde.ProbeID(i)
	}
	return &netsonde.Target{
		Name: host, Host: host, Output: netsonde.Output{Dialect: netsonde.DialectNative},
		Groups: []netsonde.Group{{Name: "all", Cadence: netsonde.Cadence{Once: true}, Probes: probes}},
	}
}

// reported prints a sweep's batches and returns what was written, the messages
// and the counts.
func reported(t *testing.T, o console.ReportOptions, batches ...*netsonde.Batch) (results, messages string, counts console.Counts) {
	t.Helper()
	var out, told bytes.Buffer
	o.Results, o.Clock = &out, clock
	if o.Messages != nil {
		o.Messages = &told
	}
	o.Diagnostics = console.NewDiagnostics(io.Discard, false, clock)
	r := console.NewReport(o)
	for _, batch := range batches {
		r.Consume(batch)
	}
	if err := r.Run(ended()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return out.String(), told.String(), r.Counts()
}

func pingSweep() *netsonde.Batch {
	b := &netsonde.Batch{}
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 3}
	add := func(host, addr string, samples []netsonde.Sample) {
		target := swept(host, netsonde.ProbeID(len(b.Rounds)+1), ping)
		with(b, round(target, 0, addr, 1), samples)
	}
	add("192.0.2.10", "192.0.2.10", answered(512*us, 498*us, 640*us))
	add("web.example", "192.0.2.10", answered(512*us, 0, 12640*us))
	add("a-name-that-is-longer-than-any-table.example", "2001:db8:1:2:3:4:5:6", answered(234*time.Millisecond, 1234*time.Millisecond, 12345*time.Millisecond))
	add("192.0.2.11", "192.0.2.11", answered(0, 0, 0))
	add("192.0.2.12", "192.0.2.12", unsent(3, syscall.EPERM))
	refused := answered(0, 0, 512*us)
	refused[0].Outcome, refused[0].ICMPType, refused[0].ICMPCode = netsonde.OutcomeUnreachable, 3, 1
	refused[0].From = netip.MustParseAddr("192.0.2.1")
	refused[1].Outcome = netsonde.OutcomeSendFailed
	refused[1].Errno = syscall.ENOBUFS
	add("馬.example", "192.0.2.13", refused)
	add("evil\x1b[2J\u202e", "192.0.2.14", answered(512*us, 498*us, 640*us))
	b.Events = []netsonde.Event{{Kind: netsonde.EventUnresolved, Target: swept("gone.example", 100, ping)}}
	return b
}

func traceSweep() *netsonde.Batch {
	b := &netsonde.Batch{}
	trace := netsonde.Probe{Kind: netsonde.KindTrace}
	one := swept("web.example", 1, trace)
	with(b, round(one, 0, "10.0.2.1", 1), netsonde.Route{
		Hops: hopsOf("10.0.0.1", "", "10.0.2.1"), End: netsonde.RouteReached, Protocol: netsonde.TraceUDP,
	})
	two := swept("192.0.2.10", 2, trace)
	with(b, round(two, 0, "192.0.2.10", 1), netsonde.Route{
		Hops: hopsOf("10.0.0.1", "", ""), End: netsonde.RouteSilent, Protocol: netsonde.TraceICMP,
	})
	return b
}

// flowSweep is one target that flows reach on two ways.
func flowSweep(flows int, far string) *netsonde.Batch {
	b := &netsonde.Batch{}
	probes := make([]netsonde.Probe, flows)
	for i := range probes {
		probes[i] = netsonde.Probe{Kind: netsonde.KindTrace, Flow: uint8(i)}
	}
	target := swept("far.example", 1, probes...)
	for i := range probes {
		hops := hopsOf("10.0.0.1", fmt.Sprintf("10.0.%d.1", i%2), far)
		if i%2 == 1 {
			hops = hopsOf("10.0.0.1", "10.0.1.1", "", far)
		}
		b.Routes = append(b.Routes, netsonde.Route{
			Probe: netsonde.ProbeID(1 + i), Round: 1, Flow: uint8(i), Hops: hops, End: netsonde.RouteReached,
		})
	}
	b.Rounds = []netsonde.Round{round(target, 0, far, 1)}
	return b
}

// scanSweep is three targets, each with these ports: open with a certificate,
// closed and silent, one after another.
func scanSweep(ports ...uint16) *netsonde.Batch {
	b := &netsonde.Batch{}
	kinds := map[uint16]netsonde.Kind{
		80: netsonde.KindHTTP, 443: netsonde.KindHTTPS, 3306: netsonde.KindMySQL, 22: netsonde.KindSSH,
	}
	found := []netsonde.Service{
		{State: netsonde.ServiceOpen, RTT: 1057 * us, Code: 200, Server: "nginx/1.24.0"},
		{State: netsonde.ServiceClosed, Reason: "[Errno 111] Connection refused"},
		{State: netsonde.ServiceFiltered, Reason: "timed out"},
		{State: netsonde.ServiceWrongProtocol, Reason: "no greeting"},
	}
	for i, host := range []string{"web.example", "192.0.2.11", "mail.example"} {
		var probes []netsonde.Probe
		for _, port := range ports {
			kind := kinds[port]
			if kind == 0 {
				kind = netsonde.KindTCP
			}
			probes = append(probes, netsonde.Probe{Kind: kind, Port: port})
		}
		target := swept(host, netsonde.ProbeID(1000*i+1), probes...)
		for j, probe := range target.Groups[0].Probes {
			s := found[(i+j)%len(found)]
			s.Probe, s.Round, s.Kind, s.Port = probe.ID, 1, probe.Kind, probe.Port
			if s.State == netsonde.ServiceOpen && probe.Kind == netsonde.KindHTTPS {
				s.TLSVersion, s.Certificate = "TLS 1.3", &netsonde.Certificate{NotAfter: moment.AddDate(0, 2, 0)}
			}
			if s.State == netsonde.ServiceOpen && probe.Kind != netsonde.KindHTTP && probe.Kind != netsonde.KindHTTPS {
				s.Code, s.Server = 0, ""
			}
			if s.State == netsonde.ServiceOpen && probe.Kind == netsonde.KindMySQL {
				s.Version = "8.4.2"
			}
			b.Services = append(b.Services, s)
		}
		b.Rounds = append(b.Rounds, round(target, 0, fmt.Sprintf("192.0.2.%d", 10+i), 1))
	}
	return b
}

func names(addr netip.Addr) string {
	if addr == netip.MustParseAddr("10.0.0.1") {
		return "gateway.example"
	}
	return ""
}

// longNames gives every address a name that no terminal has room for.
func longNames(addr netip.Addr) string {
	return strings.Repeat("name-of-", 15) + addr.String()
}

// singleEcho is a target that is asked once.
func singleEcho() *netsonde.Batch {
	b := &netsonde.Batch{}
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 1}
	with(b, round(swept("192.0.2.10", 1, ping), 0, "192.0.2.10", 1), answered(512*us))
	return b
}

func TestReports(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	wide := func() int { return 132 }
	many := []uint16{22, 80, 443, 3306, 8000, 8001, 8002, 8003}
	for name, test := range map[string]struct {
		options console.ReportOptions
		batch   *netsonde.Batch
	}{
		"ping_text.txt":         {console.ReportOptions{Tool: console.ToolPing}, pingSweep()},
		"ping_text_wide.txt":    {console.ReportOptions{Tool: console.ToolPing, Columns: wide}, pingSweep()},
		"ping_json.txt":         {console.ReportOptions{Tool: console.ToolPing, JSON: true}, pingSweep()},
		"ping_quiet.txt":        {console.ReportOptions{Tool: console.ToolPing, Quiet: true}, pingSweep()},
		"ping_quiet_json.txt":   {console.ReportOptions{Tool: console.ToolPing, Quiet: true, JSON: true}, pingSweep()},
		"trace_text.txt":        {console.ReportOptions{Tool: console.ToolTrace}, traceSweep()},
		"trace_json.txt":        {console.ReportOptions{Tool: console.ToolTrace, JSON: true}, traceSweep()},
		"trace_names.txt":       {console.ReportOptions{Tool: console.ToolTrace, Names: names}, flowSweep(2, "10.0.9.1")},
		"trace_flows.txt":       {console.ReportOptions{Tool: console.ToolTrace}, flowSweep(2, "10.0.9.1")},
		"trace_flows_below.txt": {console.ReportOptions{Tool: console.ToolTrace}, flowSweep(3, "2001:db8:1:2:3:4:5:6")},
		"trace_flows_json.txt":  {console.ReportOptions{Tool: console.ToolTrace, JSON: true}, flowSweep(2, "10.0.9.1")},
		"trace_quiet.txt":       {console.ReportOptions{Tool: console.ToolTrace, Quiet: true}, traceSweep()},
		"ping_pipe.txt":         {console.ReportOptions{Tool: console.ToolPing}, pingSweep()},
		"ping_one.txt":          {console.ReportOptions{Tool: console.ToolPing, Total: 1}, singleEcho()},
		"ping_single.txt":       {console.ReportOptions{Tool: console.ToolPing}, singleEcho()},
		"trace_names_pipe.txt":  {console.ReportOptions{Tool: console.ToolTrace, Names: longNames}, flowSweep(2, "10.0.9.1")},
		"scan_text_pipe.txt":    {console.ReportOptions{Tool: console.ToolScan}, scanSweep(80, 443, 3306)},
		"scan_many_pipe.txt":    {console.ReportOptions{Tool: console.ToolScan}, scanSweep(many...)},
		"scan_open_pipe.txt":    {console.ReportOptions{Tool: console.ToolScan, Open: true}, scanSweep(many...)},
		"scan_text.txt":         {console.ReportOptions{Tool: console.ToolScan}, scanSweep(80, 443, 3306)},
		"scan_text_wide.txt":    {console.ReportOptions{Tool: console.ToolScan, Columns: wide}, scanSweep(80, 443, 3306)},
		"scan_text_many.txt":    {console.ReportOptions{Tool: console.ToolScan}, scanSweep(many...)},
		"scan_open.txt":         {console.ReportOptions{Tool: console.ToolScan, Open: true}, scanSweep(many...)},
		"scan_json.txt":         {console.ReportOptions{Tool: console.ToolScan, JSON: true}, scanSweep(80, 443, 3306)},
		"scan_quiet.txt":        {console.ReportOptions{Tool: console.ToolScan, Quiet: true}, scanSweep(80, 443, 3306)},
		"scan_quiet_json.txt":   {console.ReportOptions{Tool: console.ToolScan, Quiet: true, JSON: true}, scanSweep(80, 443, 3306)},
	} {
		t.Run(name, func(t *testing.T) {
			piped := strings.HasSuffix(name, "_pipe.txt")
			test.options.Terminal = !piped
			got, _, _ := reported(t, test.options, test.batch)
			golden(t, name, got)
			if piped && strings.Contains(got, "…") {
				t.Errorf("a pipe is not told all:\n%s", got)
			}
			for line := range strings.Lines(got) {
				columns := 80
				if test.options.Columns != nil {
					columns = test.options.Columns()
				}
				if test.options.JSON {
					checkObject(t, line)
				} else if n := len([]rune(line)); n > columns && !piped {
					t.Errorf("a line of %d characters: %s", n-1, line)
				}
			}
		})
	}
}

// TestPortsThatFailAlike has a machine without a way to the target, which is
// one thing to tell and not one a port.
func TestPortsThatFailAlike(t *testing.T) {
	b := scanSweep(22, 80, 443, 3306, 8000, 8001)
	b.Rounds = b.Rounds[:1]
	for i := range b.Services {
		b.Services[i].State, b.Services[i].Reason = netsonde.ServiceFailed, "[Errno 101] Network is unreachable"
	}
	t.Setenv("NO_COLOR", "1")
	want := "web.example (192.0.2.10)         6 failed: Network is unreachable\n"
	if got, _, _ := reported(t, console.ReportOptions{Tool: console.ToolScan, Terminal: true}, b); got != want {
		t.Errorf("alike: printed\n%s", got)
	}
	b.Services[1].Reason = "[Errno 105] No buffer space available"
	got, _, _ := reported(t, console.ReportOptions{Tool: console.ToolScan}, b)
	if lines := strings.Count(got, "\n"); lines != 7 || !strings.Contains(got, "No buffer space") {
		t.Errorf("unlike: printed %d lines\n%s", lines, got)
	}
}

// TestReportCounts is what exit codes are made of.
func TestReportCounts(t *testing.T) {
	for name, test := range map[string]struct {
		tool  console.Tool
		batch *netsonde.Batch
		want  console.Counts
	}{
		"ping":  {console.ToolPing, pingSweep(), console.Counts{Reachable: 5, Unreachable: 2, Unresolved: 1}},
		"trace": {console.ToolTrace, traceSweep(), console.Counts{Reachable: 1, Unreachable: 1}},
		"scan":  {console.ToolScan, scanSweep(80), console.Counts{Reachable: 1, Unreachable: 2}},
	} {
		if _, _, got := reported(t, console.ReportOptions{Tool: test.tool}, test.batch); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	unresolved := answered(0)
	unresolved[0].Outcome = netsonde.OutcomeUnresolved
	b := &netsonde.Batch{}
	with(b, round(swept("x", 1, netsonde.Probe{Kind: netsonde.KindPing}), 0, "", 1), unresolved)
	if _, _, got := reported(t, console.ReportOptions{Tool: console.ToolPing}, b); got.Unresolved != 1 {
		t.Errorf("a round without address: %+v", got)
	}
}

func TestReportColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	ping, _, _ := reported(t, console.ReportOptions{Tool: console.ToolPing, Terminal: true}, pingSweep())
	scan, _, _ := reported(t, console.ReportOptions{Tool: console.ToolScan, Terminal: true}, scanSweep(80, 443, 3306))
	golden(t, "tools_coloured.txt", ping+scan)
}

// TestSummaryOnTerminal has the summary follow the results on a terminal's
// standard error, and stay away from anything else.
func TestSummaryOnTerminal(t *testing.T) {
	_, summary, _ := reported(t, console.ReportOptions{Tool: console.ToolPing, Messages: io.Discard}, pingSweep())
	want, _, _ := reported(t, console.ReportOptions{Tool: console.ToolPing, Quiet: true}, pingSweep())
	if summary != want {
		t.Errorf("the summary is\n%s\nwant\n%s", summary, want)
	}
	_, summary, _ = reported(t, console.ReportOptions{Tool: console.ToolPing, Messages: io.Discard, Quiet: true}, pingSweep())
	if summary != "" {
		t.Errorf("the summary is told twice: %s", summary)
	}
}

// TestProgress has long work shown on the terminal of the results: not before
// two seconds, erased before each result, and gone at the end.
func TestProgress(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	synctest.Test(t, func(t *testing.T) {
		var screen together
		r := console.NewReport(console.ReportOptions{
			Tool: console.ToolPing, Results: &screen, Messages: &screen, Terminal: true, Total: 100,
			Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
		})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.Run(ctx) }()
		shown := func() string {
			synctest.Wait()
			screen.mu.Lock()
			defer screen.mu.Unlock()
			text := screen.written.String()
			screen.written.Reset()
			return text
		}
		r.Consume(pingSweep())
		time.Sleep(1900 * time.Millisecond)
		if text := shown(); strings.Contains(text, "\r") {
			t.Errorf("progress is shown too early: %q", text)
		}
		time.Sleep(200 * time.Millisecond)
		if got, want := shown(), "\r8 of 100 targets done in 2s, 4/s, 3 without answer, 23s left\x1b[K"; got != want {
			t.Errorf("after two seconds there is %q, want %q", got, want)
		}
		r.Consume(pingSweep())
		if text := shown(); !strings.HasPrefix(text, "\r\x1b[K192.0.2.10 ") {
			t.Errorf("the results are written over the progress: %q", text)
		}
		time.Sleep(time.Second)
		shown()
		cancel()
		if err := <-result; err != nil {
			t.Errorf("Run: %v", err)
		}
		if text := shown(); !strings.HasPrefix(text, "\r\x1b[K16 targets: ") {
			t.Errorf("at the end there is %q", text)
		}
	})
}

// TestProgressOfNothing has long work of which no target is done yet: what is
// known is told, and no rate.
func TestProgressOfNothing(t *testing.T) {
	ports := scanSweep(80, 443)
	ports.Rounds = nil
	for name, test := range map[string]struct {
		tool  console.Tool
		batch *netsonde.Batch
		want  string
	}{
		"ping": {console.ToolPing, &netsonde.Batch{}, "\r0 of 254 targets done in 2s, waiting\x1b[K"},
		"scan": {console.ToolScan, ports, "\r0 of 254 targets done, 6 ports in 2s, waiting\x1b[K"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var screen together
				r := console.NewReport(console.ReportOptions{
					Tool: test.tool, Results: io.Discard, Messages: &screen, Total: 254,
					Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
				})
				ctx, cancel := context.WithCancel(t.Context())
				result := make(chan error, 1)
				go func() { result <- r.Run(ctx) }()
				r.Consume(test.batch)
				time.Sleep(2100 * time.Millisecond)
				synctest.Wait()
				screen.mu.Lock()
				got := screen.written.String()
				screen.mu.Unlock()
				if got != test.want {
					t.Errorf("after two seconds there is %q, want %q", got, test.want)
				}
				cancel()
				if err := <-result; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestNamesDelayNobody looks names up slowly: the one who measures does not
// wait, what is looked up counts as waiting, and it all comes out.
func TestNamesDelayNobody(t *testing.T) {
	const targets = 100
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		slow := func(addr netip.Addr) string {
			time.Sleep(time.Second)
			return "name-of-" + addr.String()
		}
		r := console.NewReport(console.ReportOptions{
			Tool: console.ToolPing, Results: &out, JSON: true, Names: slow,
			Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
		})
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.Run(ctx) }()
		started := time.Now()
		for i := range targets {
			b := &netsonde.Batch{}
			addr := fmt.Sprintf("192.0.2.%d", i)
			with(b, round(swept(addr, netsonde.ProbeID(i+1), netsonde.Probe{Kind: netsonde.KindPing}), 0, addr, 1), answered(us))
			r.Consume(b)
		}
		if r.Waiting() != targets || time.Since(started) != 0 {
			t.Errorf("%d wait, after %v", r.Waiting(), time.Since(started))
		}
		if err := r.WaitBelow(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Errorf("%d names took %v: they are not looked up together", targets, took)
		}
		late := &netsonde.Batch{}
		with(late, round(swept("192.0.2.0", targets+1, netsonde.Probe{Kind: netsonde.KindPing}), 0, "192.0.2.0", 1), answered(us))
		r.Consume(late)
		cancel()
		if err := <-result; err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := strings.Count(out.String(), "\n"); got != targets+1 {
			t.Errorf("%d targets, want %d: the end came before a name", got, targets+1)
		}
		if got := strings.Count(out.String(), `"reverse":"name-of-192.0.2.`); got != targets+1 {
			t.Errorf("%d targets with a name, want %d", got, targets+1)
		}
	})
}

// TestReportReaderGone ends a report whose reader has left, also while names
// are looked up.
func TestReportReaderGone(t *testing.T) {
	for name, hook := range map[string]func(netip.Addr) string{"plain": nil, "names": names} {
		t.Run(name, func(t *testing.T) {
			reader, results := io.Pipe()
			reader.Close()
			r := console.NewReport(console.ReportOptions{
				Tool: console.ToolPing, Results: results, Names: hook,
				Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
			})
			r.Consume(pingSweep())
			if err := r.Run(t.Context()); !errors.Is(err, console.ErrClosed) {
				t.Errorf("Run: %v, want ErrClosed", err)
			}
			if err := r.WaitBelow(t.Context(), 1); !errors.Is(err, console.ErrClosed) {
				t.Errorf("WaitBelow: %v, want ErrClosed", err)
			}
		})
	}
}

// TestReportKeepsAll has several shards report at once; each target comes out
// once, and a line is whole.
func TestReportKeepsAll(t *testing.T) {
	const shards, each = 4, 2000
	var out bytes.Buffer
	r := console.NewReport(console.ReportOptions{
		Tool: console.ToolPing, Results: &out, JSON: true,
		Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- r.Run(ctx) }()
	var group sync.WaitGroup
	for shard := range shards {
		group.Go(func() {
			for i := range each {
				b := &netsonde.Batch{}
				host := fmt.Sprintf("t%d", shard*each+i)
				with(b, round(swept(host, netsonde.ProbeID(shard*each+i+1), netsonde.Probe{Kind: netsonde.KindPing}), 0, "10.0.0.1", 1), answered(us))
				r.Consume(b)
			}
		})
	}
	group.Wait()
	patient, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := r.WaitBelow(patient, 1); err != nil {
		t.Fatalf("WaitBelow: %v, with %d that wait", err, r.Waiting())
	}
	cancel()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	seen := make(map[any]bool)
	for line := range strings.Lines(out.String()) {
		seen[checkObject(t, line)["name"]] = true
	}
	if len(seen) != shards*each || strings.Count(out.String(), "\n") != shards*each {
		t.Errorf("%d targets in %d lines, want %d", len(seen), strings.Count(out.String(), "\n"), shards*each)
	}
}

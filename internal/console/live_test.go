package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// liveOptions is a table of 80 by 24 at a fixed time.
func liveOptions(screen io.Writer) console.LiveOptions {
	return console.LiveOptions{
		Screen: screen, Node: "ams1", Measuring: "raw sockets", Hints: "Ctrl-C ends", Clock: clock,
	}
}

// livePlan is targets of each state, with the rounds that made it.
func livePlan() ([]*netsonde.Target, *netsonde.Batch) {
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 1}
	native := netsonde.Output{Dialect: netsonde.DialectNative}
	var targets []*netsonde.Target
	b := &netsonde.Batch{}
	add := func(name, host, addr string, rounds ...[]netsonde.Sample) {
		probe := ping
		probe.ID = netsonde.ProbeID(len(targets) + 1)
		target := &netsonde.Target{Name: name, Host: host, Output: native, Groups: []netsonde.Group{{Name: "ping", Probes: []netsonde.Probe{probe}}}}
		targets = append(targets, target)
		for n, samples := range rounds {
			with(b, round(target, 0, addr, uint64(n+1)), samples)
		}
	}
	lost := func() []netsonde.Sample { return answered(0) }
	ok := func(rtt time.Duration) []netsonde.Sample { return answered(rtt) }
	ours := func() []netsonde.Sample {
		s := answered(0)
		s[0].Outcome = netsonde.OutcomeSendFailed
		return s
	}
	add("gateway", "192.0.2.1", "192.0.2.1", ok(300*us), ok(310*us), ok(500*us), ok(900*us), ok(305*us))
	add("web", "web.example", "2001:db8::10", ok(12*time.Millisecond), lost(), ok(14*time.Millisecond), ok(13*time.Millisecond))
	add("dead", "192.0.2.9", "192.0.2.9", ok(2*time.Millisecond), lost(), lost(), lost())
	add("unknown", "192.0.2.8", "192.0.2.8", ok(2*time.Millisecond), ours(), ours(), ours())
	add("evil\x1b[2J", "192.0.2.7", "192.0.2.7")
	target := nativePlan()[0]
	target.Groups = target.Groups[3:4]
	targets = append(targets, target)
	with(b, round(target, 0, "192.0.2.10", 1), openHTTP("nginx"))
	return targets, b
}

// drawn is the last thing that a table drew of a plan.
func drawn(t *testing.T, change func(*console.LiveOptions)) string {
	t.Helper()
	var screen bytes.Buffer
	o := liveOptions(&screen)
	if change != nil {
		change(&o)
	}
	l := console.NewLive(o)
	targets, batch := livePlan()
	l.Expect(targets)
	l.Consume(batch)
	if err := l.Run(ended()); err != nil {
		t.Fatal(err)
	}
	return screen.String()
}

// visible takes away what moves the cursor, and keeps the last frame.
func visible(screen string) string {
	_, screen, _ = strings.Cut(screen, "\x1b[2J")
	frames := strings.Split(screen, "\x1b[H")
	return strings.NewReplacer("\x1b[K", "", "\x1b[J", "", "\r", "", "\x1b[?25h", "").Replace(frames[len(frames)-1])
}

func TestLiveTable(t *testing.T) {
	for name, change := range map[string]func(*console.LiveOptions){
		"live.txt":        nil,
		"live_wide.txt":   func(o *console.LiveOptions) { o.Size = func() (int, int) { return 120, 40 } },
		"live_narrow.txt": func(o *console.LiveOptions) { o.Size = func() (int, int) { return 40, 40 } },
		"live_low.txt":    func(o *console.LiveOptions) { o.Size = func() (int, int) { return 80, 7 } },
		"live_colour.txt": func(o *console.LiveOptions) { o.Coloured = true },
	} {
		t.Run(name, func(t *testing.T) {
			screen := drawn(t, change)
			if !strings.HasPrefix(screen, "\x1b[?25l") || !strings.HasSuffix(screen, "\x1b[?25h") {
				t.Errorf("the cursor is not hidden and given back: %q", screen)
			}
			golden(t, name, visible(screen))
			columns, lines := 80, 24
			o := console.LiveOptions{}
			if change != nil {
				change(&o)
			}
			if o.Size != nil {
				columns, lines = o.Size()
			}
			text := visible(screen)
			if n := strings.Count(text, "\n"); n > lines {
				t.Errorf("%d lines on a terminal of %d", n, lines)
			}
			for line := range strings.Lines(text) {
				line = strings.NewReplacer("\x1b[32m", "", "\x1b[33m", "", "\x1b[31m", "", "\x1b[35m", "", "\x1b[m", "", "\n", "").Replace(line)
				if n := len([]rune(line)); n >= columns {
					t.Errorf("a line of %d characters on a terminal of %d: %s", n, columns, line)
				}
			}
		})
	}
}

// TestLivePlain has a terminal that cannot be drawn on: lines, no escapes.
func TestLivePlain(t *testing.T) {
	screen := drawn(t, func(o *console.LiveOptions) { o.Plain = true })
	if strings.ContainsAny(screen, "\x1b\r") {
		t.Errorf("escape sequences in %q", screen)
	}
	golden(t, "live_plain.txt", screen)
}

// lockedBuffer is a screen that is looked at while it is drawn on.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) taken() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.String()
	b.Reset()
	return text
}

// TestLiveFollows draws twice a second, takes in new results and a new size,
// and keeps what it knows when the plan changes.
func TestLiveFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen lockedBuffer
		columns := 80
		o := liveOptions(&screen)
		o.Clock = nil
		var mu sync.Mutex
		o.Size = func() (int, int) {
			mu.Lock()
			defer mu.Unlock()
			return columns, 24
		}
		l := console.NewLive(o)
		targets, batch := livePlan()
		l.Expect(targets)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- l.Run(ctx) }()
		synctest.Wait()
		if text := screen.taken(); strings.Contains(text, "0.305") || !strings.Contains(text, "gateway") {
			t.Errorf("at first there is\n%s", visible(text))
		}
		l.Consume(batch)
		time.Sleep(time.Second)
		synctest.Wait()
		text := screen.taken()
		if frames := strings.Count(text, "\x1b[H"); frames != 2 {
			t.Errorf("%d drawings a second, want 2", frames)
		}
		if strings.Contains(text, "\x1b[2J") {
			t.Error("the screen is cleared, which flickers")
		}
		if !strings.Contains(text, "0.305") {
			t.Errorf("the results are not shown:\n%s", text)
		}
		mu.Lock()
		columns = 50
		mu.Unlock()
		l.Expect(targets[:1])
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		text = screen.taken()
		if !strings.Contains(text, "0.305") || strings.Contains(text, "dead") {
			t.Errorf("after the change of plan there is\n%s", text)
		}
		cancel()
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// stateIn is the word of a target's state in its row.
func stateIn(t *testing.T, screen, name string) string {
	t.Helper()
	for line := range strings.Lines(screen) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			for _, word := range fields[1:] {
				if slices.Contains([]string{"ok", "loss", "down", "unknown"}, word) {
					return word
				}
			}
		}
	}
	t.Fatalf("no row of %s in\n%s", name, screen)
	return ""
}

// TestLiveStates judges what was seen by law 5: an answer that came late is
// none the less an answer, and what failed here says nothing.
func TestLiveStates(t *testing.T) {
	sample := func(o netsonde.Outcome) netsonde.Sample { return netsonde.Sample{Outcome: o, RTT: us} }
	const (
		ok, late, lost    = netsonde.OutcomeOK, netsonde.OutcomeLate, netsonde.OutcomeUnanswered
		unreachable, ours = netsonde.OutcomeUnreachable, netsonde.OutcomeSendFailed
	)
	for _, test := range []struct {
		outcomes []netsonde.Outcome
		want     string
	}{
		{nil, "unknown"},
		{[]netsonde.Outcome{ok}, "ok"},
		{[]netsonde.Outcome{late}, "ok"},
		{[]netsonde.Outcome{ours, ok, ours}, "ok"},
		{[]netsonde.Outcome{ok, lost}, "loss"},
		{[]netsonde.Outcome{lost, ok, ok, ok, ok}, "loss"},
		{[]netsonde.Outcome{ok, lost, unreachable, lost}, "down"},
		{[]netsonde.Outcome{ok, lost, ours, unreachable}, "down"},
		{[]netsonde.Outcome{ok, ours, ours, ours}, "unknown"},
		{[]netsonde.Outcome{lost, ours, ours, ours}, "unknown"},
	} {
		var screen bytes.Buffer
		l := console.NewLive(liveOptions(&screen))
		target := watched("x", netsonde.Output{Dialect: netsonde.DialectNative}, netsonde.KindPing)
		target.Name = "x"
		target.Groups[0].Name = "ping"
		l.Expect([]*netsonde.Target{target})
		for n, outcome := range test.outcomes {
			b := &netsonde.Batch{}
			with(b, round(target, 0, "10.0.0.1", uint64(n)), []netsonde.Sample{sample(outcome)})
			l.Consume(b)
		}
		if err := l.Run(ended()); err != nil {
			t.Fatal(err)
		}
		if got := stateIn(t, visible(screen.String()), "x"); got != test.want {
			t.Errorf("%v is %s, want %s", test.outcomes, got, test.want)
		}
	}
}

// TestLiveAmends has a late answer take a loss back, and a stall bring none.
func TestLiveAmends(t *testing.T) {
	var screen bytes.Buffer
	l := console.NewLive(liveOptions(&screen))
	targets, batch := livePlan()
	l.Expect(targets)
	l.Consume(batch)
	l.Consume(&netsonde.Batch{
		Amends: []netsonde.Amend{
			{Probe: 2, Round: 2, Outcome: netsonde.OutcomeLate, RTT: time.Second},
			{Probe: 2, Round: 77, Outcome: netsonde.OutcomeLate, RTT: time.Second},
			{Probe: 4711, Outcome: netsonde.OutcomeLate, RTT: time.Second},
		},
		Stalls: []netsonde.Stall{{Probe: 3, First: 5, Rounds: 1e18}, {Probe: 4711, Rounds: 1}},
	})
	if err := l.Run(ended()); err != nil {
		t.Fatal(err)
	}
	text := visible(screen.String())
	if got := stateIn(t, text, "web"); got != "ok" {
		t.Errorf("after a late answer web is %s:\n%s", got, text)
	}
	if got := stateIn(t, text, "dead"); got != "unknown" {
		t.Errorf("after a stall dead is %s:\n%s", got, text)
	}
}

func TestLiveTerminalGone(t *testing.T) {
	reader, screen := io.Pipe()
	reader.Close()
	l := console.NewLive(liveOptions(screen))
	if err := l.Run(t.Context()); !errors.Is(err, console.ErrClosed) {
		t.Errorf("Run: %v, want ErrClosed", err)
	}
}

// BenchmarkLive draws a table of 1,000 targets.
func BenchmarkLive(b *testing.B) {
	l := console.NewLive(liveOptions(io.Discard))
	var targets []*netsonde.Target
	for i := range 1000 {
		target := watched(fmt.Sprint("host", i), netsonde.Output{Dialect: netsonde.DialectNative}, netsonde.KindPing)
		target.Groups[0].Probes[0].ID = netsonde.ProbeID(i + 1)
		targets = append(targets, target)
	}
	l.Expect(targets)
	for b.Loop() {
		if err := l.Run(ended()); err != nil {
			b.Fatal(err)
		}
	}
}

package console_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// monitorHealth is that of a monitor that had troubles.
func monitorHealth() *netsonde.Health {
	var s netsonde.ShardHealth
	s.Sent, s.Received, s.Duplicates, s.Corrupt, s.Stalled = 120, 100, 3, 2, 4
	s.Outcomes[netsonde.OutcomeOK], s.Outcomes[netsonde.OutcomeOverrun] = 100, 20
	s.Causes[netsonde.CauseReceiveBuffer] = 20
	s.Stamps[netsonde.StampsKernel] = 100
	s.Lateness.Add(1500 * time.Microsecond)
	s.Bound = netsonde.ErrorBound{Stamps: netsonde.StampsKernel, Limit: 31 * time.Microsecond, Echoes: 60}
	return &netsonde.Health{
		At: netsonde.Instant{Real: 1_793_587_125_123_456_789}, Uptime: time.Hour, Period: time.Minute, Final: true,
		Shards: []netsonde.ShardHealth{s, {}}, OutputDropped: 7, Memory: 64 << 20, CPU: 0.125,
	}
}

// TestHealth has a monitor's own health printed in each format, and for people.
func TestHealth(t *testing.T) {
	for format, lines := range map[console.Format]int{
		console.FormatJSON: 1, console.FormatJSONLines: 1, console.FormatText: 0, console.FormatNone: 0,
	} {
		var out, said strings.Builder
		diagnostics := console.NewDiagnostics(&said, false, clock)
		c := console.New(console.Options{Results: &out, Diagnostics: diagnostics, Format: format, Node: "ams1"})
		c.Health(monitorHealth())
		diagnostics.Health(monitorHealth())
		if err := c.Run(ended()); err != nil {
			t.Fatal(err)
		}
		if err := diagnostics.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		golden(t, "health_text.txt", said.String())
		if got := strings.Count(out.String(), "\n"); got != lines {
			t.Errorf("format %v has %d lines", format, got)
		}
		if lines == 0 {
			continue
		}
		golden(t, "health_json.txt", out.String())
		var fields map[string]any
		if err := json.Unmarshal([]byte(out.String()), &fields); err != nil {
			t.Errorf("%s: %v", out.String(), err)
		}
	}
	var empty strings.Builder
	diagnostics := console.NewDiagnostics(&empty, false, clock)
	diagnostics.Health(&netsonde.Health{})
	if err := diagnostics.Flush(context.Background()); err != nil || !strings.Contains(empty.String(), "not known yet") {
		t.Errorf("%v: %s", err, empty.String())
	}
}

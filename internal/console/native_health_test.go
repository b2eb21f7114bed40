package console

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"netsonde"
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

func TestHealthLine(t *testing.T) {
	n := native{node: "ams1"}
	line := n.appendHealth(nil, monitorHealth())
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for key, want := range map[string]any{
		"type": "event", "event": "health", "node": "ams1", "final": true, "sent": 120.0, "corrupt": 2.0, "duplicates": 3.0,
		"stalled_rounds": 4.0, "late_max_ms": 1.5, "error_bound_ms": 0.031, "error_bound_timestamps": "kernel",
		"output_dropped": 7.0, "cpu": 0.125, "uptime_ms": 3_600_000.0,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if shards := got["shards"].([]any); len(shards) != 2 || shards[1].(map[string]any)["error_bound_ms"] != nil ||
		got["causes"].(map[string]any)["receive_buffer"] != 20.0 {
		t.Errorf("%s", line)
	}
}

func TestHealthText(t *testing.T) {
	text := string(appendHealthText(nil, monitorHealth()))
	for _, want := range []string{"12.5 % of a core", "64 MB", "20 overrun", "20 receive buffer full; 4 rounds", "0.031 ms at most (kernel stamps)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if empty := appendHealthText(nil, &netsonde.Health{}); !bytes.Contains(empty, []byte("not known yet")) {
		t.Errorf("%s", empty)
	}
}

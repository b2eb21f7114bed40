package probe

import (
	"time"

	"netsonde"
)

// health is what an engine counts of itself.
type health struct {
	lateness            netsonde.Lateness
	duplicates, corrupt uint64
}

// Counters fills in what the engine has counted since its start, and by how much
// echoes started late since the last call.
func (e *Engine) Counters(h *netsonde.ShardHealth) {
	h.Sent, h.Received = e.losses.sent, e.losses.received
	h.Duplicates, h.Corrupt = e.health.duplicates, e.health.corrupt
	h.Lateness = e.health.lateness
	e.health.lateness = netsonde.Lateness{}
}

// startedAt takes note of when an echo left that was due when its round was, or
// later by its place in a spaced burst. What the rates hold up is not late.
func (e *Engine) startedAt(m *measurement, index int, sent time.Duration) {
	if m.group.target.begun > 0 || m.group.target.paced {
		return
	}
	due := m.group.started.Monotonic - m.group.behind + time.Duration(index)*m.plan.Spacing
	e.health.lateness.Add(sent - due)
}

package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netsonde"
)

// Health puts the line of a monitor's own health among lines of JSON. It may be
// called at the same time as Consume, and never waits.
func (c *Console) Health(h *netsonde.Health) {
	if c.format != FormatJSON && c.format != FormatJSONLines {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.push(0, c.native.appendHealth(c.block[:0], h))
}

// appendHealth appends the event of a monitor's own health.
func (n *native) appendHealth(dst []byte, h *netsonde.Health) []byte {
	dst = appendTimeField(appendOpening(dst, "event"), h.At.Real)
	if n.node != "" {
		dst = appendTextField(dst, `,"node":`, n.node)
	}
	dst = appendWordField(dst, `,"event":`, "health")
	dst = appendMillisecondsField(dst, `,"uptime_ms":`, h.Uptime, true)
	dst = appendMillisecondsField(dst, `,"period_ms":`, h.Period, true)
	dst = appendBoolField(dst, `,"final":`, h.Final)
	total := h.Total()
	dst = appendShardHealth(dst, &total)
	dst = appendUintField(dst, `,"checks_waiting":`, uint64(h.ChecksWaiting))
	dst = appendUintField(dst, `,"output_waiting":`, uint64(h.OutputWaiting))
	dst = appendUintField(dst, `,"output_dropped":`, h.OutputDropped)
	dst = appendUintField(dst, `,"memory_bytes":`, h.Memory)
	dst = strconv.AppendFloat(append(dst, `,"cpu":`...), h.CPU, 'f', 4, 64)
	if len(h.Shards) > 1 {
		dst = append(dst, `,"shards":[`...)
		for i := range h.Shards {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, '{')
			start := len(dst)
			dst = appendShardHealth(dst, &h.Shards[i])
			dst = append(dst[:start], dst[start+1:]...) // the first comma
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	return append(dst, "}\n"...)
}

func appendShardHealth(dst []byte, s *netsonde.ShardHealth) []byte {
	dst = appendUintField(dst, `,"sent":`, s.Sent)
	dst = appendUintField(dst, `,"received":`, s.Received)
	dst = appendCounts(dst, `,"outcomes":{`, s.Outcomes[:], func(i int) string { return netsonde.Outcome(i).String() })
	dst = appendCounts(dst, `,"causes":{`, s.Causes[1:], func(i int) string { return netsonde.Cause(i + 1).String() })
	dst = appendCounts(dst, `,"timestamps":{`, s.Stamps[1:], func(i int) string { return netsonde.Stamps(i + 1).String() })
	dst = appendUintField(dst, `,"stalled_rounds":`, s.Stalled)
	dst = appendUintField(dst, `,"duplicates":`, s.Duplicates)
	dst = appendUintField(dst, `,"corrupt":`, s.Corrupt)
	started := s.Lateness.Count() > 0
	dst = appendMillisecondsField(dst, `,"late_p50_ms":`, s.Lateness.Percentile(0.5), started)
	dst = appendMillisecondsField(dst, `,"late_p99_ms":`, s.Lateness.Percentile(0.99), started)
	dst = appendMillisecondsField(dst, `,"late_max_ms":`, s.Lateness.Max(), started)
	known := s.Bound.Stamps != netsonde.StampsNone
	dst = appendMillisecondsField(dst, `,"error_bound_ms":`, s.Bound.Limit, known)
	if known {
		dst = appendWordField(dst, `,"error_bound_timestamps":`, s.Bound.Stamps.String())
	}
	return dst
}

// appendCounts appends an object of those counts that are not 0.
func appendCounts(dst []byte, key string, counts []uint64, name func(int) string) []byte {
	dst = append(dst, key...)
	first := true
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = strconv.AppendUint(append(append(append(dst, '"'), name(i)...), `":`...), n, 10)
	}
	return append(dst, '}')
}

// Health writes a monitor's own health for people, some lines of it.
func (d *Diagnostics) Health(h *netsonde.Health) {
	d.lines.write(appendHealthText(nil, h))
}

func appendHealthText(dst []byte, h *netsonde.Health) []byte {
	t := h.Total()
	line := func(format string, arguments ...any) {
		dst = append(fmt.Appendf(dst, format, arguments...), '\n')
	}
	line("netsonde is up for %v; %.1f %% of a core, %d MB of memory",
		h.Uptime.Round(time.Second), 100*h.CPU, h.Memory>>20)
	line("  packets     %d sent, %d received, %d duplicates, %d corrupt", t.Sent, t.Received, t.Duplicates, t.Corrupt)
	line("  echoes      %s", countsText(t.Outcomes[:], func(i int) string { return netsonde.Outcome(i).String() }))
	line("  lost here   %s; %d rounds stalled", countsText(t.Causes[1:], func(i int) string { return causeWords[i+1] }), t.Stalled)
	line("  stamps      %s", countsText(t.Stamps[1:], func(i int) string { return netsonde.Stamps(i + 1).String() }))
	line("  starts late by %s ms (half), %s ms (99 of 100), %s ms (all), in %v", appendShort(nil, t.Lateness.Percentile(0.5)),
		appendShort(nil, t.Lateness.Percentile(0.99)), appendShort(nil, t.Lateness.Max()), h.Period.Round(time.Second))
	line("  RTT error   %s", boundText(t.Bound))
	line("  waiting     %d checks, %d blocks of output; %d blocks dropped", h.ChecksWaiting, h.OutputWaiting, h.OutputDropped)
	return dst
}

// boundText is an error bound in words.
func boundText(b netsonde.ErrorBound) string {
	if b.Stamps == netsonde.StampsNone {
		return "not known yet"
	}
	return fmt.Sprintf("%s ms at most (%s stamps)", appendShort(nil, b.Limit), b.Stamps)
}

func countsText(counts []uint64, name func(int) string) string {
	var parts []string
	for i, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprint(n, " ", name(i)))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

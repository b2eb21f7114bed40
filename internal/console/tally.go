package console

import (
	"strconv"
	"time"

	"netsonde"
)

const serviceStates = int(netsonde.ServiceWrongAnswer) + 1

// tally is the sums of a sweep.
type tally struct {
	counts         Counts
	sent, received uint64
	lost           [outcomes]uint64
	// ports are those of a scan by what was found.
	ports [serviceStates]uint64
	// checks counts the ports that were asked, also of targets that are not done.
	checks        uint64
	min, max, sum time.Duration
	// timed counts the RTTs of sum.
	timed uint64
}

// done is the number of targets that are done.
func (t *tally) done() uint64 {
	return t.counts.Reachable + t.counts.Unreachable + t.counts.Unresolved
}

// add takes in what a target's probes have found.
func (t *tally) add(findings []finding) {
	up, unresolved := false, len(findings) > 0
	for i := range findings {
		switch found := &findings[i]; {
		case found.burst != nil:
			for j := range found.burst.Samples {
				sample := &found.burst.Samples[j]
				unresolved = unresolved && sample.Outcome == netsonde.OutcomeUnresolved
				if t.addSample(sample) {
					up = true
				}
			}
		case found.route != nil:
			unresolved = unresolved && found.route.End == netsonde.RouteUnresolved
			if found.route.End == netsonde.RouteReached {
				up = true
				if hops := found.route.Hops; len(hops) > 0 {
					t.time(hops[len(hops)-1].RTT)
				}
			}
		case found.service != nil:
			unresolved = unresolved && found.service.State == netsonde.ServiceUnresolved
			if int(found.service.State) < serviceStates {
				t.ports[found.service.State]++
			}
			if found.service.State == netsonde.ServiceOpen {
				up = true
				t.time(found.service.RTT)
			}
		default:
			unresolved = false
		}
	}
	switch {
	case up:
		t.counts.Reachable++
	case unresolved:
		t.counts.Unresolved++
	default:
		t.counts.Unreachable++
	}
}

func (t *tally) addSample(s *netsonde.Sample) (answered bool) {
	if hasLeft(s.Outcome) {
		t.sent++
	}
	if s.Outcome.Answered() {
		t.received++
		t.time(s.RTT)
		return true
	}
	if int(s.Outcome) < outcomes {
		t.lost[s.Outcome]++
	}
	return false
}

func (t *tally) time(rtt time.Duration) {
	if t.timed == 0 || rtt < t.min {
		t.min = rtt
	}
	t.max = max(t.max, rtt)
	t.sum += rtt
	t.timed++
}

// average is valid when anything was timed.
func (t *tally) average() time.Duration {
	return t.sum / time.Duration(max(t.timed, 1))
}

// theirs is the number of echoes that path or target lost.
func (t *tally) theirs() uint64 {
	return t.lost[netsonde.OutcomeUnanswered] + t.lost[netsonde.OutcomeUnreachable]
}

// appendJSON appends the summary as one object.
func (t *tally) appendJSON(dst []byte, tool Tool, elapsed time.Duration) []byte {
	dst = appendWordField(appendOpening(dst, "summary"), `,"tool":`, tool.String())
	dst = appendUintField(dst, `,"targets":`, t.done())
	dst = appendUintField(dst, `,"reachable":`, t.counts.Reachable)
	dst = appendUintField(dst, `,"unreachable":`, t.counts.Unreachable)
	dst = appendUintField(dst, `,"unresolved":`, t.counts.Unresolved)
	switch tool {
	case ToolPing:
		dst = appendUintField(dst, `,"sent":`, t.sent)
		dst = appendUintField(dst, `,"received":`, t.received)
		dst = append(appendLost(append(dst, `,"lost":{`...), &t.lost), '}')
	case ToolScan:
		dst = append(dst, `,"ports":{`...)
		first := true
		for state, n := range t.ports {
			if n == 0 {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendQuoted(dst, netsonde.ServiceState(state).String(), maxValue)
			dst = strconv.AppendUint(append(dst, ':'), n, 10)
		}
		dst = append(dst, '}')
	}
	known := t.timed > 0
	dst = appendMillisecondsField(dst, `,"min_ms":`, t.min, known)
	dst = appendMillisecondsField(dst, `,"avg_ms":`, t.average(), known)
	dst = appendMillisecondsField(dst, `,"max_ms":`, t.max, known)
	dst = appendMillisecondsField(dst, `,"elapsed_ms":`, elapsed, true)
	return append(dst, "}\n"...)
}

// appendText appends the summary for people, in two or three lines.
func (t *tally) appendText(dst []byte, tool Tool, elapsed time.Duration) []byte {
	up := " reachable, "
	if tool == ToolScan {
		up = " with an open port, "
	}
	dst = append(appendCount(dst, t.done(), "target"), ": "...)
	dst = append(strconv.AppendUint(dst, t.counts.Reachable, 10), up...)
	dst = append(strconv.AppendUint(dst, t.counts.Unreachable, 10), " not"...)
	if t.counts.Unresolved > 0 {
		dst = append(strconv.AppendUint(append(dst, ", "...), t.counts.Unresolved, 10), " without address"...)
	}
	dst = append(dst, '\n')
	switch tool {
	case ToolPing:
		dst = append(strconv.AppendUint(dst, t.sent, 10), " sent, "...)
		dst = append(strconv.AppendUint(dst, t.received, 10), " received"...)
		if known := t.theirs() + t.received; known > 0 {
			dst = appendPercent(append(dst, ", loss "...), t.theirs(), known)
			dst = append(dst, '%')
		}
		for outcome, n := range t.lost {
			if n > 0 {
				dst = append(strconv.AppendUint(append(dst, ", "...), n, 10), ' ')
				dst = append(dst, netsonde.Outcome(outcome).String()...)
			}
		}
		dst = append(dst, '\n')
	case ToolScan:
		start := len(dst)
		for state, n := range t.ports {
			if n > 0 {
				dst = append(strconv.AppendUint(separate(dst, start), n, 10), ' ')
				dst = append(dst, netsonde.ServiceState(state).String()...)
			}
		}
		if len(dst) > start {
			dst = append(dst, '\n')
		}
	}
	if t.timed > 0 {
		dst = appendRange(append(dst, "rtt min/avg/max "...), t.min, t.average(), t.max)
		dst = append(dst, ", "...)
	}
	dst = append(dst, "elapsed "...)
	dst = strconv.AppendFloat(dst, elapsed.Seconds(), 'f', 3, 64)
	return append(dst, " s\n"...)
}

// appendRange appends three RTTs.
func appendRange(dst []byte, least, average, most time.Duration) []byte {
	dst = append(appendShort(dst, least), '/')
	dst = append(appendShort(dst, average), '/')
	return append(appendShort(dst, most), " ms"...)
}

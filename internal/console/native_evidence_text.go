package console

import (
	"strconv"
	"time"

	"netsonde"
)

// evidenceLabel stands where lines have the name of a probe.
const evidenceLabel = "why"

// appendEvidenceText appends what was gathered when a target began to lose
// echoes: the verdict in words, and below it what it stands on.
func (n *native) appendEvidenceText(dst []byte, e *netsonde.Evidence) []byte {
	l := line{at: e.Detected.Real, target: e.Target, addr: e.Addr, label: evidenceLabel}
	dst = n.beginEvidence(dst, &l)
	dst = append(dst, verdictWords(e)...)
	if l.moved {
		dst = appendTextAddr(append(dst, "  "...), l.addr)
	}
	dst = append(trimRight(n.cut(dst, l.start), l.start), '\n')
	for _, part := range []func([]byte, *netsonde.Evidence) []byte{
		appendEchoesText, n.appendPathsText, appendRouteAndLinkText, appendQueuesText,
	} {
		start := len(dst)
		dst = appendBlanks(dst, hopIndent+2)
		text := len(dst)
		if dst = part(dst, e); len(dst) == text {
			dst = dst[:start]
			continue
		}
		dst = append(trimRight(n.cut(dst, start), start), '\n')
	}
	return dst
}

// beginEvidence appends time, target, address and label, without a state: that
// of the probe is told by its own lines.
func (n *native) beginEvidence(dst []byte, l *line) []byte {
	l.start = len(dst)
	n.layout.columns = 0
	if n.columns != nil {
		n.layout.columns = max(n.columns(), 0)
	}
	form := dayTime
	if n.layout.terminal {
		form = clockTime
	}
	dst = append(time.Unix(0, l.at).In(n.location).AppendFormat(dst, form), ' ')
	n.layout.see(l.target)
	start := len(dst)
	dst = n.fit(appendEscaped(dst, l.target.Name, maxValue), start, n.layout.targetCells())
	dst = n.appendAddress(append(dst, ' '), l)
	start = len(dst)
	return append(n.fit(append(dst, l.label...), start, n.layout.probe), ' ')
}

func verdictWords(e *netsonde.Evidence) string {
	switch e.Verdict {
	case netsonde.VerdictDown:
		return "down: no answer, from a new socket either"
	case netsonde.VerdictStuckSession:
		text := "stuck session: it answers a new socket, a firewall on the way holds on to the old one"
		if e.Moved {
			text += "; the probe has moved"
		}
		return text
	case netsonde.VerdictLossy:
		return "lossy: it answers some echoes and not others"
	case netsonde.VerdictRecovered:
		return "recovered: it answers again"
	case netsonde.VerdictLocal:
		return "local: this machine cannot send"
	default:
		return "not known: this machine could not find out"
	}
}

// appendEchoesText appends what became of the echoes of both identities.
func appendEchoesText(dst []byte, e *netsonde.Evidence) []byte {
	dst = appendSeriesText(append(dst, "echoes: same session "...), &e.Same)
	return appendSeriesText(append(dst, "; new socket "...), &e.Fresh)
}

func appendSeriesText(dst []byte, s *netsonde.EchoSeries) []byte {
	found := s.Statistics()
	if found.Sent == 0 {
		dst = append(dst, "none sent"...)
	} else {
		dst = strconv.AppendInt(dst, int64(found.Answered), 10)
		dst = strconv.AppendInt(append(dst, " of "...), int64(found.Sent), 10)
		dst = append(dst, " answered"...)
	}
	if found.Answered > 0 {
		dst = append(appendShort(append(dst, ", "...), found.Avg), " ms"...)
	}
	for i := range s.Samples {
		if outcome := s.Samples[i].Outcome; !outcome.Answered() && outcome != netsonde.OutcomeUnanswered {
			dst = append(append(dst, ", "...), outcome.String()...)
			dst = appendCauseDetail(dst, &s.Samples[i])
			break
		}
	}
	if s.Problem != "" {
		dst = append(appendEscaped(append(dst, " ("...), s.Problem, maxValue), ')')
	}
	return dst
}

// appendPathsText appends where the traces end, those that end alike together.
func (n *native) appendPathsText(dst []byte, e *netsonde.Evidence) []byte {
	if len(e.Traces) == 0 {
		return dst
	}
	dst = append(dst, "paths: "...)
	var ends []string
	counts := map[string]int{}
	for i := range e.Traces {
		end := string(appendPathEnd(nil, &e.Traces[i], e.LastGood))
		if counts[end] == 0 {
			ends = append(ends, end)
		}
		counts[end]++
	}
	for i, end := range ends {
		if i > 0 {
			dst = append(dst, "; "...)
		}
		dst = append(appendCount(dst, uint64(counts[end]), "flow"), ' ')
		dst = append(dst, end...)
	}
	if e.LastGood != nil {
		dst = append(dst, "; last good "...)
		dst = time.Unix(0, e.LastGood.Started.Real).In(n.location).AppendFormat(dst, clockTime)
		dst = appendCount(append(dst, ", "...), uint64(len(e.LastGood.Hops)), "hop")
	}
	return dst
}

// appendPathEnd appends where a trace ends, and where the last good one went on
// from there.
func appendPathEnd(dst []byte, route, good *netsonde.Route) []byte {
	switch route.End {
	case netsonde.RouteReached:
		return appendCount(append(dst, "reached it in "...), uint64(len(route.Hops)), "hop")
	case netsonde.RouteExhausted, netsonde.RouteSilent, netsonde.RouteUnreachable:
	default:
		return appendRouteEnd(dst, route)
	}
	last := answering(route.Hops)
	if last == 0 {
		return append(dst, "had no answer from any hop"...)
	}
	at := route.Hops[last-1].Addr
	if route.End == netsonde.RouteUnreachable {
		dst = append(dst, "unreachable says hop "...)
	} else {
		dst = append(dst, "silent after hop "...)
	}
	dst = appendTextAddr(append(strconv.AppendInt(dst, int64(last), 10), ' '), at)
	if good != nil {
		if next := nextHop(good, at); next.IsValid() {
			dst = append(appendTextAddr(append(dst, " (then came "...), next), ')')
		}
	}
	return dst
}

// appendRouteAndLinkText appends what this machine says of the way out.
func appendRouteAndLinkText(dst []byte, e *netsonde.Evidence) []byte {
	local := e.Local
	if local == nil || local.Route == nil {
		return append(dst, "here: the kernel has not said"...)
	}
	dst = append(dst, "here: "...)
	if local.Route.Errno != 0 {
		return appendEscaped(append(dst, "no route: "...), local.Route.Errno.Error(), maxValue)
	}
	if i := local.Interface; i != nil {
		dst = append(append(appendEscaped(dst, i.Name, maxValue), ' '), i.State...)
		if !i.Carrier {
			dst = append(dst, ", no carrier"...)
		}
		dst = append(appendCount(append(dst, " ("...), uint64(i.CarrierChanges), "carrier change"), ')')
	} else {
		dst = append(dst, local.Route.Type...)
	}
	if neighbour := local.Neighbour; neighbour != nil {
		what := ", next hop "
		if local.Route.Gateway.IsValid() {
			what = ", gateway "
		}
		dst = append(appendTextAddr(append(dst, what...), neighbour.Addr), ' ')
		dst = append(dst, neighbour.State...)
		if neighbour.Hardware != "" {
			dst = appendEscaped(append(dst, ' '), neighbour.Hardware, maxValue)
		}
	}
	return dst
}

// appendQueuesText appends what waits or was dropped on the way out, and the
// table of connections.
func appendQueuesText(dst []byte, e *netsonde.Evidence) []byte {
	if e.Local == nil {
		return dst
	}
	start := len(dst)
	if len(e.Local.Queues) > 0 {
		q := &e.Local.Queues[0]
		dst = appendEscaped(append(dst, "qdisc "...), q.Kind, maxValue)
		dst = strconv.AppendUint(append(dst, ": "...), uint64(q.Length), 10)
		dst = strconv.AppendUint(append(dst, " waiting, "...), uint64(q.Drops), 10)
		dst = append(dst, " dropped so far"...)
	}
	if c := e.Local.Conntrack; c != nil {
		if len(dst) > start {
			dst = append(dst, "; "...)
		}
		dst = strconv.AppendUint(append(dst, "conntrack "...), c.Count, 10)
		dst = strconv.AppendUint(append(dst, " of "...), c.Max, 10)
		for i := range c.Sessions {
			if c.Sessions[i].Replied {
				dst = append(dst, ", the session was answered once"...)
			} else {
				dst = append(dst, ", the session was never answered"...)
			}
		}
	}
	return dst
}

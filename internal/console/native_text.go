package console

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"netsonde"
)

// probeLabel tells a target's probes apart: by their port where that is not
// the usual one, else by the group's name, such as "ping#2".
func probeLabel(group *netsonde.Group, probe *netsonde.Probe) string {
	switch {
	case probe.Kind.IsCheck() && probe.Port != 0 && probe.Port != probe.Kind.Port():
		return probe.Kind.String() + ":" + strconv.Itoa(int(probe.Port))
	case len(group.Probes) == 1 && strings.HasPrefix(group.Name, probe.Kind.String()):
		return group.Name
	default:
		return probe.Kind.String()
	}
}

// appendText appends the line of one probe's round, and the hops of a route
// that is news.
func (n *native) appendText(dst []byte, round *netsonde.Round, found *finding) []byte {
	l := line{at: round.Started.Real, target: round.Target, addr: round.Addr}
	l.label = probeLabel(&round.Target.Groups[round.Group], found.probe)
	switch {
	case found.burst != nil:
		s := found.burst.Statistics()
		l.state = stateOf(s.Answered, s.Theirs)
		dst = n.beginLine(dst, &l, found.probe.ID)
		return n.endLine(appendBurstText(dst, found.burst, &s), &l)
	case found.route != nil:
		l.state = routeState(found.route.End)
		dst = n.beginLine(dst, &l, found.probe.ID)
		return n.appendRouteText(dst, &l, found.route)
	case found.service != nil:
		l.state = serviceState(found.service.State)
		dst = n.beginLine(dst, &l, found.probe.ID)
		return n.endLine(appendServiceText(dst, found.service), &l)
	default:
		return dst
	}
}

// appendBurstText appends what became of a round's echoes.
func appendBurstText(dst []byte, burst *netsonde.Burst, s *netsonde.Statistics) []byte {
	start := len(dst)
	if s.Answered > 0 && s.Theirs > 0 {
		dst = appendPercent(dst, uint64(s.Theirs), uint64(s.Theirs+s.Answered))
		dst = append(dst, "% lost"...)
	}
	if s.Answered > 0 {
		dst = append(appendShort(separate(dst, start), s.Avg), " ms"...)
	}
	if s.Answered > 1 {
		dst = appendShort(append(dst, " ("...), s.Min)
		dst = append(appendShort(append(dst, " to "...), s.Max), ')')
	}
	return appendCauses(dst, start, burst.Samples)
}

// separate appends a comma unless nothing stands after start.
func separate(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ", "...)
	}
	return dst
}

// appendCauses appends how many echoes ended otherwise than with an answer in
// time, by cause, each with the details of its first.
func appendCauses(dst []byte, start int, samples []netsonde.Sample) []byte {
	var counts [outcomes]int
	var first [outcomes]*netsonde.Sample
	for i := range samples {
		outcome := samples[i].Outcome
		if int(outcome) >= outcomes || outcome == netsonde.OutcomeOK {
			continue
		}
		if counts[outcome] == 0 {
			first[outcome] = &samples[i]
		}
		counts[outcome]++
	}
	for outcome, count := range counts {
		if count == 0 {
			continue
		}
		dst = separate(dst, start)
		if len(samples) > 1 {
			dst = append(strconv.AppendInt(dst, int64(count), 10), ' ')
		}
		dst = append(dst, netsonde.Outcome(outcome).String()...)
		dst = appendCauseDetail(dst, first[outcome])
	}
	return dst
}

func appendCauseDetail(dst []byte, s *netsonde.Sample) []byte {
	switch {
	case s.Outcome == netsonde.OutcomeUnreachable && s.From.IsValid():
		dst = append(dst, " ("...)
		if reason := icmpReason(s.From, s.ICMPType, s.ICMPCode); reason != "" {
			dst = append(append(dst, reason...), ", "...)
		} else {
			dst = strconv.AppendUint(append(dst, "type "...), uint64(s.ICMPType), 10)
			dst = strconv.AppendUint(append(dst, " code "...), uint64(s.ICMPCode), 10)
			dst = append(dst, ", "...)
		}
		return append(appendTextAddr(append(dst, "from "...), s.From), ')')
	case s.Outcome == netsonde.OutcomeSendFailed && s.Errno != 0:
		return append(appendEscaped(append(dst, " ("...), s.Errno.Error(), maxValue), ')')
	case int(s.Cause) < len(causeWords) && causeWords[s.Cause] != "":
		return append(append(append(dst, " ("...), causeWords[s.Cause]...), ')')
	default:
		return dst
	}
}

// causeWords are the places where this machine lost an echo, for people.
var causeWords = [...]string{
	netsonde.CauseReceiveBuffer: "receive buffer full",
	netsonde.CauseBacklog:       "backlog of this machine full",
	netsonde.CauseInterfaceIn:   "dropped by the interface as it came in",
	netsonde.CauseQueue:         "dropped by the queue before the interface",
	netsonde.CauseInterfaceOut:  "dropped by the interface",
	netsonde.CauseNoCarrier:     "no carrier",
}

// appendServiceText appends what a check found, the shortest first.
func appendServiceText(dst []byte, s *netsonde.Service) []byte {
	start := len(dst)
	if s.State != netsonde.ServiceOpen {
		return appendServiceFailure(dst, s)
	}
	dst = append(appendShort(dst, s.RTT), " ms"...)
	if detail := appendServiceDetail(nil, s, s.Started); len(detail) > 0 {
		dst = append(separate(dst, start), detail...)
	}
	return dst
}

// appendServiceFailure appends the state of a check that is not open, and why.
func appendServiceFailure(dst []byte, s *netsonde.Service) []byte {
	dst = append(dst, s.State.String()...)
	reason := s.Reason
	// The number that Python shows is for connmonitor's readers.
	if strings.HasPrefix(reason, "[Errno ") {
		if _, text, ok := strings.Cut(reason, "] "); ok {
			reason = text
		}
	}
	if reason != "" {
		dst = appendEscaped(append(dst, ": "...), reason, maxValue)
	}
	return dst
}

// appendServiceDetail appends what a server told of itself. now is for the days
// that its certificate has left.
func appendServiceDetail(dst []byte, s *netsonde.Service, now time.Time) []byte {
	start := len(dst)
	if s.Code != 0 {
		dst = strconv.AppendInt(dst, int64(s.Code), 10)
	}
	if text := cmp.Or(s.Server, s.Version); text != "" {
		dst = appendEscaped(separate(dst, start), text, maxValue)
	}
	for _, answer := range s.Answers {
		dst = appendEscaped(separate(dst, start), answer, maxValue)
	}
	if s.TLSVersion != "" {
		dst = appendEscaped(separate(dst, start), s.TLSVersion, maxValue)
	}
	if s.Certificate != nil && !now.IsZero() {
		dst = appendDaysLeft(separate(dst, start), s.Certificate.NotAfter.Sub(now))
	}
	return dst
}

// appendDaysLeft appends for how many days a certificate is still good.
func appendDaysLeft(dst []byte, left time.Duration) []byte {
	const day = 24 * time.Hour
	if left < 0 {
		return append(strconv.AppendInt(append(dst, "cert expired "...), int64(-left/day), 10), " d ago"...)
	}
	return append(strconv.AppendInt(append(dst, "cert "...), int64(left/day), 10), " d"...)
}

// appendTextStall appends the line of rounds that were not run.
func (n *native) appendTextStall(dst []byte, of planned, stall *netsonde.Stall) []byte {
	label := of.probe.Kind.String()
	for i := range of.target.Groups {
		group := &of.target.Groups[i]
		for j := range group.Probes {
			if &group.Probes[j] == of.probe {
				label = probeLabel(group, of.probe)
			}
		}
	}
	l := line{at: stall.Due.Real, target: of.target, label: label}
	dst = n.beginLine(dst, &l, of.id)
	dst = appendCount(append(dst, "stalled: "...), stall.Rounds, "round")
	return n.endLine(append(dst, " not run, this process stood still"...), &l)
}

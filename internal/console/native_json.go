package console

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"netsonde"
)

// outcomes is the number of outcomes, for counts by outcome.
const outcomes = int(netsonde.OutcomeUnresolved) + 1

// appendOpening appends what every object begins with.
func appendOpening(dst []byte, kind string) []byte {
	dst = append(dst, `{"schema":1,"type":"`...)
	return append(append(dst, kind...), '"')
}

// lineType is the type of the lines of a kind of probe.
func lineType(kind netsonde.Kind) string {
	if kind.IsCheck() {
		return "check"
	}
	return kind.String()
}

// appendTimeField appends a moment in UTC.
func appendTimeField(dst []byte, nanoseconds int64) []byte {
	dst = append(dst, `,"time":"`...)
	return append(appendMoment(dst, nanoseconds), '"')
}

// appendMoment appends a moment by RFC 3339, in UTC and with all nine digits, so
// that lines sort as text. The time package is several times as fast without them.
func appendMoment(dst []byte, nanoseconds int64) []byte {
	at := time.Unix(0, nanoseconds).UTC()
	dst = at.AppendFormat(dst, time.RFC3339)
	dst[len(dst)-1] = '.' // in the place of Z
	return append(appendDigits(dst, uint64(at.Nanosecond()), 9), 'Z')
}

// appendTargetFields appends which target a line tells of, and its labels in
// the order of their names. keys is memory for that.
func appendTargetFields(dst []byte, target *netsonde.Target, keys []string) ([]byte, []string) {
	dst = appendQuoted(append(dst, `,"target":`...), target.Name, maxValue)
	if len(target.Labels) == 0 {
		return dst, keys
	}
	keys = slices.AppendSeq(keys[:0], maps.Keys(target.Labels))
	slices.Sort(keys)
	dst = append(dst, `,"labels":{`...)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, key, maxValue), ':')
		dst = appendQuoted(dst, target.Labels[key], maxValue)
	}
	return append(dst, '}'), keys
}

func appendProbeField(dst []byte, id netsonde.ProbeID) []byte {
	dst = append(dst, `,"probe":"`...)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[id>>shift&15])
	}
	return append(dst, '"')
}

// appendAddrField appends an address, null when there is none.
func appendAddrField(dst []byte, key string, addr netip.Addr) []byte {
	dst = append(dst, key...)
	if !addr.IsValid() {
		return append(dst, "null"...)
	}
	return appendJSONAddr(dst, addr)
}

func appendUintField(dst []byte, key string, value uint64) []byte {
	return strconv.AppendUint(append(dst, key...), value, 10)
}

func appendBoolField(dst []byte, key string, value bool) []byte {
	return strconv.AppendBool(append(dst, key...), value)
}

// appendWordField appends a word of ours, which needs no escapes.
func appendWordField(dst []byte, key, word string) []byte {
	dst = append(append(dst, key...), '"')
	return append(append(dst, word...), '"')
}

// appendTextField appends a text from elsewhere.
func appendTextField(dst []byte, key, text string) []byte {
	return appendQuoted(append(dst, key...), text, maxValue)
}

// appendMillisecondsField appends a duration in milliseconds, exact to the
// nanosecond, null when it is not known.
func appendMillisecondsField(dst []byte, key string, d time.Duration, known bool) []byte {
	dst = append(dst, key...)
	if !known {
		return append(dst, "null"...)
	}
	return appendEpochMilliseconds(dst, int64(d))
}

func appendStampsField(dst []byte, stamps netsonde.Stamps) []byte {
	if stamps == netsonde.StampsNone {
		return append(dst, `,"timestamps":null`...)
	}
	return appendWordField(dst, `,"timestamps":`, stamps.String())
}

func appendErrnoFields(dst []byte, errno syscall.Errno) []byte {
	if errno == 0 {
		return dst
	}
	dst = appendUintField(dst, `,"errno":`, uint64(errno))
	return appendTextField(dst, `,"error":`, errno.Error())
}

// appendSampleFields appends one echo.
func appendSampleFields(dst []byte, s *netsonde.Sample, addr netip.Addr) []byte {
	answered := s.Outcome.Answered()
	dst = appendWordField(dst, `,"outcome":`, s.Outcome.String())
	dst = appendMillisecondsField(dst, `,"rtt_ms":`, s.RTT, answered)
	stamps := s.Stamps
	if !answered {
		stamps = netsonde.StampsNone
	}
	dst = appendStampsField(dst, stamps)
	if s.Method != netsonde.MethodICMP {
		dst = appendWordField(dst, `,"method":`, s.Method.String())
	}
	if s.From.IsValid() && s.From != addr {
		dst = appendAddrField(dst, `,"from":`, s.From)
	}
	if s.TTL > 0 {
		dst = appendUintField(dst, `,"ttl":`, uint64(s.TTL))
	}
	if s.Outcome == netsonde.OutcomeUnreachable {
		dst = appendUintField(dst, `,"icmp":{"type":`, uint64(s.ICMPType))
		dst = append(appendUintField(dst, `,"code":`, uint64(s.ICMPCode)), '}')
	}
	return appendCauseField(appendErrnoFields(dst, s.Errno), s.Cause)
}

// appendCauseField appends where this machine lost an echo, if that is known.
func appendCauseField(dst []byte, cause netsonde.Cause) []byte {
	if cause == netsonde.CauseNone {
		return dst
	}
	return appendWordField(dst, `,"cause":`, cause.String())
}

// appendBurstFields appends the echoes of a round together.
func appendBurstFields(dst []byte, burst *netsonde.Burst) []byte {
	s := burst.Statistics()
	dst = appendUintField(dst, `,"sent":`, sentOf(burst.Samples))
	dst = appendUintField(dst, `,"received":`, uint64(s.Answered))
	dst = append(dst, `,"lost":{`...)
	if s.Theirs+s.Ours > 0 {
		var lost [outcomes]uint64
		for i := range burst.Samples {
			if outcome := burst.Samples[i].Outcome; int(outcome) < outcomes && !outcome.Answered() {
				lost[outcome]++
			}
		}
		dst = appendLost(dst, &lost)
	}
	dst = append(dst, '}')
	known := s.Answered > 0
	dst = appendMillisecondsField(dst, `,"min_ms":`, s.Min, known)
	dst = appendMillisecondsField(dst, `,"avg_ms":`, s.Avg, known)
	dst = appendMillisecondsField(dst, `,"max_ms":`, s.Max, known)
	dst = appendMillisecondsField(dst, `,"std_ms":`, s.Std, known)
	dst = append(dst, `,"rtt_ms":[`...)
	for i := range burst.Samples {
		key := ","
		if i == 0 {
			key = ""
		}
		dst = appendMillisecondsField(dst, key, burst.Samples[i].RTT, burst.Samples[i].Outcome.Answered())
	}
	dst = appendStampsField(append(dst, ']'), stampsOf(burst.Samples))
	if s.Theirs+s.Ours > 0 {
		dst = appendErrorsField(dst, burst.Samples)
	}
	return dst
}

// appendErrorsField appends the echoes without answer of which more is known
// than that, nothing when there are none.
func appendErrorsField(dst []byte, samples []netsonde.Sample) []byte {
	opening := `,"errors":[`
	start := len(dst)
	for i := range samples {
		s := &samples[i]
		if s.Outcome.Answered() || s.Outcome == netsonde.OutcomeUnanswered {
			continue
		}
		dst = append(strconv.AppendInt(append(append(dst, opening...), `{"seq":`...), int64(s.Sequence), 10), `,"outcome":`...)
		dst = appendQuoted(dst, s.Outcome.String(), maxValue)
		if s.Outcome == netsonde.OutcomeUnreachable {
			dst = appendAddrField(dst, `,"from":`, s.From)
			dst = appendUintField(dst, `,"type":`, uint64(s.ICMPType))
			dst = appendUintField(dst, `,"code":`, uint64(s.ICMPCode))
		}
		dst = append(appendCauseField(appendErrnoFields(dst, s.Errno), s.Cause), '}')
		opening = ","
	}
	if len(dst) > start {
		dst = append(dst, ']')
	}
	return dst
}

// appendLost appends the causes of missing answers that occurred.
func appendLost(dst []byte, lost *[outcomes]uint64) []byte {
	first := true
	for outcome, n := range lost {
		if n == 0 || netsonde.Outcome(outcome).Answered() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendQuoted(dst, netsonde.Outcome(outcome).String(), maxValue)
		dst = strconv.AppendUint(append(dst, ':'), n, 10)
	}
	return dst
}

// appendHopsField appends the hops of a trace, null for the address of a
// silent one.
func appendHopsField(dst []byte, hops []netsonde.Hop) []byte {
	dst = append(dst, `,"hops":[`...)
	for i, hop := range hops {
		key := `,{"ttl":`
		if i == 0 {
			key = `{"ttl":`
		}
		dst = appendUintField(dst, key, uint64(hop.TTL))
		dst = appendAddrField(dst, `,"addr":`, hop.Addr)
		dst = appendMillisecondsField(dst, `,"rtt_ms":`, hop.RTT, !hop.Silent())
		dst = append(appendLabelsField(dst, hop.Labels), '}')
	}
	return append(dst, ']')
}

// appendLabelsField appends the MPLS labels of a hop, nothing when it tells none.
func appendLabelsField(dst []byte, stack netsonde.LabelStack) []byte {
	if stack == "" {
		return dst
	}
	dst = append(dst, `,"mpls":[`...)
	for i := range stack.Len() {
		key := `,{"label":`
		if i == 0 {
			key = `{"label":`
		}
		label := stack.At(i)
		dst = appendUintField(dst, key, uint64(label.Value))
		dst = appendUintField(dst, `,"tc":`, uint64(label.TrafficClass))
		dst = append(appendUintField(dst, `,"ttl":`, uint64(label.TTL)), '}')
	}
	return append(dst, ']')
}

// appendWasField appends the addresses that a route is compared with, null for
// a hop that had never answered, nothing when there was no route before.
func appendWasField(dst []byte, was []netip.Addr) []byte {
	if was == nil {
		return dst
	}
	dst = append(dst, `,"was":[`...)
	for i, addr := range was {
		key := ","
		if i == 0 {
			key = ""
		}
		dst = appendAddrField(dst, key, addr)
	}
	return append(dst, ']')
}

// appendRouteFields appends what a trace was made of and how it ended.
func appendRouteFields(dst []byte, route *netsonde.Route) []byte {
	dst = appendWordField(dst, `,"end":`, routeEndName(route.End))
	dst = appendWordField(dst, `,"protocol":`, traceProtocolName(route.Protocol))
	dst = appendUintField(dst, `,"flow":`, uint64(route.Flow))
	least := netsonde.StampsNone
	for _, hop := range route.Hops {
		if !hop.Silent() {
			least = max(least, hop.Stamps)
		}
	}
	return appendErrnoFields(appendStampsField(dst, least), route.Errno)
}

// appendServiceFields appends what a check found; only the state and the RTT
// stand there in any case.
func appendServiceFields(dst []byte, s *netsonde.Service) []byte {
	dst = appendWordField(dst, `"state":`, s.State.String())
	dst = appendMillisecondsField(dst, `,"rtt_ms":`, s.RTT, s.RTT > 0)
	if s.Phases.Connect > 0 {
		dst = appendMillisecondsField(dst, `,"connect_ms":`, s.Phases.Connect, true)
	}
	if s.Phases.TLS > 0 {
		dst = appendMillisecondsField(dst, `,"tls_ms":`, s.Phases.TLS, true)
	}
	if s.Phases.FirstByte > 0 {
		dst = appendMillisecondsField(dst, `,"first_byte_ms":`, s.Phases.FirstByte, true)
	}
	if s.Code != 0 || s.Kind == netsonde.KindDNS && s.State == netsonde.ServiceOpen {
		dst = strconv.AppendInt(append(dst, `,"code":`...), int64(s.Code), 10)
	}
	if s.Server != "" {
		dst = appendTextField(dst, `,"server":`, s.Server)
	}
	if s.Version != "" {
		dst = appendTextField(dst, `,"version":`, s.Version)
	}
	if s.TLSVersion != "" {
		dst = appendTextField(dst, `,"tls":`, s.TLSVersion)
	}
	if s.Certificate != nil {
		dst = appendCertificate(append(dst, `,"certificate":`...), s.Certificate)
	}
	if len(s.Answers) > 0 {
		dst = append(dst, `,"answers":`...)
		for i, answer := range s.Answers {
			key := ","
			if i == 0 {
				key = "["
			}
			dst = appendTextField(dst, key, answer)
		}
		dst = append(dst, ']')
	}
	if s.Reason != "" {
		dst = appendTextField(dst, `,"reason":`, s.Reason)
	}
	return dst
}

func appendCertificate(dst []byte, c *netsonde.Certificate) []byte {
	dst = appendTextField(dst, `{"subject":`, c.Subject)
	dst = appendTextField(dst, `,"issuer":`, c.Issuer)
	dst = append(dst, `,"not_before":"`...)
	dst = c.NotBefore.UTC().AppendFormat(dst, time.RFC3339)
	dst = append(dst, `","not_after":"`...)
	dst = append(c.NotAfter.UTC().AppendFormat(dst, time.RFC3339), '"')
	if c.Problem != "" {
		dst = appendTextField(dst, `,"problem":`, c.Problem)
	}
	return append(dst, '}')
}

package console

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"

	"netsonde"
)

// state is what is said of a target in one word.
type state uint8

const (
	// stateUnknown has no news of the target: only this machine's own troubles.
	stateUnknown state = iota
	stateWell
	// stateLoss answers, but not always, or not as it should.
	stateLoss
	// stateDown does not answer.
	stateDown
)

var stateWords = [...]string{"unknown", "ok", "loss", "down"}

var stateColours = [...]string{colourUnknown, colourWell, colourLoss, colourDown}

// appendState appends a state's word as wide cells.
func appendState(dst []byte, s state, wide int) []byte {
	dst = append(dst, stateWords[s]...)
	return appendBlanks(dst, wide-len(stateWords[s]))
}

// stateOf judges counts: up is answered or late, down is theirs, and what
// failed here says nothing.
func stateOf(answered, theirs int) state {
	switch {
	case answered > 0 && theirs > 0:
		return stateLoss
	case answered > 0:
		return stateWell
	case theirs > 0:
		return stateDown
	default:
		return stateUnknown
	}
}

func serviceState(s netsonde.ServiceState) state {
	switch s {
	case netsonde.ServiceOpen:
		return stateWell
	case netsonde.ServiceClosed, netsonde.ServiceFiltered,
		netsonde.ServiceWrongProtocol, netsonde.ServiceWrongAnswer:
		return stateDown
	default:
		return stateUnknown
	}
}

// routeState judges a trace. One that the target does not answer tells of what
// the way lets through, not that the target is down.
func routeState(end netsonde.RouteEnd) state {
	switch end {
	case netsonde.RouteReached:
		return stateWell
	case netsonde.RouteSendFailed, netsonde.RouteUnsupported, netsonde.RouteUnresolved:
		return stateUnknown
	default:
		return stateLoss
	}
}

var routeEndNames = [...]string{
	"exhausted", "reached", "unreachable", "silent", "send_failed", "unsupported", "unresolved",
}

func routeEndName(end netsonde.RouteEnd) string {
	if int(end) < len(routeEndNames) {
		return routeEndNames[end]
	}
	return "invalid"
}

var traceProtocolNames = [...]string{"udp", "icmp", "tcp"}

func traceProtocolName(p netsonde.TraceProtocol) string {
	if int(p) < len(traceProtocolNames) {
		return traceProtocolNames[p]
	}
	return "invalid"
}

// portOf is the port that a check asks.
func portOf(probe *netsonde.Probe) uint16 { return cmp.Or(probe.Port, probe.Kind.Port()) }

// appendShort appends a duration in milliseconds with four digits, for people.
func appendShort(dst []byte, d time.Duration) []byte {
	precision := 0
	switch {
	case d < 9_999_500*time.Nanosecond:
		precision = 3
	case d < 99_995*time.Microsecond:
		precision = 2
	case d < 999_950*time.Microsecond:
		precision = 1
	}
	return strconv.AppendFloat(dst, milliseconds(d), 'f', precision, 64)
}

// appendPercent appends part of whole in percent: never 0 when something is
// missing, and never 100 when something is there.
func appendPercent(dst []byte, part, whole uint64) []byte {
	switch percent := 100 * float64(part) / float64(whole); {
	case part > 0 && percent < 0.1:
		return append(dst, "<0.1"...)
	case part < whole && percent > 99.9:
		return append(dst, ">99.9"...)
	case percent == float64(int(percent)), percent >= 10 && percent < 99:
		return strconv.AppendFloat(dst, percent, 'f', 0, 64)
	default:
		return strconv.AppendFloat(dst, percent, 'f', 1, 64)
	}
}

// appendCount appends a number and of what it is, which takes an s unless it is one.
func appendCount(dst []byte, n uint64, noun string) []byte {
	dst = append(append(strconv.AppendUint(dst, n, 10), ' '), noun...)
	if n != 1 {
		dst = append(dst, 's')
	}
	return dst
}

// hasLeft reports whether an echo that ended so was sent. What this machine
// never sent is told by its cause alone.
func hasLeft(o netsonde.Outcome) bool {
	return o.Answered() || o.Theirs() || o == netsonde.OutcomeOverrun
}

// sentOf is the number of a burst's echoes that left this machine.
func sentOf(samples []netsonde.Sample) uint64 {
	sent := uint64(0)
	for i := range samples {
		if hasLeft(samples[i].Outcome) {
			sent++
		}
	}
	return sent
}

// icmpReason says in a word why an ICMP error was sent: RFC 792 and RFC 1812,
// section 5.2.7, for IPv4; RFC 4443, section 3, for IPv6. It is "" for others.
func icmpReason(from netip.Addr, icmpType, code uint8) string {
	const (
		unreachable4, exceeded4            = 3, 11
		unreachable6, tooBig6, exceeded6   = 1, 2, 3
		administrative, precedence, cutoff = 13, 14, 15
	)
	if from.Unmap().Is4() {
		switch icmpType {
		case unreachable4:
			switch code {
			case 0, 6, 11:
				return "network"
			case 1, 7, 8, 12:
				return "host"
			case 2:
				return "protocol"
			case 3:
				return "port"
			case 4:
				return "too big"
			case 9, 10, administrative, precedence, cutoff:
				return "prohibited"
			}
		case exceeded4:
			return "TTL exceeded"
		}
		return ""
	}
	switch icmpType {
	case unreachable6:
		switch code {
		case 0:
			return "network"
		case 1, 5, 6:
			return "prohibited"
		case 2, 3:
			return "host"
		case 4:
			return "port"
		}
	case tooBig6:
		return "too big"
	case exceeded6:
		return "hop limit exceeded"
	}
	return ""
}

// stampsOf is the least exact stamps of the answers of a burst, none when
// nothing answered.
func stampsOf(samples []netsonde.Sample) netsonde.Stamps {
	least := netsonde.StampsNone
	for i := range samples {
		if samples[i].Outcome.Answered() {
			least = max(least, samples[i].Stamps)
		}
	}
	return least
}

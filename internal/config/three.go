package config

import (
	"fmt"
	"strings"
	"time"

	"netsonde"
)

// ping3Timeout is how long connmonitor 3.x waits after the last ping.
const ping3Timeout = 2 * time.Second

// The fields of a 3.x header, in their order.
const (
	fieldPings = iota
	fieldTrace
	fieldScan
	fieldNumPings
	fieldPayload
	fieldHops
	fieldJSON
	fieldSleep
	headerFields
)

var headerNames = [headerFields]string{
	"DOPINGS", "DOTRACE", "DOPSCAN", "NUMPINGS", "PAYLOAD", "HOPS", "JSON", "SLEEP",
}

// header is the first line of a 3.x file.
type header struct {
	pings, trace, scan, json bool
	numPings, payload, hops  int
	sleep                    time.Duration
}

// parse3 reads a 3.x file whose first line has already been read.
//
// A line that cannot be a host leaves only itself out: connmonitor found such
// lines when it resolved them, and ran the others.
func parse3(first []string, lines *lineReader, report *reporter, plan *planner) {
	h := parseHeader(first, lines.number, report)
	pattern := h.groups()
	output := netsonde.Output{Dialect: netsonde.DialectConnmonitor3, JSON: h.json}
	for {
		words, more := lines.next()
		if !more {
			return
		}
		switch why := unusable(words[0]); {
		case len(words) > 1 && strings.ContainsRune(words[1], '='):
			report.badHost(lines.number, strings.Join(words, " "),
				"options behind a host are of the 4.x format, whose files have no header line")
		case len(words) > 1:
			report.badHost(lines.number, strings.Join(words, " "), "give one host a line")
		case why != "":
			report.badHost(lines.number, words[0], why)
		case report.counts[Fatal] == 0:
			plan.add(words[0], pattern, output)
		}
	}
}

// parseHeader reads the header. What it reports as fatal leaves fields zero.
//
// A number of something that is switched off must be an integer but may have
// any size: the document says that it is not used, and files hold -1 there.
func parseHeader(words []string, line int, report *reporter) header {
	if len(words) < headerFields {
		report.badFormat(line, "%d of the %d fields %s; %s is missing",
			len(words), headerFields, strings.Join(headerNames[:], " "), headerNames[len(words)])
	}
	var values [headerFields]int64
	for i, word := range words {
		value, ok := parseInteger(word)
		switch {
		case i > headerFields:
			report.badFormat(line, "%d fields instead of %d; hosts stand on lines of their own", len(words), headerFields)
			return header{}
		case !ok:
			report.badFormat(line, "%s is '%s', which is no integer", fieldName(i), excerpt(word))
		case i == headerFields:
			report.warn(line, "the 9th field, %s, is ignored: a header has %d", excerpt(word), headerFields)
		default:
			values[i] = value
		}
	}
	if len(words) < headerFields {
		return header{}
	}
	h := header{pings: values[fieldPings] != 0, trace: values[fieldTrace] != 0,
		scan: values[fieldScan] != 0, json: values[fieldJSON] != 0}

	bounded := func(field int, limit int64, used bool, unit string) int {
		value := values[field]
		if value >= 0 && value <= limit {
			return int(value)
		}
		text := fmt.Sprintf("%s is %s, not 0 to %d%s", headerNames[field], excerpt(words[field]), limit, unit)
		if used {
			report.badFormat(line, "%s", text)
		} else {
			report.warn(line, "%s; it is not used, since it is switched off", text)
		}
		return 0
	}
	h.numPings = bounded(fieldNumPings, maxPings, h.pings, "")
	h.payload = bounded(fieldPayload, maxPayload, h.pings, " bytes, the most that ICMP can carry")
	values[fieldHops] = min(values[fieldHops], maxHops)
	h.hops = bounded(fieldHops, maxHops, h.trace, "")
	if values[fieldSleep] < 0 {
		report.add(Diagnostic{Line: line, Severity: Fatal, Type: typeValue, Text: fmt.Sprintf(
			"sleep length must be non-negative (%s: SLEEP is %s)", report.at(line), excerpt(words[fieldSleep]))})
	} else {
		limit := int64(maxPause / time.Millisecond)
		h.sleep = time.Duration(bounded(fieldSleep, limit, true, " milliseconds")) * time.Millisecond
	}
	return h
}

func fieldName(i int) string {
	if i < headerFields {
		return headerNames[i]
	}
	return "the 9th field"
}

// groups is the pattern of every target: all that is switched on runs as one
// round. With nothing switched on the round is empty, and is still told of.
func (h header) groups() []netsonde.Group {
	var probes []netsonde.Probe
	if h.pings {
		probes = append(probes, ping(h.numPings, h.payload, ping3Timeout))
	}
	if h.trace && h.hops > 0 {
		probes = append(probes, trace(h.hops))
	}
	if h.scan {
		probes = append(probes, scan()...)
	}
	return []netsonde.Group{{Name: "all", Cadence: netsonde.Cadence{Pause: h.sleep}, Probes: probes}}
}

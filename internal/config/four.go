package config

import (
	"strings"
	"time"

	"netsonde"
)

// ping4Timeout is how long connmonitor 4.x waits after the last ping.
const ping4Timeout = time.Second

// statistic is one of the things that a 4.x host can have measured, each at a
// pace of its own.
type statistic struct {
	on    bool
	pause time.Duration
}

// entry is one 4.x line.
type entry struct {
	host                    string
	ping, trace, scan       statistic
	numPings, payload, hops int
	json, timestamp         bool
}

// parse4 reads a 4.x file whose first line has already been read.
func parse4(words []string, lines *lineReader, report *reporter, plan *planner) {
	for more := true; more; words, more = lines.next() {
		if isNumber(words[0]) {
			report.badOption(lines.number, "Error in config file - '%s' is no host; "+
				"a header line of the 3.x format must be the first line of its file", excerpt(words[0]))
			continue
		}
		why := unusable(words[0])
		if why != "" {
			report.badHost(lines.number, words[0], why)
		}
		e := entry{host: words[0], ping: statistic{on: true, pause: 500 * time.Millisecond},
			numPings: 10, payload: 41, hops: 30, timestamp: true}
		e.parseOptions(words[1:], lines.number, report)
		if why != "" || report.counts[Fatal] > 0 {
			continue
		}
		groups := e.groups()
		if len(groups) == 0 {
			report.add(Diagnostic{Line: lines.number, Severity: Host, Type: typeException,
				Text: "Nothing to do for host ( " + excerpt(e.host) + " ): give ping, trace or scan " +
					"a number of milliseconds above 0, and a trace some hops (" + report.at(lines.number) + ")"})
			continue
		}
		plan.add(e.host, groups, netsonde.Output{
			Dialect: netsonde.DialectConnmonitor4, JSON: e.json, Timestamp: e.timestamp})
	}
}

// parseOptions reads the name=value words of a line. Names and values are the
// same in upper and lower case; messages show them in upper case, as
// connmonitor's do.
func (e *entry) parseOptions(words []string, line int, report *reporter) {
	seen := map[string]bool{}
	for _, word := range words {
		name, value, found := strings.Cut(strings.ToUpper(word), "=")
		if !found || name == "" {
			// What follows is most likely the rest of this option.
			report.badOption(line, "Error in config file - '%s' is no option; "+
				"write name=value, without blanks around the equals sign", excerpt(strings.ToUpper(word)))
			return
		}
		if seen[name] {
			report.badOption(line, "Error in config file - option '%s' is given twice", excerpt(name))
			continue
		}
		problem, known := e.set(name, value)
		switch {
		case !known:
			report.badOption(line, "Error in config file - unknown option '%s'", excerpt(name))
		case problem != "":
			report.badOption(line, "Error parsing value for %s: %s", name, problem)
		}
		// Only known names are kept: a line has room for thousands of others.
		if known {
			seen[name] = true
		}
	}
}

// set sets one option. The problem says what is wrong with the value.
func (e *entry) set(name, value string) (problem string, known bool) {
	switch name {
	case "PING":
		return e.ping.set(value), true
	case "TRACE":
		return e.trace.set(value), true
	case "SCAN":
		return e.scan.set(value), true
	case "NUMPINGS":
		return setInteger(&e.numPings, value, maxPings, "a burst of 65535 pings is the longest"), true
	case "PAYLOAD":
		return setInteger(&e.payload, value, maxPayload, "ICMP can carry 65507 bytes"), true
	case "HOPS":
		return setInteger(&e.hops, value, maxHops, ""), true
	case "JSON":
		return setSwitch(&e.json, value), true
	case "TIMESTAMP":
		return setSwitch(&e.timestamp, value), true
	default:
		return "", false
	}
}

func (s *statistic) set(value string) (problem string) {
	s.pause, s.on, problem = parseMilliseconds(value)
	return problem
}

// setInteger sets a number of 0 to limit. What is above the limit counts as
// the limit if there is no word against it.
func setInteger(to *int, value string, limit int64, above string) (problem string) {
	number, ok := parseInteger(value)
	switch {
	case !ok:
		return "invalid literal for int() with base 10: '" + excerpt(value) + "'"
	case number < 0:
		return "'" + excerpt(value) + "' is negative; give 0 or more"
	case number > limit && above != "":
		return "'" + excerpt(value) + "' is too much; " + above
	}
	*to = int(min(number, limit))
	return ""
}

// setSwitch sets what is on for "TRUE" and every integer but 0.
func setSwitch(to *bool, value string) (problem string) {
	number, isInteger := parseInteger(value)
	if !isInteger && value != "TRUE" && value != "FALSE" {
		return "Invalid value: " + excerpt(value)
	}
	*to = value == "TRUE" || number != 0
	return ""
}

// groups are the statistics that are on, each a round of its own.
func (e *entry) groups() []netsonde.Group {
	var groups []netsonde.Group
	add := func(name string, s statistic, probes ...netsonde.Probe) {
		groups = append(groups, netsonde.Group{Name: name,
			Cadence: netsonde.Cadence{Pause: s.pause}, Probes: probes})
	}
	if e.ping.on {
		add("ping", e.ping, ping(e.numPings, e.payload, ping4Timeout))
	}
	if e.trace.on && e.hops > 0 {
		add("trace", e.trace, trace(e.hops))
	}
	if e.scan.on {
		add("scan", e.scan, scan()...)
	}
	return groups
}

package console

import (
	"strconv"

	"netsonde"
)

// leastScanCells is the least useful width of a port's column. With more ports
// than fit, each that is open has a line of its own.
const leastScanCells = 14

// scanCells is the columns of a table of so many ports, wide 0 when they do not fit.
func scanCells(ports, columns int) (label, wide int) {
	const least, most = 18, 40
	label = min(max(columns/4, least), most)
	if ports == 0 {
		return label, 0
	}
	wide = (columns-1-label)/ports - 1
	if wide < leastScanCells {
		wide = 0
	}
	return label, wide
}

// appendScanHeader appends the ports above their columns.
func (f *form) appendScanHeader(dst []byte, probes []netsonde.Probe, columns int) []byte {
	label, wide := scanCells(len(probes), columns)
	if wide == 0 {
		return dst
	}
	line := len(dst)
	dst = appendBlanks(dst, label)
	for i := range probes {
		dst = f.appendGap(dst)
		start := len(dst)
		dst = strconv.AppendUint(dst, uint64(portOf(&probes[i])), 10)
		dst = fit(append(append(dst, ' '), probes[i].Kind.String()...), start, wide)
	}
	return append(trimRight(dst, line), '\n')
}

// appendGap appends what stands between two columns: more where one may overflow.
func (f *form) appendGap(dst []byte) []byte {
	if f.terminal {
		return append(dst, ' ')
	}
	return append(dst, "  "...)
}

// appendScan appends a target's ports: as the row of a table if they fit.
func (f *form) appendScan(dst []byte, m *measured, columns int) []byte {
	label, wide := scanCells(len(m.findings), columns)
	line := len(dst)
	if f.open || wide == 0 {
		return f.appendPorts(dst, m, columns)
	}
	dst = f.appendLabel(dst, m, label)
	for i := range m.findings {
		dst = f.appendGap(dst)
		start := len(dst)
		service := m.findings[i].service
		if service == nil {
			dst = appendBlanks(dst, wide)
			continue
		}
		dst = f.fit(f.appendPortCell(dst, service), start, wide)
		if f.coloured {
			dst = colourFrom(dst, start, stateColours[serviceState(service.State)])
		}
	}
	return append(trimRight(dst, line), '\n')
}

// appendPortCell is appendPortText without what the state says already.
func (f *form) appendPortCell(dst []byte, s *netsonde.Service) []byte {
	if s.State == netsonde.ServiceClosed || s.State == netsonde.ServiceFiltered {
		return append(dst, s.State.String()...)
	}
	return f.appendPortText(dst, s)
}

// appendPortText appends the state of a port, and what its server told.
func (f *form) appendPortText(dst []byte, s *netsonde.Service) []byte {
	if s.State != netsonde.ServiceOpen {
		return appendServiceFailure(dst, s)
	}
	dst = append(dst, s.State.String()...)
	detail := appendServiceDetail(nil, s, f.clock())
	if len(detail) == 0 {
		return append(appendShort(append(dst, ' '), s.RTT), " ms"...)
	}
	return append(append(dst, ' '), detail...)
}

// appendPorts appends the open ports of a target and how many are not: with
// --open in as many lines as they take, else those that have something to tell
// each in its own.
func (f *form) appendPorts(dst []byte, m *measured, columns int) []byte {
	l := listing{start: len(dst), indent: labelCells(columns) + 1, edge: f.edge(columns)}
	dst = append(f.appendLabel(dst, m, l.indent-1), ' ')
	var counts [serviceStates]int
	failure, alike := failureOf(m)
	lead := "open "
	for i := range m.findings {
		service := m.findings[i].service
		if service == nil || int(service.State) >= serviceStates {
			continue
		}
		if service.State == netsonde.ServiceOpen && f.open {
			l.word = strconv.AppendUint(append(l.word[:0], lead...), uint64(portOf(m.findings[i].probe)), 10)
			dst = l.append(dst, " ")
			lead = ""
			continue
		}
		counts[service.State]++
	}
	for state, n := range counts {
		if n > 0 {
			l.word = append(strconv.AppendInt(l.word[:0], int64(n), 10), ' ')
			if alike && netsonde.ServiceState(state) == netsonde.ServiceFailed {
				l.word, _ = cutCells(appendServiceFailure(l.word, failure), 0, l.edge-l.indent)
			} else {
				l.word = append(l.word, netsonde.ServiceState(state).String()...)
			}
			dst = l.append(dst, ", ")
		}
	}
	dst = append(trimRight(dst, l.start), '\n')
	if f.open {
		return dst
	}
	for i := range m.findings {
		service := m.findings[i].service
		if service == nil || service.State == netsonde.ServiceClosed || service.State == netsonde.ServiceFiltered {
			continue
		}
		if alike && service.State == netsonde.ServiceFailed {
			continue
		}
		dst = f.appendPortLine(dst, m.findings[i].probe, service, columns)
	}
	return dst
}

// failureOf is the first check of a target that failed here. alike tells that
// all that did have its reason, as without a way to the target: that is told once.
func failureOf(m *measured) (first *netsonde.Service, alike bool) {
	for i := range m.findings {
		service := m.findings[i].service
		switch {
		case service == nil || service.State != netsonde.ServiceFailed:
		case first == nil:
			first, alike = service, true
		case service.Reason != first.Reason:
			alike = false
		}
	}
	return first, alike
}

// listing is words behind one another, on as many lines as a terminal takes,
// all indented as the first.
type listing struct {
	word []byte
	// begun is set once there is a word.
	begun bool
	// start is where the line begins.
	start        int
	indent, edge int
}

// append appends the word, a separator before it unless the line is empty.
func (l *listing) append(dst []byte, separator string) []byte {
	used := cellsIn(dst[l.start:])
	switch {
	case !l.begun:
		l.begun = true
	case used+len(separator)+cellsIn(l.word) <= l.edge:
		dst = append(dst, separator...)
	default:
		dst = append(dst, '\n')
		l.start = len(dst)
		dst = appendBlanks(dst, l.indent)
	}
	return append(dst, l.word...)
}

func (f *form) appendPortLine(dst []byte, probe *netsonde.Probe, s *netsonde.Service, columns int) []byte {
	const portCells, kindCells = 7, 6
	line := len(dst)
	dst = fitRight(strconv.AppendUint(dst, uint64(portOf(probe)), 10), line, portCells)
	dst = append(dst, ' ')
	start := len(dst)
	dst = fit(append(dst, probe.Kind.String()...), start, kindCells)
	dst, _ = cutCells(f.appendPortText(dst, s), line, f.edge(columns))
	if f.coloured {
		dst = colourFrom(dst, start, stateColours[serviceState(s.State)])
	}
	return append(dst, '\n')
}

package console

import (
	"math"
	"net/netip"
	"strconv"
	"time"

	"netsonde"
)

// form is how a sweep's targets are written. It is never changed once made.
type form struct {
	tool     Tool
	json     bool
	open     bool
	coloured bool
	// terminal has lines cut where the terminal would break them. A pipe or a
	// file is told all: the columns are as wide there, and overflow.
	terminal bool
	// several says that a sweep may have more targets than one.
	several bool
	names   func(netip.Addr) string
	clock   func() time.Time
}

// append appends all that there is to tell of a target.
func (f *form) append(dst []byte, m *measured, columns int) []byte {
	if f.json {
		return f.appendJSON(dst, m)
	}
	if len(m.findings) == 0 {
		return f.appendUnresolved(dst, m, columns)
	}
	switch f.tool {
	case ToolTrace:
		return f.appendTrace(dst, m, columns)
	case ToolScan:
		return f.appendScan(dst, m, columns)
	default:
		for i := range m.findings {
			if burst := m.findings[i].burst; burst != nil {
				dst = f.appendPing(dst, m, burst, columns)
			}
		}
		return dst
	}
}

// edge is the cells that a line may have.
func (f *form) edge(columns int) int {
	if !f.terminal {
		return math.MaxInt
	}
	return columns - 1
}

// fit makes dst from start on wide cells, of what is too long only on a
// terminal exactly so many.
func (f *form) fit(dst []byte, start, wide int) []byte { return fill(dst, start, wide, f.terminal) }

// appendUnresolved appends the line of a target without address, in the columns
// of the others.
func (f *form) appendUnresolved(dst []byte, m *measured, columns int) []byte {
	wide := labelCells(columns)
	if f.tool == ToolScan && !f.open && len(m.target.Groups) > 0 {
		wide, _ = scanCells(len(m.target.Groups[0].Probes), columns)
	}
	dst = append(f.appendLabel(dst, m, wide), ' ')
	start := len(dst)
	if f.tool == ToolPing {
		dst = appendBlanks(dst, countCells(m.target)-len("0/0"))
		dst = append(dst, "0/0     - "...)
	}
	dst = append(dst, netsonde.OutcomeUnresolved.String()...)
	if f.coloured {
		dst = colourFrom(dst, start, colourUnknown)
	}
	return append(dst, '\n')
}

// appendHeader appends what stands above the first target.
func (f *form) appendHeader(dst []byte, target *netsonde.Target, columns int) []byte {
	switch {
	case f.json, f.open, len(target.Groups) == 0:
		return dst
	case f.tool == ToolScan:
		return f.appendScanHeader(dst, target.Groups[0].Probes, columns)
	case f.tool == ToolPing && f.terminal && f.several:
		return f.appendPingHeader(dst, target, columns)
	default:
		return dst
	}
}

// appendPingHeader appends what the columns of a sweep's lines are.
func (f *form) appendPingHeader(dst []byte, target *netsonde.Target, columns int) []byte {
	const host, answered = "HOST", "ANSWERED"
	line := len(dst)
	wide := labelCells(columns) + 1 + countCells(target)
	dst = append(dst, host...)
	dst = append(appendBlanks(dst, wide-len(host)-len(answered)), answered...)
	start := len(dst)
	dst = append(fitRight(append(dst, "LOSS"...), start, lossCells), ' ')
	if probes := target.Groups[0].Probes; len(probes) > 0 && probes[0].Count > 1 {
		dst = append(dst, "MIN/AVG/MAX ms"...)
	} else {
		dst = append(dst, "RTT ms"...)
	}
	dst, _ = cutCells(dst, line, columns-1)
	return append(dst, '\n')
}

// lossCells is the column of a ping's loss.
const lossCells = 6

// countCells is the column of a ping's answers and echoes: as many digits
// before the stroke as behind it, so that a sweep is aligned.
func countCells(target *netsonde.Target) int {
	const least = 5
	if len(target.Groups) == 0 || len(target.Groups[0].Probes) == 0 {
		return least
	}
	digits := len(strconv.Itoa(target.Groups[0].Probes[0].Count))
	return max(least, 2*digits+1)
}

// labelCells is the column that names the target.
func labelCells(columns int) int {
	const least, most, rest = 16, 48, 48
	return min(max(columns-rest, least), most)
}

// appendLabel appends the host, and its address unless the host is that, as
// wide cells, of which on a terminal it has no more. The address stays whole as
// long as it can.
func (f *form) appendLabel(dst []byte, m *measured, wide int) []byte {
	const leastName, brackets = 8, 3
	start := len(dst)
	name := m.target.Host
	dst = appendAddrText(dst, m.addr)
	if string(dst[start:]) == name || f.names != nil && isAddr(name) {
		if name = f.lookUp(m.addr); name == "" {
			return f.fit(dst, start, wide)
		}
	}
	address := len(dst) - start
	dst = dst[:start]
	room, most := wide, wide
	switch {
	case !f.terminal:
		room, most = math.MaxInt, math.MaxInt
	case address > 0 && wide-address-brackets >= leastName:
		room = wide - address - brackets
	}
	dst, cells := cutCells(appendEscaped(dst, name, maxValue), start, room)
	if address > 0 && cells+address+brackets <= most {
		dst = append(appendAddrText(append(dst, " ("...), m.addr), ')')
	}
	return f.fit(dst, start, wide)
}

// appendAddrText appends an address, nothing for none.
func appendAddrText(dst []byte, addr netip.Addr) []byte {
	if !addr.IsValid() {
		return dst
	}
	return appendTextAddr(dst, addr)
}

func isAddr(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func (f *form) lookUp(addr netip.Addr) string {
	if f.names == nil || !addr.IsValid() {
		return ""
	}
	return f.names(addr)
}

// appendPing appends a target's echoes in one line.
func (f *form) appendPing(dst []byte, m *measured, burst *netsonde.Burst, columns int) []byte {
	line := len(dst)
	dst = append(f.appendLabel(dst, m, labelCells(columns)), ' ')
	s := burst.Statistics()
	start := len(dst)
	dst = append(strconv.AppendInt(dst, int64(s.Answered), 10), '/')
	dst = strconv.AppendUint(dst, sentOf(burst.Samples), 10)
	dst = fitRight(dst, start, max(countCells(m.target), len(dst)-start))
	start = len(dst)
	colour := colourNone
	if known := s.Theirs + s.Answered; known > 0 {
		dst = append(appendPercent(dst, uint64(s.Theirs), uint64(known)), '%')
		if s.Theirs > 0 {
			colour = stateColours[stateOf(s.Answered, s.Theirs)]
		}
	} else {
		dst = append(dst, '-')
		colour = colourUnknown
	}
	dst = fitRight(dst, start, lossCells)
	start = len(dst)
	dst = append(dst, ' ')
	switch {
	case s.Answered > 1:
		dst = appendRange(dst, s.Min, s.Avg, s.Max)
	case s.Answered == 1:
		dst = append(appendShort(dst, s.Avg), " ms"...)
	}
	dst = appendCauses(dst, start+1, burst.Samples)
	dst, _ = cutCells(dst, line, f.edge(columns))
	if f.coloured && colour != colourNone {
		dst = colourFrom(dst, start-lossCells, colour)
	}
	return append(trimRight(dst, line), '\n')
}

// appendJSON appends a target as an object on one line; each flow of a trace is
// an object of its own.
func (f *form) appendJSON(dst []byte, m *measured) []byte {
	if f.tool == ToolScan {
		dst = append(f.appendJSONHead(dst, m), `,"ports":{`...)
		first := true
		for i := range m.findings {
			found := &m.findings[i]
			if found.service == nil {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = strconv.AppendUint(append(dst, '"'), uint64(portOf(found.probe)), 10)
			dst = appendServiceFields(append(dst, `":{`...), found.service)
			dst = append(appendWordField(dst, `,"kind":`, found.probe.Kind.String()), '}')
		}
		dst = append(dst, '}')
		if len(m.findings) == 0 {
			dst = appendWordField(dst, `,"state":`, netsonde.ServiceUnresolved.String())
		}
		return append(dst, "}\n"...)
	}
	for i := range m.findings {
		switch found := &m.findings[i]; {
		case found.burst != nil:
			dst = append(appendBurstFields(f.appendJSONHead(dst, m), found.burst), "}\n"...)
		case found.route != nil:
			dst = appendBoolField(f.appendJSONHead(dst, m), `,"reached":`, found.route.End == netsonde.RouteReached)
			dst = appendHopsField(dst, found.route.Hops)
			dst = append(appendRouteFields(dst, found.route), "}\n"...)
		}
	}
	if len(m.findings) == 0 {
		dst = f.appendUnresolvedJSON(dst, m)
	}
	return dst
}

// appendUnresolvedJSON appends the line of a target without address, with the
// fields of the others.
func (f *form) appendUnresolvedJSON(dst []byte, m *measured) []byte {
	dst = f.appendJSONHead(dst, m)
	if f.tool == ToolTrace {
		return append(dst, `,"reached":false,"hops":[],"end":"unresolved"}`+"\n"...)
	}
	return append(dst, `,"sent":0,"received":0,"lost":{"unresolved":1},"min_ms":null,"avg_ms":null,"max_ms":null,"std_ms":null,`+
		`"rtt_ms":[],"timestamps":null}`+"\n"...)
}

func (f *form) appendJSONHead(dst []byte, m *measured) []byte {
	kind := f.tool.String()
	if f.tool == ToolScan {
		kind = "check"
	}
	dst = appendAddrField(appendOpening(dst, kind), `,"addr":`, m.addr)
	dst = appendTextField(dst, `,"name":`, m.target.Host)
	if name := f.lookUp(m.addr); name != "" {
		dst = appendTextField(dst, `,"reverse":`, name)
	}
	return dst
}

package console

import (
	"net/netip"
	"time"

	"netsonde"
)

const (
	// mostTarget bounds the column of targets, in cells.
	mostTarget = 24
	// leastTarget is the least column of targets.
	leastTarget = 8
	// leastAddress has room for every IPv4 address.
	leastAddress = 15
	// stateCells is the column of state words.
	stateCells = 8
	// leastFound is the room for what was found that addresses leave on a terminal.
	leastFound = 24
	// hopIndent is where the hops below a trace's line begin.
	hopIndent = 9
	clockTime = "15:04:05"
	dayTime   = "2006-01-02 15:04:05"
)

// layout is the columns of native text. They grow with what is seen.
type layout struct {
	coloured, terminal bool
	// columns is the width of a terminal, 0 when there is none or it does not say.
	columns                int
	target, address, probe int
}

func newLayout(terminal bool) layout {
	return layout{coloured: wantsColour(terminal), terminal: terminal, target: leastTarget, address: leastAddress, probe: 5}
}

// see makes room for a target's name.
func (l *layout) see(target *netsonde.Target) {
	if len(target.Name) > l.target {
		name := appendEscaped(nil, target.Name, maxValue)
		l.target = min(max(l.target, cellsIn(name)), mostTarget)
	}
}

// name makes room for the name of a probe.
func (l *layout) name(label string) { l.probe = min(max(l.probe, len(label)), mostTarget) }

// targetCells is the column of targets, narrow on a narrow terminal.
func (l *layout) targetCells() int {
	if l.columns == 0 {
		return l.target
	}
	const share = 4
	return min(l.target, max(leastTarget, l.columns/share))
}

// addressCells is the column of addresses: none on a terminal that has too
// little room for it beside what matters more.
func (l *layout) addressCells() int {
	if l.columns == 0 {
		return l.address
	}
	others := len(clockTime) + 1 + l.targetCells() + 1 + l.probe + 1 + stateCells
	room := l.columns - 1 - others - leastFound - 1
	if room < leastAddress {
		return 0
	}
	if room < l.address {
		return leastAddress
	}
	return l.address
}

// line is one line of native text while it is written.
type line struct {
	at     int64
	target *netsonde.Target
	// addr is invalid when there is none.
	addr  netip.Addr
	label string
	state state
	// was is the state of the round before, if that was another.
	was     state
	changed bool

	// start is where the line begins, word where its state stands.
	start, word int
	// moved is set when the address had no room in its column and ends the line.
	moved bool
}

// beginLine appends time, target, address, probe and state.
func (n *native) beginLine(dst []byte, l *line, probe netsonde.ProbeID) []byte {
	l.was, l.changed = n.follow(probe, l.state)
	l.start = len(dst)
	n.layout.columns = 0
	if n.columns != nil {
		n.layout.columns = max(n.columns(), 0)
	}
	form := dayTime
	if n.layout.terminal {
		form = clockTime
	}
	dst = time.Unix(0, l.at).In(n.location).AppendFormat(dst, form)
	n.layout.see(l.target)
	n.layout.name(l.label)
	dst = append(dst, ' ')
	start := len(dst)
	dst = n.fit(appendEscaped(dst, l.target.Name, maxValue), start, n.layout.targetCells())
	dst = n.appendAddress(append(dst, ' '), l)
	start = len(dst)
	dst = append(n.fit(appendEscaped(dst, l.label, maxValue), start, n.layout.probe), ' ')
	l.word = len(dst)
	dst = appendState(dst, l.state, stateCells)
	if l.changed {
		dst = append(append(append(dst, "(was "...), stateWords[l.was]...), ") "...)
	}
	return dst
}

// appendAddress appends the address's column with a blank behind it, unless
// the address has to move to the end of the line.
func (n *native) appendAddress(dst []byte, l *line) []byte {
	start := len(dst)
	if l.addr.IsValid() {
		dst = appendTextAddr(dst, l.addr)
	} else {
		dst = append(dst, '-')
	}
	cells := cellsIn(dst[start:])
	n.layout.address = max(n.layout.address, cells)
	wide := n.layout.addressCells()
	if cells > wide {
		l.moved = l.addr.IsValid() && string(dst[start:]) != l.target.Name
		dst = dst[:start]
	}
	if wide == 0 {
		return dst
	}
	return append(appendBlanks(dst, wide-cellsIn(dst[start:])), ' ')
}

// endLine appends an address that had no room, and cuts and colours the line.
func (n *native) endLine(dst []byte, l *line) []byte {
	if l.moved {
		dst = appendTextAddr(append(dst, "  "...), l.addr)
	}
	dst = n.cut(dst, l.start)
	if n.layout.coloured {
		colour := stateColours[l.state]
		if l.changed {
			colour = reversed + colour
		}
		dst = colourPart(dst, min(l.word, len(dst)), min(l.word+len(stateWords[l.state]), len(dst)), colour)
	}
	return append(trimRight(dst, l.start), '\n')
}

// cut shortens the line that begins at start to the terminal's width. What is
// no terminal is told all.
func (n *native) cut(dst []byte, start int) []byte {
	if n.layout.columns == 0 {
		return dst
	}
	dst, _ = cutCells(dst, start, n.layout.columns-1)
	return dst
}

// fit makes dst from start on wide cells, of what is too long only on a
// terminal exactly so many.
func (n *native) fit(dst []byte, start, wide int) []byte {
	return fill(dst, start, wide, n.layout.columns > 0)
}

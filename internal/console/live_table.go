package console

import (
	"slices"
	"strconv"
	"time"

	"netsonde"
)

// liveColumns are the widths of the table's columns in cells; a column that has
// no room is 0 wide.
type liveColumns struct {
	name, address, last, average, loss, chart, state int
	// all is the terminal's width, less the last column, in which some terminals
	// break the line.
	all int
}

// layOut shares a terminal's width between the columns: first the numbers and
// the state, then the name, the address and the chart.
func layOut(rows []*row, columns int) liveColumns {
	const numbers, loss, stateWord, leastName, mostName, leastChart = 9, 6, 8, 8, 32, 8
	c := liveColumns{last: numbers, average: numbers, loss: loss, state: stateWord, all: columns - 1}
	name, address, state := leastName, 0, 0
	for _, r := range rows {
		state = max(state, cellsIn(r.appendStanding(nil, r.sums().state)))
		text := r.appendName(nil)
		name = max(name, min(cellsIn(text), mostName))
		if r.addr.IsValid() && r.addr.String() != r.target.Name {
			address = max(address, cellsIn(appendTextAddr(nil, r.addr)))
		}
	}
	left := c.all - (1 + c.last + 1 + c.average + 1 + c.loss + 1 + c.state)
	if left < leastName {
		left += c.average + 1
		c.average = 0
	}
	c.name = min(name, max(left, leastName))
	left -= c.name
	if address > 0 && left > address {
		c.address = address
		left -= address + 1
	}
	// Causes take of the chart what it can spare.
	left -= max(min(state-c.state, left-leastChart-1), 0)
	if left > leastChart {
		c.chart = min(left-1, liveWindow)
	}
	return c
}

// appendName appends which probe a row is.
func (r *row) appendName(dst []byte) []byte {
	dst = appendEscaped(dst, r.target.Name, maxValue)
	if r.label != netsonde.KindPing.String() {
		dst = appendEscaped(append(dst, ' '), r.label, maxValue)
	}
	return dst
}

// appendTable appends a screenful, each line erasing what stood there.
func (l *Live) appendTable(dst []byte, up time.Duration, columns, lines int) []byte {
	const around = 4 // head, titles, and a foot with a blank line before it
	room := max(lines-around, 1)
	rows := l.rows
	hidden := 0
	if len(rows) > room {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b *row) int { return b.urgency() - a.urgency() })
		hidden = len(rows) - room
		rows = rows[:room]
	}
	c := layOut(rows, columns)
	dst = append(dst, homeScreen...)
	dst = l.appendHead(dst, up, c.all)
	line := len(dst)
	dst = appendTitles(dst, &c)
	dst, _ = cutCells(dst, line, c.all)
	dst = append(dst, endOfLine+"\r\n"...)
	for _, r := range rows {
		dst = append(l.appendRow(dst, r, &c, true), endOfLine+"\r\n"...)
	}
	dst = append(dst, endOfLine+"\r\n"...)
	line = len(dst)
	if hidden > 0 {
		dst = append(strconv.AppendInt(append(dst, "and "...), int64(hidden), 10), " more, all quieter  "...)
	}
	dst = appendEscaped(dst, l.options.Hints, maxValue)
	dst, _ = cutCells(dst, line, c.all)
	return append(dst, endOfLine+eraseBelow...)
}

// urgency is how much a row wants to be seen.
func (r *row) urgency() int {
	s := r.sums()
	switch s.state {
	case stateDown:
		return 3
	case stateLoss:
		return 2
	case stateUnknown:
		return 1
	default:
		return 0
	}
}

// appendHead appends who measures, with what and for how long.
func (l *Live) appendHead(dst []byte, up time.Duration, columns int) []byte {
	line := len(dst)
	dst = append(dst, "netsonde"...)
	if l.options.Node != "" {
		dst = appendEscaped(append(dst, "  "...), l.options.Node, maxValue)
	}
	dst = append(append(dst, "  up "...), up.Truncate(time.Second).String()...)
	if l.options.Measuring != "" {
		dst = appendEscaped(append(dst, "  "...), l.options.Measuring, maxValue)
	}
	stamps := netsonde.StampsNone
	for _, r := range l.rows {
		stamps = max(stamps, r.stamps)
	}
	if stamps != netsonde.StampsNone {
		dst = append(append(dst, ", time stamps: "...), stamps.String()...)
	}
	dst, _ = cutCells(dst, line, columns)
	return append(dst, endOfLine+"\r\n"...)
}

func appendTitles(dst []byte, c *liveColumns) []byte {
	dst = appendFitted(dst, "TARGET", c.name)
	if c.address > 0 {
		dst = appendFitted(append(dst, ' '), "ADDRESS", c.address)
	}
	for _, title := range []struct {
		text string
		wide int
	}{{"LAST ms", c.last}, {"AVG ms", c.average}, {"LOSS", c.loss}} {
		if title.wide == 0 {
			continue
		}
		dst = append(dst, ' ')
		start := len(dst)
		dst = fitRight(append(dst, title.text...), start, title.wide)
	}
	if c.chart > 0 {
		start := len(dst) + 1
		dst = fitRight(append(dst, " RECENT"...), start, c.chart)
	}
	return append(dst, " STATE"...)
}

// appendRow appends a probe's line, with cut no longer than the terminal is wide.
func (l *Live) appendRow(dst []byte, r *row, c *liveColumns, cut bool) []byte {
	s := r.sums()
	line := len(dst)
	dst = r.appendNumbers(dst, &s, c)
	if c.chart > 0 {
		dst = r.appendSparkline(append(dst, ' '), &s, c.chart)
	}
	dst = append(dst, ' ')
	word := len(dst)
	dst = r.appendStanding(dst, s.state)
	if cut {
		dst, _ = cutCells(dst, line, c.all)
	}
	if l.options.Coloured {
		dst = colourPart(dst, min(word, len(dst)), min(word+len(stateWords[s.state]), len(dst)), stateColours[s.state])
	}
	return dst
}

// appendStanding appends a row's state, and what is known of why it is not well.
func (r *row) appendStanding(dst []byte, s state) []byte {
	dst = append(dst, stateWords[s]...)
	if s != stateWell && len(r.detail) > 0 {
		dst = append(append(dst, ' '), r.detail...)
	}
	return dst
}

// appendNumbers appends a row up to its chart.
func (r *row) appendNumbers(dst []byte, s *sums, c *liveColumns) []byte {
	start := len(dst)
	dst = fit(r.appendName(dst), start, c.name)
	if c.address > 0 {
		dst = append(dst, ' ')
		start = len(dst)
		if r.addr.IsValid() && r.addr.String() != r.target.Name {
			dst = appendTextAddr(dst, r.addr)
		}
		dst = fit(dst, start, c.address)
	}
	dst = append(dst, ' ')
	start = len(dst)
	if r.filled > 0 && r.at(0).verdict == verdictAnswered {
		dst = appendShort(dst, s.last)
	} else {
		dst = append(dst, '-')
	}
	dst = append(fitRight(dst, start, c.last), ' ')
	start = len(dst)
	if c.average > 0 {
		if s.answered > 0 {
			dst = appendShort(dst, s.average)
		} else {
			dst = append(dst, '-')
		}
		dst = append(fitRight(dst, start, c.average), ' ')
		start = len(dst)
	}
	if known := s.answered + s.theirs; known > 0 {
		dst = append(appendPercent(dst, uint64(s.theirs), uint64(known)), '%')
	} else {
		dst = append(dst, '-')
	}
	return fitRight(dst, start, c.loss)
}

// appendPlain appends a line a probe, for terminals that cannot be drawn on.
func (l *Live) appendPlain(dst []byte, now time.Time) []byte {
	c := layOut(l.rows, defaultColumns)
	c.chart = 0
	for _, r := range l.rows {
		dst = append(now.AppendFormat(dst, clockTime), ' ')
		dst = l.appendRow(dst, r, &c, false)
		if r.sums().state == stateWell && len(r.detail) > 0 {
			dst = append(append(dst, ' '), r.detail...)
		}
		dst = append(dst, '\n')
	}
	return dst
}

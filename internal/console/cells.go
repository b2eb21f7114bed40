package console

import (
	"os"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

const (
	// defaultColumns is how wide a table is where the terminal does not say.
	defaultColumns = 80
	// plainColumns is how wide a table is meant to be in a pipe or file, where
	// what does not fit overflows.
	plainColumns = 100
)

// The colours of states, from the palette that the terminal's user chose.
const (
	colourWell    = "\x1b[32m"
	colourLoss    = "\x1b[33m"
	colourDown    = "\x1b[31m"
	colourUnknown = "\x1b[35m"
	colourNone    = "\x1b[m"
	reversed      = "\x1b[7m"
	eraseLine     = "\r\x1b[K"
)

// wantsColour reports whether a terminal's user wants colours.
func wantsColour(terminal bool) bool {
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// colourPart colours the text from start to end.
func colourPart(dst []byte, start, end int, colour string) []byte {
	if start >= end {
		return dst
	}
	dst = slices.Insert(dst, end, []byte(colourNone)...)
	return slices.Insert(dst, start, []byte(colour)...)
}

// colourFrom colours the text from start on.
func colourFrom(dst []byte, start int, colour string) []byte {
	return colourPart(dst, start, len(dst), colour)
}

// cellsOf is the number of a terminal's cells that a printable character takes
// (Unicode Standard Annex 11).
func cellsOf(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// cellsIn is the number of cells of a text without control characters.
func cellsIn(text []byte) int {
	cells := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			cells++
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		cells += cellsOf(r)
		i += size
	}
	return cells
}

// cutCells shortens dst from start on to at most limit cells, the last of them
// an ellipsis if anything is cut, and returns how many cells are left.
func cutCells(dst []byte, start, limit int) (cut []byte, cells int) {
	if limit <= 0 {
		return dst[:start], 0
	}
	// keep is where the text ends if it has to be cut, kept its cells.
	keep, kept := start, 0
	for i := start; i < len(dst); {
		r, size := utf8.DecodeRune(dst[i:])
		wide := cellsOf(r)
		if cells+wide > limit {
			return append(dst[:keep], ellipsis...), kept + 1
		}
		cells += wide
		i += size
		if cells < limit {
			keep, kept = i, cells
		}
	}
	return dst, cells
}

// fit makes dst from start on exactly wide cells: cut, or filled with blanks.
func fit(dst []byte, start, wide int) []byte {
	dst, cells := cutCells(dst, start, wide)
	return appendBlanks(dst, wide-cells)
}

// fill is fit where text is to be cut; else what is too long overflows.
func fill(dst []byte, start, wide int, cut bool) []byte {
	if cut {
		return fit(dst, start, wide)
	}
	return appendBlanks(dst, wide-cellsIn(dst[start:]))
}

// fitRight is fit with the blanks before the text.
func fitRight(dst []byte, start, wide int) []byte {
	dst, cells := cutCells(dst, start, wide)
	if cells >= wide {
		return dst
	}
	end := len(dst)
	dst = appendBlanks(dst, wide-cells)
	copy(dst[start+wide-cells:], dst[start:end])
	for i := range wide - cells {
		dst[start+i] = ' '
	}
	return dst
}

func appendBlanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// appendFitted appends s, escaped, as exactly wide cells.
func appendFitted(dst []byte, s string, wide int) []byte {
	start := len(dst)
	return fit(appendEscaped(dst, s, maxValue), start, wide)
}

// trimRight cuts blanks at the end of dst, but nothing before start.
func trimRight(dst []byte, start int) []byte {
	for len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

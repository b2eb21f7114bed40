package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Columns of the text form.
const (
	checkColumn = 6
	foundColumn = 23
	textWidth   = 80
	// maxText bounds what is printed of one text, in bytes.
	maxText = 4096
)

const resetColour = "\x1b[m"

// colour returns the colour of a state's mark.
func (s State) colour() string {
	switch s {
	case StateGap:
		return "\x1b[1;31m"
	case StateNote:
		return "\x1b[33m"
	default:
		return "\x1b[32m"
	}
}

// AppendText appends findings for people: a paragraph each, 80 columns wide,
// with commands on lines of their own that are never broken, and a last line
// that counts. What cannot be printed is escaped.
func AppendText(dst []byte, findings []Finding, coloured bool) []byte {
	notes := 0
	for i := range findings {
		f := &findings[i]
		if f.State == StateNote {
			notes++
		}
		mark := fmt.Sprintf("%-*s", checkColumn, f.State)
		if coloured {
			mark = f.State.colour() + mark + resetColour
		}
		check := fmt.Sprintf("%-*s", foundColumn-checkColumn, escape(f.Check))
		text := escape(f.Found)
		// What is well needs no reason.
		if f.Why != "" && f.State != StateOK {
			text += "; " + escape(f.Why)
		}
		dst = append(append(dst, mark...), check...)
		for n, line := range wrap(text, textWidth-foundColumn) {
			if n > 0 {
				dst = append(dst, strings.Repeat(" ", foundColumn)...)
			}
			dst = append(append(dst, line...), '\n')
		}
		for _, command := range []struct{ title, text string }{{"", f.Fix}, {"to keep it:", f.Persistent}} {
			if command.text == "" {
				continue
			}
			if command.title != "" {
				dst = fmt.Appendf(dst, "%*s%s\n", checkColumn, "", command.title)
			}
			dst = fmt.Appendf(dst, "%*s%s\n", checkColumn, "", escape(command.text))
		}
	}
	gaps := Gaps(findings)
	dst = fmt.Appendf(dst, "\n%s, %s.\n", counted(gaps, "gap"), counted(notes, "note"))
	switch gaps {
	case 0:
	case 1:
		dst = append(dst, "Run the gap's command, then ask the doctor again.\n"...)
	default:
		dst = append(dst, "Run the gaps' commands from top to bottom, as later ones may need earlier ones;\nthen ask the doctor again.\n"...)
	}
	return dst
}

// AppendJSON appends findings as JSON lines.
func AppendJSON(dst []byte, findings []Finding) []byte {
	lines := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(lines)
	// Commands stay readable.
	encoder.SetEscapeHTML(false)
	for i := range findings {
		f := &findings[i]
		// Strings always encode, and a buffer takes all.
		_ = encoder.Encode(struct {
			Schema     int    `json:"schema"`
			Type       string `json:"type"`
			Check      string `json:"check"`
			State      State  `json:"state"`
			Found      string `json:"found"`
			Why        string `json:"why"`
			Fix        string `json:"fix,omitempty"`
			Persistent string `json:"persistent,omitempty"`
		}{1, "doctor", f.Check, f.State, f.Found, f.Why, f.Fix, f.Persistent})
	}
	return lines.Bytes()
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	default:
		return strconv.Itoa(n) + " " + noun + "s"
	}
}

// wrap breaks text between words into lines of at most width characters; a
// longer word stands alone.
func wrap(text string, width int) (lines []string) {
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case length == 0:
			line, length = word, size
		case length+1+size <= width:
			line, length = line+" "+word, length+1+size
		default:
			lines = append(lines, line)
			line, length = word, size
		}
	}
	return append(lines, line)
}

// escape shows what has power over a terminal the way Go writes it.
func escape(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

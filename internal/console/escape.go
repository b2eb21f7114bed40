package console

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

const (
	// maxValue bounds a name, header or version that is printed, in bytes
	// before escaping.
	maxValue = 1024
	// maxDiagnostic bounds the text of an error or warning line, which may hold
	// a path of 4,096 bytes.
	maxDiagnostic = 6144
	// ellipsis marks a value that was cut.
	ellipsis = "…"
)

const hexDigits = "0123456789abcdef"

// appendEscaped appends s for people: on one line, in one column and without
// power over a terminal. What is not printable, such as control characters,
// bidirectional overrides and invisible characters, is shown the way Go
// writes it (\t, \x1b, \u202e); a byte that is not UTF-8 as \xff. Of more than
// limit bytes only the first are shown, then an ellipsis.
//
// A backslash stays one, as connmonitor printed it. So an ESC and the four
// characters \x1b look alike here; [appendQuoted] keeps them apart.
func appendEscaped(dst []byte, s string, limit int) []byte {
	s, cut := cutAt(s, limit)
	for i := 0; i < len(s); {
		if isPlainASCII(s[i]) {
			dst = append(dst, s[i])
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
		case unicode.IsPrint(r):
			dst = append(dst, s[i:i+size]...)
		default:
			dst = appendVisible(dst, r)
		}
		i += size
	}
	if cut {
		dst = append(dst, ellipsis...)
	}
	return dst
}

// appendVisible appends the escape of a character that cannot be printed.
func appendVisible(dst []byte, r rune) []byte {
	start := len(dst)
	dst = strconv.AppendQuoteRune(dst, r)
	// AppendQuoteRune puts the escape between quotes.
	return append(dst[:start], dst[start+1:len(dst)-1]...)
}

// appendQuoted appends s as a JSON string (RFC 8259, section 7) that is valid
// whatever the bytes: those that are not UTF-8 become U+FFFD. Beyond what JSON
// asks for, everything unprintable is escaped too, because JSON lines are read
// on terminals. Of more than limit bytes only the first are kept, then an
// ellipsis.
func appendQuoted(dst []byte, s string, limit int) []byte {
	s, cut := cutAt(s, limit)
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		plain := i
		for i < len(s) && isPlainASCII(s[i]) && s[i] != '"' && s[i] != '\\' {
			i++
		}
		dst = append(dst, s[plain:i]...)
		if i == len(s) {
			break
		}
		if c := s[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.IsPrint(r) {
			dst = utf8.AppendRune(dst, r)
		} else {
			dst = appendJSONEscape(dst, r)
		}
		i += size
	}
	if cut {
		dst = append(dst, ellipsis...)
	}
	return append(dst, '"')
}

// appendJSONEscape appends \uXXXX, twice for a character outside the basic plane.
func appendJSONEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		const surrogates, lowSurrogates, half = 0xd800, 0xdc00, 0x400
		r -= 0x10000
		dst = appendJSONEscape(dst, surrogates+r/half)
		r = lowSurrogates + r%half
	}
	return append(dst, '\\', 'u',
		hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

func isPlainASCII(c byte) bool { return ' ' <= c && c <= '~' }

// cutAt shortens s to at most limit bytes without splitting a character.
func cutAt(s string, limit int) (kept string, cut bool) {
	if len(s) <= limit {
		return s, false
	}
	end := limit
	for end > limit-utf8.UTFMax+1 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end], true
}

package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// maxPings is the longest burst that netsonde.Probe takes.
	maxPings = math.MaxUint16
	// maxPayload is what fits behind 20 bytes of IPv4 header and 8 of ICMP in
	// a packet of 65,535 bytes (RFC 791 section 3.1).
	maxPayload = math.MaxUint16 - 20 - 8
	// maxHops is the largest TTL (RFC 791 section 3.1).
	maxHops = math.MaxUint8
	// maxPause is 100 years: far below where adding two durations overflows.
	maxPause = 100 * 365 * 24 * time.Hour
)

// parseInteger reads an integer as connmonitor did: a sign or none, digits,
// and single underscores between digits. What does not fit counts as the
// nearest value that does.
func parseInteger(s string) (value int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	negative := digits != s
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	afterDigit := false
	for _, c := range []byte(digits) {
		switch {
		case c >= '0' && c <= '9':
			if value > (math.MaxInt64-9)/10 {
				value = math.MaxInt64
			} else {
				value = value*10 + int64(c-'0')
			}
			afterDigit = true
		case c == '_' && afterDigit:
			afterDigit = false
		default:
			return 0, false
		}
	}
	if negative {
		value = -value
	}
	return value, afterDigit
}

// isNumber reports whether s is an integer or a decimal fraction. Such a word
// is never a host, although the C library would read 1.5 as 1.0.0.5.
func isNumber(s string) bool {
	if _, ok := parseInteger(s); ok {
		return true
	}
	whole, fraction, found := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	if !found || whole+fraction == "" || len(s)-len(whole)-len(fraction) > 2 {
		return false
	}
	for _, c := range []byte(whole + fraction) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// parseMilliseconds reads a number of milliseconds, 0 or more, written as an
// integer, a decimal, with an exponent, or as a fraction of two such numbers.
// on is false for 0. The problem says in connmonitor's manner what is wrong.
func parseMilliseconds(s string) (pause time.Duration, on bool, problem string) {
	notNumber := "could not convert string to float: '" + excerpt(s) + "'"
	dividend, divisor, isFraction := strings.Cut(s, "/")
	milliseconds, ok := parseDecimal(dividend)
	if !ok {
		return 0, false, notNumber
	}
	if isFraction {
		by, ok := parseDecimal(divisor)
		if !ok {
			return 0, false, notNumber
		}
		if by == 0 {
			return 0, false, "'" + excerpt(s) + "' divides by zero"
		}
		milliseconds /= by
	}
	switch {
	case math.IsNaN(milliseconds) || math.IsInf(milliseconds, 0):
		return 0, false, "'" + excerpt(s) + "' is no finite number of milliseconds"
	case milliseconds < 0:
		return 0, false, "'" + excerpt(s) + "' is negative; give milliseconds, or 0 to switch it off"
	case milliseconds > float64(maxPause/time.Millisecond):
		return 0, false, "'" + excerpt(s) + "' is more than 100 years of milliseconds"
	}
	return time.Duration(math.Round(milliseconds * float64(time.Millisecond))), milliseconds > 0, ""
}

// parseDecimal reads a decimal number, inf or nan. Hexadecimal and other forms
// that only Go takes are refused; what is out of range is infinite.
func parseDecimal(s string) (float64, bool) {
	if strings.ContainsAny(s, "xXpP_") {
		return 0, false
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(value, 0) {
		return 0, false
	}
	return value, true
}

package console

import (
	"bytes"
	"strconv"
	"time"
)

// decimals is the least number of decimals in JSON, as connmonitor printed it.
const decimals = 6

// noAnswer stands for each statistic of a burst that nobody answered.
const noAnswer = -1.0

// milliseconds is d in the unit of every output here. It is exact to the
// nanosecond for what is below eleven days.
func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}

// appendRounded appends value with three decimals, as text output has it.
func appendRounded(dst []byte, value float64) []byte {
	return strconv.AppendFloat(dst, value, 'f', 3, 64)
}

// appendExact appends the shortest decimal that reads back as value, with at
// least six decimals.
func appendExact(dst []byte, value float64) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, value, 'f', -1, 64)
	point := bytes.IndexByte(dst[start:], '.')
	if point < 0 {
		point = len(dst) - start
		dst = append(dst, '.')
	}
	for have := len(dst) - start - point - 1; have < decimals; have++ {
		dst = append(dst, '0')
	}
	return dst
}

// appendEpochMilliseconds appends nanoseconds since the epoch as milliseconds
// with six decimals. A float64 has too few digits for that.
func appendEpochMilliseconds(dst []byte, nanoseconds int64) []byte {
	magnitude := uint64(nanoseconds)
	if nanoseconds < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	const million = uint64(time.Millisecond)
	dst = strconv.AppendUint(dst, magnitude/million, 10)
	return appendDigits(append(dst, '.'), magnitude%million, 6)
}

// appendDigits appends the last so many decimal digits of a number, zeros included.
func appendDigits(dst []byte, number uint64, digits int) []byte {
	start := len(dst)
	dst = append(dst, "0000000000"[:digits]...)
	for i := start + digits - 1; i >= start; i-- {
		dst[i] = '0' + byte(number%10)
		number /= 10
	}
	return dst
}

// appendTime appends t as C's ctime writes it, without the newline.
func appendTime(dst []byte, t time.Time) []byte {
	return t.AppendFormat(dst, time.ANSIC)
}

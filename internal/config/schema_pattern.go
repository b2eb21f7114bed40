package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// patternOf is what a number that is written as a text looks like, with its
// unit, in the key's range; "" for what is none. Of a duration of several parts,
// and of fractions, only the form is told.
func patternOf(key Key) string {
	kind := key.Type
	if kind == ValueList {
		kind = key.Element
	}
	switch kind {
	case ValueInteger:
		return `^\+?0*(` + wholeNumbers(key.Least, key.Most) + `)$`
	case ValueSize:
		forms := []string{wholeNumbers(key.Least, key.Most) + "|" + scaledNumbers(key, []unit{{"B", 1}, {"kB", 1000}, {"KiB", 1 << 10}, {"MB", 1e6}, {"MiB", 1 << 20}})}
		return `^0*(` + strings.Join(append(forms, `[0-9]+\.[0-9]+(kB|KiB|MB|MiB)`), "|") + `)$`
	case ValueDuration:
		const number, units = `([0-9]+\.?[0-9]*|\.[0-9]+)`, `(ns|us|[µμ]s|ms|s|m|h)`
		forms := []string{scaledNumbers(key, []unit{
			{"ns", 1}, {"us", int64(time.Microsecond)}, {"[µμ]s", int64(time.Microsecond)}, {"ms", int64(time.Millisecond)},
			{"s", int64(time.Second)}, {"m", int64(time.Minute)}, {"h", int64(time.Hour)}, {"d", int64(24 * time.Hour)},
		})}
		if key.Least == 0 {
			forms = append(forms, "0")
		}
		fraction := `([0-9]+\.[0-9]*|\.[0-9]+)(ns|us|[µμ]s|ms|s|m|h|d)`
		several := number + `d(` + number + units + `)+|(` + number + units + `){2,}`
		return `^(0*(` + strings.Join(forms, "|") + `)|` + fraction + `|` + several + `)$`
	default:
		return ""
	}
}

// definitionOf names the pattern of a key: keys of one range share it.
func definitionOf(key Key) string {
	name := map[ValueType]string{ValueInteger: "integer", ValueSize: "size", ValueDuration: "duration"}
	kind := key.Type
	if kind == ValueList {
		kind = key.Element
	}
	if kind == ValueDuration {
		return fmt.Sprintf("%s-%s-%s", name[kind], writeDuration(time.Duration(key.Least)), writeDuration(time.Duration(key.Most)))
	}
	return fmt.Sprintf("%s-%d-%d", name[kind], key.Least, key.Most)
}

// unit is a word behind a number, a pattern itself, and what it stands for.
type unit struct {
	word   string
	factor int64
}

// scaledNumbers matches the whole numbers of each unit in a key's range.
func scaledNumbers(key Key, units []unit) string {
	var forms []string
	for _, u := range units {
		if least, most := (key.Least+u.factor-1)/u.factor, key.Most/u.factor; least <= most {
			forms = append(forms, "("+wholeNumbers(least, most)+")"+u.word)
		}
	}
	return strings.Join(forms, "|")
}

// wholeNumbers matches the decimal numbers from least to most without leading
// zeros, neither of them negative.
func wholeNumbers(least, most int64) string {
	var forms []string
	for least <= most {
		// The numbers that differ from least in their last digits only.
		digits, size := 0, int64(1)
		for least%(size*10) == 0 && least+size*10-1 <= most && len(strconv.FormatInt(least, 10)) > digits+1 {
			digits, size = digits+1, size*10
		}
		head := least / size
		// And those with the last of the other digits greater.
		last := head
		for last%10 != 9 && (last+2)*size-1 <= most {
			last++
		}
		form := strconv.FormatInt(head, 10)
		if last != head {
			form = fmt.Sprintf("%s[%d-%d]", form[:len(form)-1], head%10, last%10)
		}
		if digits > 0 {
			form += fmt.Sprintf("[0-9]{%d}", digits)
		}
		forms = append(forms, form)
		least = (last + 1) * size
	}
	return strings.Join(forms, "|")
}

package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// nativeValue is a value of the native format and where it stands.
type nativeValue struct {
	source *yamlSource
	// node is nil for what holds without any file.
	node ast.Node
	// text is the value as written, variables put in.
	text string
	// number is a whole number, a size in bytes, a duration in nanoseconds, or 1
	// for true.
	number  int64
	numbers []int
}

// wrong tells what is wrong with the value, once.
func (v nativeValue) wrong(err error) {
	if v.node != nil && !v.source.told[v.node] {
		v.source.wrong(v.node, err)
	}
}

// value reads a single value, or a list of numbers, as its key describes it.
func (s *yamlSource) value(key Key, node ast.Node) (v nativeValue, ok bool) {
	v = nativeValue{source: s, node: node}
	if key.Type == ValueList {
		for _, element := range s.list(node) {
			text, fine := s.scalar(element)
			if !fine {
				continue
			}
			number, err := parseWhole(key, text)
			if err != nil {
				s.wrong(element, err)
				continue
			}
			v.numbers = append(v.numbers, int(number))
		}
		return v, len(v.numbers) > 0
	}
	if v.text, ok = s.scalar(node); !ok {
		return v, false
	}
	if err := v.parse(key); err != nil {
		s.wrong(node, err)
		return v, false
	}
	return v, true
}

// parse makes of the text what the key wants.
func (v *nativeValue) parse(key Key) (err error) {
	switch key.Type {
	case ValueInteger:
		v.number, err = parseWhole(key, v.text)
	case ValueSize:
		v.number, err = parseSize(v.text)
		if err == nil && (v.number < key.Least || v.number > key.Most) {
			err = fmt.Errorf("%s: %s is out of range: give %d to %d bytes", key.Name, excerpt(v.text), key.Least, key.Most)
		}
	case ValueDuration:
		var d time.Duration
		d, err = parseDuration(v.text)
		if err != nil {
			err = fmt.Errorf("%s: %w", key.Name, err)
		} else if int64(d) < key.Least || int64(d) > key.Most {
			err = fmt.Errorf("%s: %s is out of range: give %s to %s", key.Name, excerpt(v.text), writeDuration(time.Duration(key.Least)), writeDuration(time.Duration(key.Most)))
		}
		v.number = int64(d)
	case ValueBoolean:
		if v.text != "true" && v.text != "false" {
			return fmt.Errorf("%s: %q is neither true nor false", key.Name, excerpt(v.text))
		}
		if v.text == "true" {
			v.number = 1
		}
	case ValueEnum:
		if !slices.Contains(key.Values, v.text) {
			return hinted(fmt.Errorf("%s: %q is none of %s", key.Name, excerpt(v.text), strings.Join(key.Values, ", ")), v.text, key.Values)
		}
	case ValueAddress:
		if _, failed := netip.ParseAddr(v.text); failed != nil {
			return fmt.Errorf("%s: %q is no address: give one such as 192.0.2.9", key.Name, excerpt(v.text))
		}
	}
	return err
}

// scalar reads a single value with its variables put in.
func (s *yamlSource) scalar(node ast.Node) (text string, ok bool) {
	if node == nil {
		return "", false
	}
	switch n := s.plain(node).(type) {
	case nil:
		if !s.told[node] {
			s.wrong(node, errors.New("the value is missing"))
		}
		return "", false
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		s.wrong(node, errors.New("give a single value"))
		return "", false
	}
	if s.lookup != nil && strings.Contains(text, "$") {
		var err error
		if text, err = expand(text, s.lookup); err != nil {
			s.wrong(node, err)
			return "", false
		}
	}
	if len(text) > textLimit {
		s.wrong(node, fmt.Errorf("longer than %d bytes", textLimit))
		return "", false
	}
	return text, true
}

// expand puts in variables: ${NAME}, ${NAME:-otherwise}, and $$ for a dollar.
func expand(text string, lookup func(string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		out.WriteString(before)
		switch {
		case !found:
			return out.String(), nil
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			text = rest[1:]
			continue
		case !strings.HasPrefix(rest, "{"):
			out.WriteByte('$')
			text = rest
			continue
		}
		inside, after, closed := strings.Cut(rest[1:], "}")
		if !closed {
			return "", errors.New("a variable without its end: write ${NAME}, or $$ for a dollar")
		}
		name, otherwise, optional := strings.Cut(inside, ":-")
		if !isVariable(name) {
			return "", fmt.Errorf("%q is no name of a variable: write ${NAME} or ${NAME:-otherwise}", excerpt(name))
		}
		value, set := lookup(name)
		switch {
		case set && (value != "" || !optional):
			out.WriteString(value)
		case optional:
			out.WriteString(otherwise)
		default:
			return "", fmt.Errorf("the environment variable %s is not set: set it, or write ${%s:-otherwise}", name, name)
		}
		text = after
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		if r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// parseWhole reads a whole number in a key's range.
func parseWhole(key Key, text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < key.Least || number > key.Most {
		return 0, fmt.Errorf("%s: %q is out of range: give a whole number from %d to %d", key.Name, excerpt(text), key.Least, key.Most)
	}
	return number, nil
}

// parseSize reads a number of bytes, alone or with a unit.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRightFunc(text, unicode.IsLetter)
	if strings.ContainsAny(digits, "+eExXpP_") {
		return 0, fmt.Errorf("%q is no size: give one such as 56B, 1400B or 4KiB", excerpt(text))
	}
	number, err := strconv.ParseFloat(digits, 64)
	factor := 0.0
	switch text[len(digits):] {
	case "", "B":
		factor = 1
	case "kB":
		factor = 1000
	case "KiB":
		factor = 1 << 10
	case "MB":
		factor = 1e6
	case "MiB":
		factor = 1 << 20
	}
	bytes := number * factor
	if err != nil || factor == 0 || bytes != math.Trunc(bytes) || bytes < 0 || bytes > 1<<50 {
		return 0, fmt.Errorf("%q is no size: give one such as 56B, 1400B or 4KiB", excerpt(text))
	}
	return int64(bytes), nil
}

// parseDuration reads a duration with its unit. Beside Go's units there are
// days, which come first.
func parseDuration(text string) (time.Duration, error) {
	fault := fmt.Errorf("%q is no duration: give one such as 250ms, 10s, 5m or 1d", excerpt(text))
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf("%q has no unit: give %ss or %sms", excerpt(text), excerpt(text), excerpt(text))
	}
	days, rest, found := strings.Cut(text, "d")
	if strings.ContainsAny(text, "+eExXpP_NI") {
		return 0, fault
	}
	if !found {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, fault
		}
		return d, nil
	}
	number, err := strconv.ParseFloat(days, 64)
	if err != nil || math.Abs(number) > 36500 || math.IsNaN(number) {
		return 0, fault
	}
	d := time.Duration(number * float64(24*time.Hour))
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > 24*time.Hour {
		return 0, fault
	}
	return d + more, nil
}

// writeDuration writes a duration as the native format has it.
func writeDuration(d time.Duration) string {
	if day := 24 * time.Hour; d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

package hosts

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

const (
	// rangesLimit is the most pairs of brackets in one expression.
	rangesLimit = 8
	// digitsLimit is the most digits of a number in brackets.
	digitsLimit = 9
)

// pattern is names, or IPv4 addresses, with numbers that count up in brackets.
type pattern struct {
	ranges []numberRange
	// tail is the text behind the last bracket.
	tail string
	// literal is set when all texts are addresses.
	literal bool
}

// numberRange is one pair of brackets.
type numberRange struct {
	// before is the text between this and the bracket before.
	before      string
	first, last uint64
	// width is the least number of digits.
	width int
}

// parsePattern reads an expression with brackets.
func parsePattern(expression string) (Set, error) {
	if inner, ok := strings.CutPrefix(expression, "["); ok && strings.Contains(inner, ":") {
		inner, _, _ = strings.Cut(inner, "]")
		return Set{}, fmt.Errorf("has brackets around an address: write %s", inner)
	}
	p := &pattern{}
	rest := expression
	for {
		before, behind, found := strings.Cut(rest, "[")
		if strings.Contains(before, "]") {
			return Set{}, errors.New("has a \"]\" without its \"[\": write as in web[01-20].example")
		}
		if !found {
			p.tail = rest
			break
		}
		inside, after, closed := strings.Cut(behind, "]")
		if !closed {
			return Set{}, errors.New("has a \"[\" without its \"]\": write as in web[01-20].example")
		}
		if len(p.ranges) == rangesLimit {
			return Set{}, fmt.Errorf("has more than %d pairs of brackets: give several expressions", rangesLimit)
		}
		r, err := parseNumbers(inside)
		if err != nil {
			return Set{}, err
		}
		r.before = before
		p.ranges = append(p.ranges, r)
		rest = after
	}
	return p.judged()
}

// parseNumbers reads what stands in brackets.
func parseNumbers(inside string) (numberRange, error) {
	left, right, dashed := strings.Cut(inside, "-")
	first, bad := parseNumber(left)
	last, bad2 := parseNumber(right)
	switch {
	case !dashed || bad || bad2:
		return numberRange{}, fmt.Errorf("has [%s]: write two numbers of at most %d digits, as in [01-20]", inside, digitsLimit)
	case last < first:
		return numberRange{}, fmt.Errorf("has [%s], which counts down: write [%s-%s]", inside, right, left)
	case len(right) > 1 && right[0] == '0' && len(left) < len(right):
		return numberRange{}, fmt.Errorf("has [%s]: write as many zeros before the first number as before the last", inside)
	}
	r := numberRange{first: first, last: last}
	if left[0] == '0' {
		r.width = len(left)
	}
	return r, nil
}

func parseNumber(digits string) (number uint64, bad bool) {
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err != nil || len(digits) > digitsLimit
}

// judged checks the first and the last text. Those between are no longer than
// the last, and as addresses no number in them is larger than the last's; one
// with a leading zero would be the first.
func (p *pattern) judged() (Set, error) {
	first, last := p.text(false), p.text(true)
	p.literal = true
	for _, text := range []string{first, last} {
		addr, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			p.literal = false
			if err := checkName(text); err != nil {
				return Set{}, fmt.Errorf("makes %s, which %w", excerpt(text), err)
			}
		case addr.Is6():
			return Set{}, errors.New("has brackets in an IPv6 address: write a range, as in 2001:db8::1-2001:db8::ff")
		}
	}
	return Set{pattern: p}, nil
}

// text is the first of the pattern's texts, or the last.
func (p *pattern) text(last bool) string {
	var b []byte
	for _, r := range p.ranges {
		b = append(b, r.before...)
		if last {
			b = r.append(b, r.last)
		} else {
			b = r.append(b, r.first)
		}
	}
	return string(append(b, p.tail...))
}

// append writes a number of the range.
func (r *numberRange) append(b []byte, number uint64) []byte {
	start := len(b)
	b = strconv.AppendUint(b, number, 10)
	for len(b)-start < r.width {
		b = append(b, 0)
		copy(b[start+1:], b[start:])
		b[start] = '0'
	}
	return b
}

// count is the number of texts, at most 2⁶⁴−1.
func (p *pattern) count() uint64 {
	product := uint64(1)
	for _, r := range p.ranges {
		upper, lower := bits.Mul64(product, r.last-r.first+1)
		if upper != 0 {
			return math.MaxUint64
		}
		product = lower
	}
	return product
}

// all goes through the texts; the last brackets count fastest.
func (p *pattern) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		numbers := make([]uint64, len(p.ranges))
		for i, r := range p.ranges {
			numbers[i] = r.first
		}
		var buffer []byte
		for {
			buffer = buffer[:0]
			for i := range p.ranges {
				buffer = p.ranges[i].append(append(buffer, p.ranges[i].before...), numbers[i])
			}
			buffer = append(buffer, p.tail...)
			if !yield(string(buffer)) || !p.advance(numbers) {
				return
			}
		}
	}
}

// advance counts up by one and reports whether there was a next.
func (p *pattern) advance(numbers []uint64) bool {
	for i := len(numbers) - 1; i >= 0; i-- {
		if numbers[i] < p.ranges[i].last {
			numbers[i]++
			return true
		}
		numbers[i] = p.ranges[i].first
	}
	return false
}

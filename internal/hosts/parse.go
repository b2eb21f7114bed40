package hosts

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// expressionLimit is the longest expression that is read, in bytes.
const expressionLimit = 512

// Parse reads an expression. Its error names the expression, says what is
// wrong with it and what would be right.
func Parse(expression string) (Set, error) {
	set, err := parse(expression)
	if err != nil {
		return Set{}, fmt.Errorf("host %s: %w", excerpt(expression), err)
	}
	return set, nil
}

func parse(expression string) (Set, error) {
	if err := checkCharacters(expression); err != nil {
		return Set{}, err
	}
	if strings.Contains(expression, "/") {
		return parsePrefix(expression)
	}
	if addr, err := netip.ParseAddr(expression); err == nil {
		if err := checkAddress(addr); err != nil {
			return Set{}, err
		}
		return Set{text: expression, first: addr, last: addr}, nil
	}
	if strings.ContainsAny(expression, "[]") {
		return parsePattern(expression)
	}
	if left, right, dashed := strings.Cut(expression, "-"); dashed {
		if first, err := netip.ParseAddr(left); err == nil {
			return parseRange(first, right)
		}
	}
	if err := checkName(expression); err != nil {
		return Set{}, err
	}
	return Set{text: expression}, nil
}

// checkCharacters refuses what stands in no expression.
func checkCharacters(expression string) error {
	switch {
	case expression == "":
		return errors.New("is empty: give a name or an address")
	case len(expression) > expressionLimit:
		return fmt.Errorf("is %d bytes long, more than %d: give several shorter ones", len(expression), expressionLimit)
	case !utf8.ValidString(expression):
		return errors.New("is not valid UTF-8: save the file as UTF-8")
	}
	for _, r := range expression {
		switch {
		case r == ',':
			return errors.New("has a comma: give hosts one by one")
		case unicode.IsSpace(r):
			return fmt.Errorf("has white space (%U): give hosts one by one", r)
		case r == '=':
			return errors.New("has a \"=\", which stands in no name: options come before, in the form that the command's help shows")
		case unicode.IsControl(r), !unicode.IsPrint(r):
			return fmt.Errorf("has the invisible character %U: remove it", r)
		case r > unicode.MaxASCII:
			return fmt.Errorf("has %q: write names beyond ASCII in their \"xn--\" form (IDNA, RFC 5891)", r)
		}
	}
	return nil
}

// excerpt quotes the beginning of an expression, all that is strange in it
// escaped.
func excerpt(expression string) string {
	const limit = 64
	if len(expression) <= limit {
		return fmt.Sprintf("%+q", expression)
	}
	return fmt.Sprintf("%+q…", expression[:limit])
}

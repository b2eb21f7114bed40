package hosts

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of names (RFC 1035, section 2.3.4), without the dot of the root.
const (
	nameLimit  = 253
	labelLimit = 63
)

// checkName refuses what cannot be the name of a host. Underscores are no
// letters of host names (RFC 1123, section 2.1), but many hosts have them.
func checkName(name string) error {
	name = strings.TrimSuffix(name, ".")
	if len(name) > nameLimit {
		return fmt.Errorf("is %d bytes long; names have at most %d", len(name), nameLimit)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if last := labels[len(labels)-1]; numeric(last) {
		if len(labels) == 1 {
			return errors.New("is a bare number: write an address such as 192.0.2.1, or a name")
		}
		return errors.New("ends in a number but is no IPv4 address: write four numbers from 0 to 255 without leading zeros, as in 192.0.2.1")
	}
	return nil
}

func checkLabel(label string) error {
	for i := range len(label) {
		b := label[i]
		switch {
		case letterOrDigit(b), b == '-', b == '_':
		case b == ':':
			return errors.New("has a \":\" but is no IPv6 address: write the host alone; ports are given apart")
		default:
			return fmt.Errorf("has %q: names are made of letters, digits, hyphens and dots", b)
		}
	}
	switch {
	case label == "":
		return errors.New("has an empty part: write one dot between parts, none before the first")
	case len(label) > labelLimit:
		return fmt.Errorf("has a part of %d bytes; parts of names have at most %d", len(label), labelLimit)
	case label[0] == '-', label[len(label)-1] == '-':
		return fmt.Errorf("has the part %q: parts of names begin and end with a letter or a digit", label)
	default:
		return nil
	}
}

// numeric reports whether resolvers take a name that ends in this part for an
// IPv4 address in one of its odd forms: decimal, octal or hexadecimal (inet_aton).
func numeric(label string) bool {
	digits, hexadecimal := strings.CutPrefix(strings.ToLower(label), "0x")
	for i := range len(digits) {
		b := digits[i]
		if (b < '0' || b > '9') && (!hexadecimal || b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}

func letterOrDigit(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"netsonde/internal/hosts"
)

const (
	// nameLimit is the most bytes of a target's or a node's name.
	nameLimit = 256
	// questionLimit is the most bytes of a name in the DNS (RFC 1035, section
	// 2.3.4), written out.
	questionLimit = 254
)

// checkPrintable refuses what would disturb a terminal or a log.
func checkPrintable(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("not UTF-8")
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%+q has the character %U, which cannot be printed: remove it", excerpt(text), r)
		}
	}
	return nil
}

// checkName refuses what is no name of a target or of a node.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("an empty name")
	case len(name) > nameLimit:
		return fmt.Errorf("a name of %d bytes: names have at most %d", len(name), nameLimit)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("the name %+q begins or ends with a blank", excerpt(name))
	}
	if err := checkPrintable(name); err != nil {
		return fmt.Errorf("the name %w", err)
	}
	return nil
}

// checkOption refuses a text that a probe of this kind cannot send. The error
// names the key.
func checkOption(kind, key, text string) error {
	switch key {
	case "host":
		set, err := hosts.Parse(text)
		if err != nil {
			return err
		}
		if set.Count() != 1 {
			return fmt.Errorf("host %q: is several: give one", excerpt(text))
		}
	case "path":
		if !strings.HasPrefix(text, "/") {
			return fmt.Errorf("path: %+q does not begin with \"/\"", excerpt(text))
		}
		// RFC 3986, section 3.3: all else is written in percent signs.
		for _, r := range text {
			if r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune("\"<>\\^`{|}#", r) {
				return fmt.Errorf("path: %+q has the character %U, which stands in no path: write it as %%%02X", excerpt(text), r, string(r))
			}
		}
	case "question":
		if kind == "dns" && (text == "" || len(text) > questionLimit || strings.ContainsAny(text, " \t\r\n") || strings.Contains(text, "..")) {
			return fmt.Errorf("question: %+q is no name: give one such as example.com", excerpt(text))
		}
		return named(key, checkPrintable(text))
	case "answer":
		if text == "" {
			return errors.New("answer: empty: leave it out to take any")
		}
		return named(key, checkPrintable(text))
	}
	return nil
}

// named puts a key's name before an error.
func named(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

package config

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "250ms": 250 * time.Millisecond, "1m30s": 90 * time.Second, "1d": 24 * time.Hour,
		"1.5d": 36 * time.Hour, "1d12h": 36 * time.Hour, "0": 0, "-1s": -time.Second,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "d", "1d-1h", "1d1d", "1d25h", "1e9d", "NaNd", "ten seconds", "1y"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Nanosecond: "1ns", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 48 * time.Hour: "2d",
	} {
		if got := writeDuration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "56": 56, "56B": 56, "1.4kB": 1400, "4KiB": 4096, "1MiB": 1 << 20} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "B", "1.5", "1.5B", "-1", "1kb", "NaN", "Inf", "1e30", "1 kB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		return map[string]string{"A": "a"}[name], name == "A" || name == "EMPTY"
	}
	for text, want := range map[string]string{
		"${A}": "a", "x${A}y${A}": "xaya", "$$": "$", "$${A}": "${A}", "$A": "$A", "$": "$", "${B:-b}": "b", "${B:-}": "",
		"${A:-b}": "a", "${EMPTY}": "", "${EMPTY:-b}": "b", "${B:-$}": "$",
	} {
		if got, err := expand(text, lookup); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"${B}", "${", "${}", "${A", "${A B}", "${é}", "${1}"} {
		if got, err := expand(text, lookup); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"ping", "trace", "http", "https", "dns"}
	for word, want := range map[string]string{
		"pnig": "ping", "PING": "ping", "htp": "http", "http2": "http", "tarce": "trace", "dsn": "dns", "colour": "", "": "", "x": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%s, %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A plain entry is only what YAML could take for nothing but a text.
func TestPlainEntries(t *testing.T) {
	for line, want := range map[string]string{
		"  - 192.0.2.1": "192.0.2.1", "  -   web.example # x": "web.example", "  - ::1": "::1", "  - web[1-2].example": "web[1-2].example",
		"  - key.example:": "", "  - null": "", "  - 12": "", "  - [a.b]": "", "  - a.b: c": "", "  - a.b c": "", "  - a.b#c": "",
		" - 192.0.2.1": "", "   - 192.0.2.1": "", "  -": "", "  - - a.b": "", "  - %a.b": "", "  - \"a.b\"": "",
	} {
		if got, column, ok := plainEntry(line, 2); got != want || ok != (want != "") || ok && line[column-1:column-1+len(want)] != want {
			t.Errorf("%q: %q at %d, %v", line, got, column, ok)
		}
	}
}

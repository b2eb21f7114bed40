package console

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestAppendEscaped(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"nginx/1.24.0", "nginx/1.24.0"},
		{`we"ird\srv (x, y)`, `we"ird\srv (x, y)`},
		{"žluťoučký kůň 馬", "žluťoučký kůň 馬"},
		{"a\tb\r\nc\x00", `a\tb\r\nc\x00`},
		{"\x1b[31m\x7f", `\x1b[31m\x7f`},
		{"\u0085\u009b", `\u0085\u009b`},
		{"\x9b\xff\xc3", `\x9b\xff\xc3`},
		{"\u202eabc\u2066\u200b\ufeff", `\u202eabc\u2066\u200b\ufeff`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"\U000e0041", `\U000e0041`},
		{"\xed\xa0\x80", `\xed\xa0\x80`},
		{"\ufffd", "\ufffd"},
	} {
		if got := string(appendEscaped(nil, test.in, maxValue)); got != test.want {
			t.Errorf("%q is shown as %q, want %q", test.in, got, test.want)
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`we"ird\srv`, `"we\"ird\\srv"`},
		{"a\x1b\x7f\u009b", `"a\u001b\u007f\u009b"`},
		{"\u202e\U000e0041", `"\u202e\udb40\udc41"`},
		{"\xffx", "\"\ufffdx\""},
	} {
		if got := string(appendQuoted(nil, test.in, maxValue)); got != test.want {
			t.Errorf("%q is quoted as %s, want %s", test.in, got, test.want)
		}
	}
}

func TestCutAt(t *testing.T) {
	for _, test := range []struct {
		in   string
		want string
		cut  bool
	}{
		{"abcd", "abcd", false},
		{"abcde", "abcd", true},
		{"abcé", "abc", true},
		{"a馬b", "a馬", true},
		{"ab馬", "ab", true},
		{"\U0001f40e", "\U0001f40e", false},
		{"x\U0001f40e", "x", true},
		{"\x80\x80\x80\x80\x80", "\x80", true},
	} {
		if got, cut := cutAt(test.in, 4); got != test.want || cut != test.cut {
			t.Errorf("%q is cut to %q, %t, want %q, %t", test.in, got, cut, test.want, test.cut)
		}
	}
}

// TestQuotedReadsBack quotes random strings of every kind of character, with
// hostile ones among them, and reads them with encoding/json.
func TestQuotedReadsBack(t *testing.T) {
	pieces := []string{
		`"`, `\`, `\u0000`, "\x00", "\x1b[2J", "\x7f", "\u009b", "\xff", "\xc3", "\xe9\xa6", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\u202e", "\u2028", "\U000e0001", "\U0010ffff", "\ud7ff", "馬", "é", "/", "</script>", "a", ", ", "\t", "\n",
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 4_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		checkEscapes(t, b.String())
	}
	const together = 128
	for first := rune(0); first < unicode.MaxRune; first += together {
		var b strings.Builder
		for r := first; r < first+together; r++ {
			b.WriteRune(r)
		}
		checkEscapes(t, b.String())
	}
}

// FuzzEscape asks that no bytes get through that a terminal or a JSON reader
// would take for more than text.
func FuzzEscape(f *testing.F) {
	f.Add("nginx/1.24.0")
	f.Add("\x1b]0;title\x07\x9b\u202e\xff")
	f.Add(strings.Repeat("馬", maxValue/2))
	f.Fuzz(checkEscapes)
}

func checkEscapes(t *testing.T, s string) {
	text := string(appendEscaped(nil, s, maxValue))
	if problem := notPlain(text); problem != "" {
		t.Fatalf("%q is shown as %q: %s", s, text, problem)
	}
	quoted := appendQuoted(nil, s, maxValue)
	if problem := notPlain(string(quoted)); problem != "" {
		t.Fatalf("%q is quoted as %q: %s", s, quoted, problem)
	}
	var read string
	if err := json.Unmarshal(quoted, &read); err != nil {
		t.Fatalf("%q is quoted as %q: %v", s, quoted, err)
	}
	kept, cut := cutAt(s, maxValue)
	want := string([]rune(kept))
	if cut {
		want += ellipsis
	}
	if read != want {
		t.Fatalf("%q reads back as %q", s, read)
	}
}

// notPlain says what in s is more than one line of visible text.
func notPlain(s string) string {
	const longestEscape = len(`\U0010ffff`)
	if len(s) > longestEscape*maxValue+len(ellipsis) {
		return "too long"
	}
	if !utf8.ValidString(s) {
		return "not UTF-8"
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return "holds a control or format character or a line break"
		}
	}
	return ""
}

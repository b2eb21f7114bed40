package hosts

import (
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
)

// some collects the first few of a sequence.
func some[T any](sequence iter.Seq[T], limit int) (found []T) {
	for value := range sequence {
		if found = append(found, value); len(found) == limit {
			return found
		}
	}
	return found
}

func TestParse(t *testing.T) {
	longest := strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61)
	tests := []struct {
		expression string
		count      uint64
		literal    bool
		// hosts are the first ones, at most five.
		hosts string
	}{
		{"web.example", 1, false, "web.example"},
		{"web.example.", 1, false, "web.example."},
		{"Web_1", 1, false, "Web_1"},
		{"1.example", 1, false, "1.example"},
		{"3com", 1, false, "3com"},
		{"web-1", 1, false, "web-1"},
		{"0xfg", 1, false, "0xfg"},
		{"xn--bcher-kva.example", 1, false, "xn--bcher-kva.example"},
		{longest, 1, false, longest},

		{"192.0.2.1", 1, true, "192.0.2.1"},
		{"2001:DB8::1", 1, true, "2001:DB8::1"},
		{"fe80::1%eth0", 1, true, "fe80::1%eth0"},
		{"fe80::1%br-lan.7", 1, true, "fe80::1%br-lan.7"},

		{"10.0.0.0/30", 2, true, "10.0.0.1 10.0.0.2"},
		{"10.0.0.7/29", 6, true, "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5"},
		{"10.0.0.7/31", 2, true, "10.0.0.6 10.0.0.7"},
		{"10.0.0.7/32", 1, true, "10.0.0.7"},
		{"127.0.0.0/16", 65534, true, "127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5"},
		{"0.0.0.0/0", 1<<32 - 2, true, "0.0.0.1 0.0.0.2 0.0.0.3 0.0.0.4 0.0.0.5"},
		{"2001:db8::/126", 3, true, "2001:db8::1 2001:db8::2 2001:db8::3"},
		{"2001:db8::5/127", 2, true, "2001:db8::4 2001:db8::5"},
		{"2001:db8::5/128", 1, true, "2001:db8::5"},
		{"2001:db8::/65", 1<<63 - 1, true, "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5"},
		{"2001:db8::/64", math.MaxUint64, true, "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 2001:db8::5"},
		{"::/0", math.MaxUint64, true, "::1 ::2 ::3 ::4 ::5"},

		{"10.0.0.254-10.0.1.1", 4, true, "10.0.0.254 10.0.0.255 10.0.1.0 10.0.1.1"},
		{"10.0.0.1-10.0.0.1", 1, true, "10.0.0.1"},
		{"10.0.0.1-3", 3, true, "10.0.0.1 10.0.0.2 10.0.0.3"},
		{"10.0.0.0-255", 256, true, "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"},
		{"255.255.255.254-255", 2, true, "255.255.255.254 255.255.255.255"},
		{"2001:db8::ffff-2001:db8::1:0", 2, true, "2001:db8::ffff 2001:db8::1:0"},
		{"2001:db8::-2001:db8:0:3::1", math.MaxUint64, true, "2001:db8:: 2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4"},
		{"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", math.MaxUint64, true, ":: ::1 ::2 ::3 ::4"},

		{"web[01-20].example", 20, false, "web01.example web02.example web03.example web04.example web05.example"},
		{"web[8-11]", 4, false, "web8 web9 web10 web11"},
		{"web[098-101]", 4, false, "web098 web099 web100 web101"},
		{"web[00-00]", 1, false, "web00"},
		{"r[1-2]s[08-10]", 6, false, "r1s08 r1s09 r1s10 r2s08 r2s09"},
		{"[1-2]x", 2, false, "1x 2x"},
		{"10.0.[0-1].[1-2]", 4, true, "10.0.0.1 10.0.0.2 10.0.1.1 10.0.1.2"},
		{"10.0.0.2[0-5][0-5]", 36, true, "10.0.0.200 10.0.0.201 10.0.0.202 10.0.0.203 10.0.0.204"},
	}
	for _, test := range tests {
		set, err := Parse(test.expression)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		if set.Count() != test.count || set.Literal() != test.literal {
			t.Errorf("%s: %d hosts, literal %v", test.expression, set.Count(), set.Literal())
		}
		hosts := some(set.All(), 5)
		if got := strings.Join(hosts, " "); got != test.hosts {
			t.Errorf("%s: hosts %s, want %s", test.expression, got, test.hosts)
		}
		var addresses []string
		for _, addr := range some(set.Addresses(), 5) {
			addresses = append(addresses, addr.String())
		}
		if want := strings.ToLower(test.hosts); test.literal && strings.Join(addresses, " ") != want {
			t.Errorf("%s: addresses %s, want %s", test.expression, addresses, want)
		}
		if !test.literal && addresses != nil {
			t.Errorf("%s: addresses %s of names", test.expression, addresses)
		}
	}
}

func TestCountSaturates(t *testing.T) {
	set, err := Parse("a[0-999999999]b[0-999999999]c[0-999999999]")
	if err != nil || set.Count() != math.MaxUint64 {
		t.Errorf("%d, %v", set.Count(), err)
	}
	if got := some(set.All(), 2); !slices.Equal(got, []string{"a0b0c0", "a0b0c1"}) {
		t.Errorf("hosts %s", got)
	}
}

func TestEmptySet(t *testing.T) {
	var set Set
	if set.Count() != 0 || set.Literal() || some(set.All(), 1) != nil || some(set.Addresses(), 1) != nil {
		t.Errorf("the zero value is not empty: %+v", set)
	}
}

// The sequences may be gone through twice, and end at the last address there is.
func TestSequencesEnd(t *testing.T) {
	for _, expression := range []string{
		"255.255.255.0/24", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120",
		"255.255.255.250-255", "w[1-3]x[1-5]", "10.0.[0-3].[0-9]",
	} {
		set, err := Parse(expression)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := len(some(set.All(), 1000)); uint64(got) != set.Count() {
				t.Errorf("%s: %d hosts, count %d", expression, got, set.Count())
			}
			if got := len(some(set.Addresses(), 1000)); set.Literal() && uint64(got) != set.Count() {
				t.Errorf("%s: %d addresses, count %d", expression, got, set.Count())
			}
		}
	}
}

func TestRefused(t *testing.T) {
	tests := []struct{ expression, want string }{
		{"", `host "": is empty: give a name or an address`},
		{"a b", `host "a b": has white space (U+0020): give hosts one by one`},
		{"a\u00a0b", "has white space (U+00A0)"},
		{"a\x00", `host "a\x00": has the invisible character U+0000: remove it`},
		{"a\x1b[31m", "has the invisible character U+001B"},
		{"a\u202eb", `host "a\u202eb": has the invisible character U+202E`},
		{"a\xff", "is not valid UTF-8"},
		{"a=b", `has a "="`},
		{"a,b", "has a comma: give hosts one by one"},
		{"bücher.example", `has 'ü': write names beyond ASCII in their "xn--" form`},
		{strings.Repeat("a", 513), "is 513 bytes long, more than 512"},
		{strings.Repeat("abcdefg.", 40), "is 319 bytes long; names have at most 253"},
		{strings.Repeat("a", 64), "has a part of 64 bytes; parts of names have at most 63"},
		{"7", "is a bare number: write an address such as 192.0.2.1"},
		{"0x7f000001", "is a bare number"},
		{"10.0.0.256", "ends in a number but is no IPv4 address"},
		{"10.0.0.01", "without leading zeros"},
		{"10.1", "ends in a number"},
		{"a.0x1F.", "ends in a number"},
		{".", "has an empty part"},
		{"a..b", "has an empty part"},
		{".a", "has an empty part"},
		{"-c", `has the part "-c"`},
		{"a-.b", `has the part "a-"`},
		{"a*b", "has '*': names are made of letters"},
		{"@hosts.txt", "has '@'"},
		{"web:80", `has a ":" but is no IPv6 address: write the host alone`},
		{"::ffff:10.0.0.1", "write 10.0.0.1"},
		{"fe80::1%", `has a ":"`},
		{"fe80::1%interface-with-a-long-name", "which is no interface's name"},
		{"fe80::1%a:b", "which is no interface's name"},
		{"10.0.0.1%eth0", "has '%'"},

		{"10.0.0.0/33", `has "33" for a prefix length: write a number from 0 to 32, as in 10.0.0.0/24`},
		{"2001:db8::/129", "write a number from 0 to 128, as in 2001:db8::/96"},
		{"10.0.0.0/255.255.255.0", "as in 10.0.0.0/24"},
		{"10.0.0.0/", `has "" for a prefix length`},
		{"10.0.0.0/-1", "for a prefix length"},
		{"10.0.0.0/024", "for a prefix length"},
		{"web.example/24", `has a "/" but no address before it`},
		{"http://web.example/x", `write only the host, "web.example", and ask for http by a probe of that kind`},
		{"fe80::%eth0/64", "has a zone: write fe80::/64"},
		{"::ffff:10.0.0.0/120", "write 10.0.0.0"},

		{"10.0.0.50-10.0.0.1", "counts down: write 10.0.0.1-10.0.0.50"},
		{"10.0.0.50-1", "counts down: write 10.0.0.1-10.0.0.50"},
		{"10.0.0.1-256", `has "256" for the end of a range`},
		{"10.0.0.1-", `has "" for the end of a range`},
		{"10.0.0.1-10.0.0.5-9", "for the end of a range"},
		{"10.0.0.1-2001:db8::1", "begins in IPv4 and ends in IPv6"},
		{"2001:db8::1-9", `has "9" for the end of a range: write an address, as in 2001:db8::1-2001:db8::ff`},
		{"fe80::1-fe80::9%eth0", "is a range with a zone"},
		{"fe80::1%e-fe80::9", "ranges and prefixes have no zone"},
		{"10.0.0.1-::ffff:10.0.0.9", "write 10.0.0.9"},

		{"web[01-20", `has a "[" without its "]"`},
		{"web01-20]", `has a "]" without its "["`},
		{"web[1-2]]", `has a "]" without its "["`},
		{"web[[1-2]]", "has [[1-2]"},
		{"web[]", "has []: write two numbers"},
		{"web[5]", "has [5]: write two numbers"},
		{"web[a-c]", "has [a-c]: write two numbers"},
		{"web[-1-2]", "has [-1-2]"},
		{"web[+1-2]", "has [+1-2]"},
		{"web[1-1234567890]", "of at most 9 digits"},
		{"web[20-01]", "has [20-01], which counts down: write [01-20]"},
		{"web[1-020]", "write as many zeros before the first number"},
		{"web[1-2].[1-2]", `makes "web1.1", which ends in a number`},
		{"10.0.0.[1-300]", `makes "10.0.0.300", which ends in a number`},
		{"10.0.0.[0-1][0-9]", `makes "10.0.0.00", which ends in a number`},
		{"[1-9]", `makes "1", which is a bare number`},
		{"[2001:db8::1]", "has brackets around an address: write 2001:db8::1"},
		{"2001:db8::[1-9]", "has brackets in an IPv6 address"},
		{"web[1-2]:80", `has a ":"`},
		{strings.Repeat("a[0-1]", 9), "has more than 8 pairs of brackets"},
		{strings.Repeat("a", 60) + "[1-99999]", "has a part of 65 bytes"},
	}
	for _, test := range tests {
		set, err := Parse(test.expression)
		switch {
		case err == nil:
			t.Errorf("%q is taken: %d hosts", test.expression, set.Count())
		case !strings.Contains(err.Error(), test.want):
			t.Errorf("%q: %v, want %q", test.expression, err, test.want)
		case set != Set{}:
			t.Errorf("%q: a set beside the error", test.expression)
		}
	}
}

// Errors are printed on terminals.
func TestErrorsArePlain(t *testing.T) {
	for _, expression := range []string{"a\x1b]0;x\a", "a\u202e", "\xff\xfe", "\u2028/[", strings.Repeat("\u00e9", 200)} {
		_, err := Parse(expression)
		if err == nil {
			t.Fatalf("%q is taken", expression)
		}
		for _, r := range err.Error() {
			if r < ' ' || r == 0x7f || r == '\u202e' || r == '\u2028' {
				t.Errorf("%q: the error has %U", expression, r)
			}
		}
	}
}

func BenchmarkAll(b *testing.B) {
	for _, expression := range []string{"10.0.0.0/8", "2001:db8::/64", "web[0000000-9999999].example"} {
		b.Run(expression, func(b *testing.B) {
			set, err := Parse(expression)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			n := 0
			for n < b.N {
				for range set.All() {
					if n++; n >= b.N {
						break
					}
				}
			}
		})
	}
}

func BenchmarkAddresses(b *testing.B) {
	set, err := Parse("10.0.0.0/8")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for n < b.N {
		for range set.Addresses() {
			if n++; n >= b.N {
				break
			}
		}
	}
}

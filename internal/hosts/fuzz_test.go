package hosts

import (
	"net/netip"
	"strings"
	"testing"
)

// What is taken can be gone through, every host of it is an expression for
// itself alone, and addresses agree with their texts.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"web.example", "10.0.0.0/24", "2001:db8::/64", "10.0.0.1-10.0.0.50", "10.0.0.1-50",
		"web[01-20].example", "r[1-2]s[08-10]", "10.0.[0-3].1[0-9]", "fe80::1%eth0", "[::1]", "a..b", "7",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		set, err := Parse(expression)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "host ") || len(err.Error()) > 4*expressionLimit {
				t.Errorf("error %q", err)
			}
			return
		}
		hosts, addresses := some(set.All(), 100), some(set.Addresses(), 100)
		if want := min(set.Count(), 100); uint64(len(hosts)) != want {
			t.Fatalf("%d hosts, count %d", len(hosts), set.Count())
		}
		if set.Literal() != (len(addresses) == len(hosts)) {
			t.Fatalf("%d addresses, %d hosts, literal %v", len(addresses), len(hosts), set.Literal())
		}
		for i, host := range hosts {
			alone, err := Parse(host)
			if err != nil || alone.Count() != 1 || alone.Literal() != set.Literal() {
				t.Fatalf("host %q: %d, %v", host, alone.Count(), err)
			}
			if set.Literal() && netip.MustParseAddr(host) != addresses[i] {
				t.Errorf("host %q is %v", host, addresses[i])
			}
		}
	})
}

package console_test

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"testing"

	"netsonde"
	"netsonde/internal/console"
)

func TestInOrder(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	names := []string{"a", "b", "c", "d"}
	for _, test := range []struct {
		name  string
		ended string // targets in the order in which they ended; upper case: without an address
		shown string // before Flush
		rest  string
	}{
		{"in order", "abcd", "abcd", ""},
		{"backwards", "dcba", "abcd", ""},
		{"the first is missing", "dcb", "", "bcd"},
		{"one has no address", "dBca", "acd", ""},
		{"the last have no address", "DCab", "ab", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var targets []*netsonde.Target
			for _, name := range names {
				targets = append(targets, &netsonde.Target{Name: name, Host: name, Groups: make([]netsonde.Group, 1)})
			}
			printed := func(feed func(*console.InOrder)) string {
				var out bytes.Buffer
				c := console.New(console.Options{
					Results: &out, Diagnostics: console.NewDiagnostics(io.Discard, false, clock), Lossless: true,
				})
				feed(console.NewInOrder(c, targets))
				done, cancel := context.WithCancel(t.Context())
				cancel()
				if err := c.Run(done); err != nil {
					t.Fatalf("Run: %v", err)
				}
				order := ""
				for _, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
					if len(line) > 0 {
						order += string(line[0])
					}
				}
				return order
			}
			feed := func(o *console.InOrder) {
				for _, ended := range test.ended {
					if ended >= 'a' {
						o.Consume(&netsonde.Batch{Rounds: []netsonde.Round{{Target: targets[ended-'a'], N: 1, Addr: addr}}})
						continue
					}
					o.Consume(&netsonde.Batch{Events: []netsonde.Event{{Kind: netsonde.EventUnresolved, Target: targets[ended-'A']}}})
				}
			}
			if got := printed(feed); got != test.shown {
				t.Errorf("printed %q, want %q", got, test.shown)
			}
			if got := printed(func(o *console.InOrder) { feed(o); o.Flush() }); got != test.shown+test.rest {
				t.Errorf("after Flush printed %q, want %q", got, test.shown+test.rest)
			}
		})
	}
}

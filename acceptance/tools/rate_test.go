package tools_test

import (
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// TestRates counts with the firewall what leaves, and how long that takes. It has a
// network of its own: other tests ask the same hosts.
func TestRates(t *testing.T) {
	w := &world{Reference: lab.NewReference(lab.ForTest(t)), binary: built.Program(t)}
	const closed, silent = "10.77.10.4", "10.77.10.200"
	for _, test := range []struct {
		arguments, match string
		packets          uint64
		least, most      time.Duration
	}{
		{"scan --open --rate 100 --ports 1-150 -q " + closed, "ip daddr " + closed + " tcp flags syn / syn,ack", 150, 1400 * time.Millisecond, 4 * time.Second},
		{"ping -q -i 0 --rate 200 -c 300 " + silent, "ip daddr " + silent + " icmp type echo-request", 300, 1400 * time.Millisecond, 4 * time.Second},
		{"ping -q -c 1" + strings.Repeat(" 10.77.10.201", 150), "ip daddr 10.77.10.201 icmp type echo-request", 150, 1400 * time.Millisecond, 4 * time.Second},
		{"scan --open --ports 1-500 -q 127.0.0.1 10.77.1.2", "oif lo tcp flags syn / syn,ack", 1000, 0, 3 * time.Second},
	} {
		t.Run(test.arguments, func(t *testing.T) {
			t.Parallel()
			counter := w.Client.Filter(lab.HookOutput, test.match, "accept")
			started := time.Now()
			got := w.run(t, strings.Fields(test.arguments)...)
			took := time.Since(started)
			if packets, err := counter.Count(); err != nil || packets != test.packets {
				t.Errorf("%d packets left, want %d: %v; it said %s", packets, test.packets, err, got.stderr)
			}
			if took < test.least || took > test.most {
				t.Errorf("it took %v, want %v to %v", took, test.least, test.most)
			}
		})
	}
}

// reverseNames has the names of addresses looked up when that is asked for.
func reverseNames(t *testing.T, w *world) {
	with := w.run(t, "trace", "-n", "--icmp", "10.77.10.1")
	without := w.run(t, "trace", "--icmp", "10.77.10.1")
	if with.code != 0 || !strings.Contains(with.stdout, "web.test") || strings.Contains(without.stdout, "web.test") {
		t.Errorf("with names it told %s and without %s", with.stdout, without.stdout)
	}
}

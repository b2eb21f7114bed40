package socket_test

import (
	"net/netip"
	"os"
	"testing"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// firewall drops all of our UDP.
const firewall = "add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
	"add rule inet t o meta l4proto udp drop; "

func TestTCPMakesGoodForUDP(t *testing.T) {
	if !inNamespace(t, "nsenter", "nft", "ping") {
		return
	}
	buildRoute(t)
	run(t, "nft", firewall)
	c := open(t, socket.KindPort)
	for _, to := range []netip.Addr{target4, target6} {
		probes := []packet.Probe{probeOf(c, to, 1)}
		r := exchange(t, c, probes, 1)[0]
		if probes[0].Errno != 0 || r.Method != netsonde.MethodTCP || r.Kind != packet.PortAnswered || r.From != to {
			t.Errorf("errno %v, reply %+v", probes[0].Errno, r)
		}
		if r.Read.Monotonic <= probes[0].Sent.Monotonic {
			t.Errorf("read at %v, sent at %v", r.Read, probes[0].Sent)
		}
	}
	nothingMore(t, c)
}

func TestAttemptsAreBounded(t *testing.T) {
	if !inNamespace(t, "nsenter", "nft", "ping") {
		return
	}
	router := buildRoute(t)
	router.run(t, "nft", "add rule inet t f ip daddr 10.9.4.0/24 drop")
	run(t, "nft", firewall)
	c := open(t, socket.KindPort)
	before := openFiles(t)
	silent := make([]packet.Probe, 1500)
	for i := range silent {
		silent[i] = probeOf(c, netip.MustParseAddr("10.9.4.1"), uint16(i))
	}
	if err := c.WriteBatch(silent); err != nil {
		t.Fatal(err)
	}
	if more := openFiles(t) - before; more < 1000 || more > 1024 {
		t.Errorf("%d sockets for %d probes", more, len(silent))
	}
	if silent[0].Errno != 0 || silent[1499].Errno == 0 {
		t.Errorf("the first is told as %v, the last, neither UDP nor TCP, as %v", silent[0].Errno, silent[1499].Errno)
	}
	// The places become free again when the attempts are too old to count.
	var replies [8]packet.Reply
	until := c.Now().Monotonic + patience
	for n := 0; n == 0; {
		if c.Now().Monotonic > until {
			t.Fatal("no attempt after the bound was reached")
		}
		probes := []packet.Probe{probeOf(c, target4, 7)}
		if err := c.WriteBatch(probes); err != nil {
			t.Fatal(err)
		}
		var err error
		if n, _, err = c.ReadBatch(replies[:], c.Now().Monotonic+patience/100); err != nil {
			t.Fatal(err)
		}
	}
	for openFiles(t) > before {
		if c.Now().Monotonic > until {
			t.Fatalf("%d sockets are left", openFiles(t)-before)
		}
		if _, _, err := c.ReadBatch(replies[:], c.Now().Monotonic+patience/100); err != nil {
			t.Fatal(err)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

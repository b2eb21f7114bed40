package acceptance_test

import (
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// TestDefaultLimitsAreNoLoss traces through routers, to a host, that keep the
// kernel's own limits on ICMP errors, many times faster than they may answer:
// not a ping of that host is lost, and no trace shows what is not there. It
// needs root and namespaces.
func TestDefaultLimitsAreNoLoss(t *testing.T) {
	requireTools(t, "nft")
	r := lab.NewReference(lab.ForTest(t))
	binary := built.Program(t)
	for _, node := range []*lab.Node{r.Router1, r.Router2, r.Router2b, r.Router3, r.Servers} {
		node.Sysctl("net.ipv4.icmp_ratelimit", "1000")
	}
	const address, entries = "10.77.10.1", 10
	expiring := r.Router1.Filter(lab.HookPrerouting, "ip daddr "+address+" ip ttl 1", "accept")
	answered := r.Router1.Filter(lab.HookOutput, "icmp type time-exceeded", "accept")

	c := startConnmonitor(t, binary, r.Client, "1 1 0 5 41 10 1 0\n"+strings.Repeat("web.test\n", entries), false)
	// The limit lets six of them and then one a second be answered.
	const enough = 60
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); count(t, expiring) < enough; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("only %d traces have begun", count(t, expiring))
		}
	}
	blocks := c.stop()
	for _, b := range blocks {
		if b.Ping == nil || b.Ping.Loss != 0 {
			t.Errorf("%s: a round is %+v", b.Name, b.Ping)
		}
	}
	if traces := checkTraces(t, blocks, []string{"10.77.1.1", "10.77.2.2", "10.77.3.2", address}); traces < entries {
		t.Errorf("%d traces printed for %d entries", traces, entries)
	}
	if begun, told := count(t, expiring), count(t, answered); told == 0 || told > begun/2 {
		t.Errorf("the first router answered %d of %d: the limit does not bite", told, begun)
	}
	t.Logf("%d rounds; the first router answered %d of %d", len(blocks), count(t, answered), count(t, expiring))
}

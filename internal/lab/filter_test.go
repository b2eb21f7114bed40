package lab_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"netsonde/internal/lab"
)

// received returns how many of a ping's echoes were answered.
func received(t *testing.T, n *lab.Node, host string, count int) int {
	t.Helper()
	requireProgram(t, "ping")
	text := output(t, n, "ping", "-n", "-c", strconv.Itoa(count), "-i", "0.002", "-W", "1", host)
	found := regexp.MustCompile(`(\d+) received`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("ping said %q", text)
	}
	n64, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n64
}

// pair returns two nodes with a link, 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2.
func pair(network *lab.Network) (a, b *lab.Node, link *lab.Link) {
	a, b = network.Node("a"), network.Node("b")
	link = network.Link(a, b).Addresses("10.0.0.1/24", "10.0.0.2/24").Addresses("fd00::1/64", "fd00::2/64")
	return a, b, link
}

// TestRandomLossIsCounted needs root and namespaces.
func TestRandomLossIsCounted(t *testing.T) {
	a, b, _ := pair(lab.ForTest(t))
	for _, c := range []struct{ host, match string }{
		{"10.0.0.2", "icmp type echo-request"},
		{"fd00::2", "icmpv6 type echo-request"},
	} {
		const sent = 300
		loss := b.DropRandom(lab.HookInput, c.match, 200)
		answered := received(t, a, c.host, sent)
		dropped, err := loss.Count()
		if err != nil {
			t.Fatal(err)
		}
		if int(dropped) != sent-answered || dropped == 0 {
			t.Errorf("%s: %d of %d answered, %d counted as dropped", c.host, answered, sent, dropped)
		}
		loss.Remove()
	}
}

// TestExactLoss needs root and namespaces.
func TestExactLoss(t *testing.T) {
	a, b, _ := pair(lab.ForTest(t))
	// ping's payload of 56 bytes makes packets of 84.
	loss := b.DropExactly(lab.HookInput, "icmp type echo-request", 300, 17, 84)
	if answered := received(t, a, "10.0.0.2", 200); answered != 200-17 {
		t.Errorf("%d of 200 answered, want %d", answered, 200-17)
	}
	if dropped, err := loss.Count(); dropped != 17 || err != nil {
		t.Errorf("%d counted, error %v; want 17", dropped, err)
	}
}

// TestLinkDown needs root and namespaces.
func TestLinkDown(t *testing.T) {
	a, _, link := pair(lab.ForTest(t))
	if n := received(t, a, "10.0.0.2", 2); n != 2 {
		t.Fatalf("%d of 2 answered before", n)
	}
	link.Down()
	if text := output(t, a, "ping", "-c", "1", "-W", "1", "10.0.0.2"); !strings.Contains(text, "unreachable") {
		t.Errorf("with the link down ping said %q", text)
	}
	link.Up()
	if n := received(t, a, "10.0.0.2", 2); n != 2 {
		t.Errorf("%d of 2 answered afterwards", n)
	}
}

// TestFork needs root and namespaces.
func TestFork(t *testing.T) {
	requireProgram(t, "traceroute")
	network := lab.ForTest(t)
	a, b, left, right := network.Node("a"), network.Node("b"), network.Node("left"), network.Node("right")
	network.Link(a, left).Addresses("10.0.1.1/24", "10.0.1.2/24").Addresses("fd00:1::1/64", "fd00:1::2/64")
	network.Link(a, right).Addresses("10.0.2.1/24", "10.0.2.2/24").Addresses("fd00:2::1/64", "fd00:2::2/64")
	network.Link(left, b).Addresses("10.0.3.1/24", "10.0.3.2/24").Addresses("fd00:3::1/64", "fd00:3::2/64")
	network.Link(right, b).Addresses("10.0.4.1/24", "10.0.4.2/24").Addresses("fd00:4::1/64", "fd00:4::2/64")
	left.Forward()
	right.Forward()
	a.Address("10.8.8.8/32", "fd00:8::8/128")
	a.Route("10.9.9.9/32", "10.0.1.2", "10.0.2.2")
	left.Route("10.8.8.8/32", "10.0.1.1")
	right.Route("10.8.8.8/32", "10.0.2.1")
	a.Route("fd00:9::9/128", "fd00:1::2", "fd00:2::2")
	left.Route("fd00:8::8/128", "fd00:1::1")
	right.Route("fd00:8::8/128", "fd00:2::1")
	// No router answers for a place that it knows no way to.
	left.Route("10.9.9.9/32", "10.0.3.2")
	right.Route("10.9.9.9/32", "10.0.4.2")
	left.Route("fd00:9::9/128", "fd00:3::2")
	right.Route("fd00:9::9/128", "fd00:4::2")
	for _, c := range []struct{ from, to, left, right string }{
		{"10.8.8.8", "10.9.9.9", "10.0.1.2", "10.0.2.2"},
		{"fd00:8::8", "fd00:9::9", "fd00:1::2", "fd00:2::2"},
	} {
		// traceroute changes its ports with every packet, so each is a flow.
		text := output(t, a, "traceroute", "-n", "-q", "10", "-m", "1", "-w", "1", "-s", c.from, c.to)
		for _, router := range []string{c.left, c.right} {
			if !regexp.MustCompile(regexp.QuoteMeta(router) + `\s`).MatchString(text) {
				t.Errorf("way to %s never leads through %s: %s", c.to, router, text)
			}
		}
	}
}

// TestRateLimitedRouter needs root and namespaces.
func TestRateLimitedRouter(t *testing.T) {
	requireProgram(t, "ping")
	network := lab.ForTest(t)
	a, b := network.Node("a"), network.Node("b")
	for i, limited := range []bool{true, false} {
		router := network.Node(fmt.Sprint("router", i))
		network.Link(a, router).Addresses(fmt.Sprintf("10.%d.1.1/24", i), fmt.Sprintf("10.%d.1.2/24", i))
		network.Link(router, b).Addresses(fmt.Sprintf("10.%d.2.1/24", i), fmt.Sprintf("10.%d.2.2/24", i))
		router.ForwardLimited()
		if !limited {
			router.Unlimited()
		}
		a.Route(fmt.Sprintf("10.%d.2.0/24", i), fmt.Sprintf("10.%d.1.2", i))
		const sent = 100
		text := output(t, a, "ping", "-n", "-c", strconv.Itoa(sent), "-i", "0.002", "-W", "0.2", "-t", "1", fmt.Sprintf("10.%d.2.2", i))
		answers := len(regexp.MustCompile("Time to live exceeded").FindAllString(text, -1))
		if limited && answers > sent/2 || !limited && answers != sent {
			t.Errorf("limited %v: %d answers to %d", limited, answers, sent)
		}
	}
}

// TestFinishedRuleCounts needs root and namespaces.
func TestFinishedRuleCounts(t *testing.T) {
	a, b, _ := pair(lab.ForTest(t))
	loss := b.Drop(lab.HookInput, "icmp type echo-request")
	if answered := received(t, a, "10.0.0.2", 3); answered != 0 {
		t.Errorf("%d were answered", answered)
	}
	if dropped, err := loss.Finish(); err != nil || dropped != 3 {
		t.Errorf("%d counted as dropped, error %v", dropped, err)
	}
	if answered := received(t, a, "10.0.0.2", 3); answered != 3 {
		t.Errorf("%d were answered without the rule", answered)
	}
}

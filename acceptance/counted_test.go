package acceptance_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// countedPings is how many echoes a burst has in these tests.
const countedPings = 20

// countedTime is how long they run.
func countedTime() time.Duration {
	if os.Getenv("NETSONDE_SLOW") == "1" {
		return time.Minute
	}
	return 10 * time.Second
}

// TestLossesAreCountedExactly has three entries for one host, beside another
// ping and two traceroutes of it, while a router drops a random number of the
// program's echo requests, which it knows by their length. What is reported as
// lost is what the router counted. It needs root and namespaces.
func TestLossesAreCountedExactly(t *testing.T) {
	requireTools(t, "nft", "ping", "traceroute")
	// Where there are no namespaces nothing need be built.
	lab.ForTest(t)
	binary := built.Program(t)
	four := []string{"10.77.1.1", "10.77.2.2", "10.77.3.2", "10.77.10.1"}
	six := []string{"fd77:1::1", "fd77:2::2", "fd77:3::2", "fd77:10::1"}
	for name, c := range map[string]counted{
		"raw sockets":  {hosts: []string{"web.test", "web.test", "10.77.10.1"}, path: four, payloads: []int{41}},
		"ping sockets": {hosts: []string{"web.test", "web.test", "10.77.10.1"}, path: four, payloads: []int{41}, nobody: true},
		"IPv6":         {hosts: []string{"six.test", "six.test", "fd77:10::1"}, path: six, payloads: []int{41}},
		// Two copies of the program in the same place, each with its own losses.
		"two copies": {hosts: []string{"web.test", "web.test", "10.77.10.1"}, path: four, payloads: []int{41, 77}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t, binary)
		})
	}
}

// counted is one such test.
type counted struct {
	// hosts are the names of the one host, path the way to its address.
	hosts, path []string
	// payloads has one size of echo for each copy of the program, none of
	// which ping or traceroute uses.
	payloads []int
	// nobody runs the program without rights, on ping sockets.
	nobody bool
}

// copyOfUs is a running copy and what the routers count of its echo requests.
type copyOfUs struct {
	*connmonitor
	drops      int
	sent, lost *lab.Filter
}

func (c counted) run(t *testing.T, binary string) {
	r := lab.NewReference(lab.ForTest(t))
	r.Client.PingGroups(0, 1<<31-1)
	var copies []copyOfUs
	for _, payload := range c.payloads {
		copies = append(copies, c.start(t, binary, r, payload))
	}
	others := startForeigners(t, r.Client, c.address())
	end := time.After(countedTime())
	for _, us := range copies {
		us.awaitDrops()
	}
	<-end
	for _, us := range copies {
		c.check(us)
	}
	others.stop()
}

func (c counted) address() string { return c.path[len(c.path)-1] }

// start starts a copy and the rules that count and drop its requests.
func (c counted) start(t *testing.T, binary string, r *lab.Reference, payload int) copyOfUs {
	t.Helper()
	length := 20 + 8 + payload
	match := fmt.Sprintf("ip daddr %s icmp type echo-request meta length %d", c.address(), length)
	if strings.Contains(c.address(), ":") {
		length += 20
		match = fmt.Sprintf("ip6 daddr %s icmpv6 type echo-request meta length %d", c.address(), length)
	}
	// A burst with a loss takes two seconds, so three entries lose about two
	// packets a second, and the drops go on for most of the time.
	const share = 50
	seconds := int(countedTime() / time.Second)
	us := copyOfUs{drops: seconds + rand.IntN(seconds)}
	us.sent = r.Router1.Filter(lab.HookPrerouting, match, "accept")
	us.lost = r.Router2.DropExactly(lab.HookForward, match, share, us.drops, length)
	us.connmonitor = startConnmonitor(t, binary, r.Client,
		fmt.Sprintf("1 1 0 %d %d 10 1 100\n%s\n", countedPings, payload, strings.Join(c.hosts, "\n")), c.nobody)
	return us
}

// awaitDrops waits until the router has dropped all that it shall.
func (us copyOfUs) awaitDrops() {
	us.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2*countedTime() + patience); count(us.t, us.lost) < us.drops; <-tick.C {
		if time.Now().After(deadline) {
			us.t.Fatalf("the router dropped %d packets, not %d: the program sends too few", count(us.t, us.lost), us.drops)
		}
	}
}

func count(t *testing.T, f *lab.Filter) int {
	t.Helper()
	n, err := f.Count()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// check ends a copy and compares what it has printed with the counters.
func (c counted) check(us copyOfUs) {
	us.t.Helper()
	blocks := us.stop()
	lost, told := 0, map[string]int{}
	for _, b := range blocks {
		told[b.Name]++
		if b.Address != c.address() || b.Ping == nil {
			us.t.Fatalf("a block is %+v", b)
		}
		exact := b.Ping.Loss / 100 * countedPings
		if math.Abs(exact-math.Round(exact)) > 1e-6 {
			us.t.Errorf("%s: a loss of %v %% of %d", b.Name, b.Ping.Loss, countedPings)
		}
		lost += int(math.Round(exact))
	}
	if truth := count(us.t, us.lost); lost != truth || truth != us.drops {
		us.t.Errorf("%d losses reported, the router dropped %d of %d", lost, truth, us.drops)
	}
	if sent := count(us.t, us.sent); sent != len(blocks)*countedPings {
		us.t.Errorf("%d blocks of %d echoes, the router saw %d", len(blocks), countedPings, sent)
	}
	if traces := checkTraces(us.t, blocks, c.path); traces < len(c.hosts) {
		us.t.Errorf("%d traces printed for %d entries", traces, len(c.hosts))
	}
	if twice, once := told[c.hosts[0]], told[c.hosts[2]]; once == 0 || twice <= once/2 || len(told) != 2 {
		us.t.Errorf("blocks by name: %v", told)
	}
	us.t.Logf("%d of %d echoes lost, %d blocks", lost, len(blocks)*countedPings, len(blocks))
}

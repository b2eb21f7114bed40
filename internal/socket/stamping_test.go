package socket_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// stampedKinds are the methods whose departures the kernel stamps.
func stampedKinds() map[string]socket.Kind {
	return map[string]socket.Kind{"raw": socket.KindRaw, "ping": socket.KindPing}
}

// checkStamps wants a stamp of the leaving and one of the arrival in order.
func checkStamps(t *testing.T, what string, p packet.Probe, r packet.Reply) {
	t.Helper()
	if r.Sequence != p.Sequence || r.Left < p.Sent.Real || r.Left > r.Stamp || r.Stamp > r.Read.Real {
		t.Errorf("%s: sequence %d sent at %d; %d left at %+d, came at %+d, read at %+d", what, p.Sequence, p.Sent.Real,
			r.Sequence, r.Left-p.Sent.Real, r.Stamp-p.Sent.Real, r.Read.Real-p.Sent.Real)
	}
}

// TestStampsSurviveFailedSends sends what cannot leave, for every reason that
// can be had, between what can: kernels that count messages count some of the
// failed ones. It needs root and namespaces.
func TestStampsSurviveFailedSends(t *testing.T) {
	requireTools(t, "nft")
	for name, kind := range stampedKinds() {
		for _, six := range []bool{false, true} {
			for _, counted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, IPv6 %v, counted %v", name, six, counted), func(t *testing.T) {
					n := newContractNetwork(t)
					c := openCounted(t, n.client, kind, counted)
					if stamps := c.Capabilities().Stamps; stamps != netsonde.StampsKernel {
						t.Fatalf("stamps %v", stamps)
					}
					n.failBetween(t, c, six)
				})
			}
		}
	}
}

// openCounted is openForTest for kernels before 6.13 as well.
func openCounted(t *testing.T, node *lab.Node, kind socket.Kind, counted bool) inNode {
	t.Helper()
	c := inNode{node: node}
	err := node.Do(func() (err error) {
		c.Connection, err = socket.Open(socket.Options{Kind: kind, Origin: time.Now()}.Counted(counted))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	forgetOpening(t, c)
	return c
}

// failBetween sends pairs of a probe that fails and one that does not.
func (n contractNetwork) failBetween(t *testing.T, c inNode, six bool) {
	t.Helper()
	forbidden, unreachable := netip.MustParseAddr("10.8.1.2"), netip.MustParseAddr("255.255.255.255")
	match := "ip daddr 10.8.1.2"
	if six {
		forbidden, unreachable = netip.MustParseAddr("fd08:1::2"), netip.MustParseAddr("fd08:3::1")
		match = "ip6 daddr fd08:1::2 icmpv6 type echo-request"
	}
	n.client.Drop(lab.HookOutput, match)
	for sequence := uint16(0); sequence < 40; sequence += 2 {
		failing, good := probeOf(c.Connection, far(six), sequence), probeOf(c.Connection, far(six), sequence+1)
		failing.Identity = good.Identity // one socket
		switch sequence / 2 % 4 {
		case 0:
			failing.Destination = forbidden
		case 1:
			failing.Destination = unreachable
		case 2:
			failing.Size = 1 << 16
		case 3:
			failing.Size, failing.DontFragment = 1501, true
		}
		probes := []packet.Probe{failing, good}
		replies := exchangeIn(t, c, probes)
		// On IPv6 the kernel tells nothing of what a firewall drops of ping sockets.
		untold := six && failing.Destination == forbidden
		if probes[0].Errno == 0 && !untold {
			t.Fatalf("%+v was sent", probes[0])
		}
		checkStamps(t, probes[0].Errno.Error(), probes[1], replies)
	}
}

// TestDeparturesOfMany has more probes in flight than one look at their stamps
// takes, and answers that come out of order.
func TestDeparturesOfMany(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for name, kind := range stampedKinds() {
		for _, counted := range []bool{false, true} {
			c, err := socket.Open(socket.Options{Kind: kind, Origin: time.Now()}.Counted(counted))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			probes := make([]packet.Probe, 200)
			for i := range probes {
				probes[i] = probeOf(c, []netip.Addr{localhost4, localhost6}[i%2], uint16(i))
				probes[i].Identity = c.Capabilities().ICMP[0]
			}
			for _, r := range exchange(t, c, probes, len(probes)) {
				checkStamps(t, fmt.Sprint(name, counted), probes[r.Sequence], r)
			}
		}
	}
}

// TestLostStampIsNoLoss leaves no room for stamps.
func TestLostStampIsNoLoss(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := open(t, socket.KindRaw)
	if err := c.ShrinkSenders(); err != nil {
		t.Fatal(err)
	}
	probes := make([]packet.Probe, 100)
	for i := range probes {
		probes[i] = probeOf(c, localhost4, uint16(i))
	}
	without := 0
	for _, r := range exchange(t, c, probes, len(probes)) {
		if r.Left == 0 {
			without++
			continue
		}
		checkStamps(t, "few", probes[r.Sequence], r)
	}
	if without == 0 || c.Overruns() != 0 {
		t.Errorf("%d have no stamp, %d overruns", without, c.Overruns())
	}
}

// TestStampsWakeNobodyForLong waits for an answer that never comes: the stamp
// of what left may end a wait of the kernel's once, and not again and again.
func TestStampsWakeNobodyForLong(t *testing.T) {
	for name, most := range map[string]int{"raw": 0, "ping": 2} {
		n := newContractNetwork(t)
		c := openForTest(t, n.client, kinds[name])
		before := c.Passes()
		if err := c.WriteBatch([]packet.Probe{probeOf(c.Connection, netip.MustParseAddr("10.8.9.1"), 1)}); err != nil {
			t.Fatal(err)
		}
		nothingMore(t, c.Connection)
		if passes := c.Passes() - before; passes > most {
			t.Errorf("%s: woken %d times for one stamp", name, passes)
		}
	}
}

// TestReceiveOnly leaves the stamps of departures out.
func TestReceiveOnly(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for name, kind := range stampedKinds() {
		c, err := socket.Open(socket.Options{Kind: kind, Origin: time.Now(), ReceiveOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p := probeOf(c, localhost4, 1)
		r := exchange(t, c, []packet.Probe{p}, 1)[0]
		if r.Left != 0 || r.Stamp == 0 || c.Capabilities().Stamps != netsonde.StampsKernelReceive {
			t.Errorf("%s: %+v, stamps %v", name, r, c.Capabilities().Stamps)
		}
	}
}

// TestUnreadErrorsKeepNothingBack fills the queue of what only sends with the
// errors of a host that nobody reaches, and goes on.
func TestUnreadErrorsKeepNothingBack(t *testing.T) {
	n := newContractNetwork(t)
	n.router.Sysctl("net.ipv4.icmp_ratelimit", "0")
	n.router.Reject(lab.HookForward, "ip daddr 10.8.9.1", "host-unreachable")
	c := openForTest(t, n.client, socket.KindRaw)
	for round := range uint16(10) {
		probes := make([]packet.Probe, 60)
		for i := range probes {
			probes[i] = probeOf(c.Connection, netip.MustParseAddr("10.8.9.1"), round*100+uint16(i))
		}
		probes[59].Destination = far(false)
		for _, r := range exchange(t, c.Connection, probes, len(probes)) {
			checkStamps(t, "error", probes[r.Sequence-round*100], r)
		}
		for _, p := range probes {
			if p.Errno != 0 && p.Errno != unix.EHOSTUNREACH {
				t.Errorf("errno %v", p.Errno)
			}
		}
	}
}

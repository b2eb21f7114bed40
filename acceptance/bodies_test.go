package acceptance_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

// network is a client and a host with two ways between them.
//
//	client ─ near ┬ upper ─ upper2 ┬ far ─ host
//	              └ lower ─ lower2 ┘
//
// It is simulated or the kernel's, and packets take the upper way at first.
type network interface {
	// connect opens a connection of the client, which ends with the test.
	connect(t *testing.T) agent.Connection
	// impair has the last link lose a share, 0 to 1, of the echo requests and
	// delay all packets each way.
	impair(loss float64, delay time.Duration)
	// lost is how many echo requests the last link has lost so far.
	lost() int
	// fork opens the upper way, the lower way, or both for each flow to take one.
	fork(upper, lower bool)
	// silence makes upper send no ICMP errors, or send them again.
	silence(silent bool)
	// limit makes near send six ICMP errors at once and then one a second,
	// which is what Linux does by default.
	limit()
}

// The addresses of both kinds of network. The host has all of 10.7.9.0/24.
var (
	nearRouter   = netip.MustParseAddr("10.7.0.1")
	upperRouter  = netip.MustParseAddr("10.7.1.2")
	lowerRouter  = netip.MustParseAddr("10.7.2.2")
	upperRouter2 = netip.MustParseAddr("10.7.3.2")
	lowerRouter2 = netip.MustParseAddr("10.7.4.2")
	farRouter    = netip.MustParseAddr("10.7.5.2")
	hosts        = netip.MustParsePrefix("10.7.9.0/24")
)

// hostAddress is the i-th address of the host, from 1.
func hostAddress(i byte) netip.Addr {
	address := hosts.Addr().As4()
	address[3] = i
	return netip.AddrFrom4(address)
}

// bodies are tests of a whole agent that any network must pass.
var bodies = []struct {
	name string
	run  func(*testing.T, network, netsonde.TraceProtocol)
}{
	{"losses counted", lossesCounted},
	{"delay measured", delayMeasured},
	{"route changed", routeChanged},
	{"hop silent", hopSilent},
	{"one flow", oneFlow},
	{"limited hop is no loss", limitedHopIsNoLoss},
}

// ping is a burst of echoes whose timeout no answer here comes near.
func ping(count int) netsonde.Probe {
	return netsonde.Probe{Kind: netsonde.KindPing, Timeout: 300 * time.Millisecond, Count: count, Size: 41}
}

func trace(protocol netsonde.TraceProtocol) netsonde.Probe {
	return netsonde.Probe{Kind: netsonde.KindTrace, Timeout: 300 * time.Millisecond, Hops: 10, Protocol: protocol}
}

// watched is a target whose probes run together again and again.
func watched(name string, host netip.Addr, probes ...netsonde.Probe) *netsonde.Target {
	for i := range probes {
		probes[i].ID = netsonde.NewProbeID(name, netsonde.Family4, probes[i])
	}
	return &netsonde.Target{
		Name: name, Host: host.String(), Family: netsonde.Family4,
		Groups: []netsonde.Group{{
			Name: "all", Cadence: netsonde.Cadence{Pause: 10 * time.Millisecond}, Probes: probes,
		}},
	}
}

// lossesCounted has one host three times, over a link that loses.
func lossesCounted(t *testing.T, n network, _ netsonde.TraceProtocol) {
	const count, rounds = 10, 20
	n.impair(0.05, 0)
	var targets []*netsonde.Target
	for i := range 3 {
		targets = append(targets, watched(fmt.Sprintf("host#%d", i+1), hostAddress(1), ping(count)))
	}
	m := startMonitor(t, n, targets...)
	for _, target := range targets {
		m.awaitRounds(target, rounds)
	}
	m.drain()
	outcomes := m.outcomes()
	reported, sent := outcomes[netsonde.OutcomeUnanswered], 0
	for _, times := range outcomes {
		sent += times
	}
	if truth := n.lost(); reported != truth || truth == 0 {
		t.Errorf("%d losses reported, the link lost %d", reported, truth)
	}
	if answered := outcomes[netsonde.OutcomeOK]; answered+reported != sent || sent < 3*rounds*count {
		t.Errorf("%d of %d answered, %d lost: %v", answered, sent, reported, outcomes)
	}
}

// delayMeasured waits for an RTT that is what the link makes it. Routers and
// threads of the kernel's network add their part, which is little once the
// machine has time; what the link adds can never be missing.
func delayMeasured(t *testing.T, n network, _ netsonde.TraceProtocol) {
	const excess = 2 * time.Millisecond
	for _, delay := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond} {
		n.impair(0, delay)
		target := watched(delay.String(), hostAddress(1), ping(10))
		m := startMonitor(t, n, target)
		m.await("an RTT of "+(2*delay).String(), func() bool {
			best := m.bestRTT()
			return best > 0 && best <= 2*delay+excess
		})
		m.drain()
		if best := m.bestRTT(); best < 2*delay {
			t.Errorf("best RTT %v, the link makes it %v", best, 2*delay)
		}
	}
}

// routeChanged goes the lower way for a while.
func routeChanged(t *testing.T, n network, protocol netsonde.TraceProtocol) {
	target := watched("host", hostAddress(1), trace(protocol))
	m := startMonitor(t, n, target)
	m.awaitRoutes(target, 3, upperRouter)
	n.fork(false, true)
	m.awaitRoutes(target, 3, lowerRouter)
	n.fork(true, false)
	m.awaitRoutes(target, 3, upperRouter)
	m.drain()
	m.checkRoutes(target)
	want := []netip.Addr{upperRouter, lowerRouter, upperRouter}
	if news := m.news(target); !slices.Equal(news, want) {
		t.Errorf("told the ways by %v, want %v", news, want)
	}
}

// hopSilent has a router that speaks only for a while: its first word is news,
// its silence is not.
func hopSilent(t *testing.T, n network, protocol netsonde.TraceProtocol) {
	n.silence(true)
	target := watched("host", hostAddress(1), trace(protocol))
	m := startMonitor(t, n, target)
	m.awaitRoutes(target, 3, netip.Addr{})
	n.silence(false)
	m.awaitRoutes(target, 3, upperRouter)
	n.silence(true)
	m.awaitRoutes(target, 3, netip.Addr{})
	m.drain()
	m.checkRoutes(target)
	want := []netip.Addr{{}, upperRouter}
	if news := m.news(target); !slices.Equal(news, want) {
		t.Errorf("told the ways by %v, want %v", news, want)
	}
}

// oneFlow traces many addresses over a fork: each takes one way for good.
func oneFlow(t *testing.T, n network, protocol netsonde.TraceProtocol) {
	n.fork(true, true)
	var targets []*netsonde.Target
	// That all of them take the same way by chance happens once in 2²³ times.
	for i := range byte(24) {
		host := hostAddress(i + 1)
		targets = append(targets, watched(host.String(), host, trace(protocol)))
	}
	m := startMonitor(t, n, targets...)
	for _, target := range targets {
		m.awaitRounds(target, 5)
	}
	m.drain()
	taken := map[netip.Addr]bool{}
	for _, target := range targets {
		m.checkRoutes(target)
		ways := map[netip.Addr]bool{}
		for _, route := range m.routes(target) {
			for _, hop := range route.Hops {
				// Whichever router of a way answers stands for the way.
				switch hop.Addr {
				case upperRouter, upperRouter2:
					ways[upperRouter] = true
				case lowerRouter, lowerRouter2:
					ways[lowerRouter] = true
				}
			}
		}
		if len(ways) != 1 {
			t.Errorf("%s: the ways by %v, want one", target.Host, ways)
		}
		maps.Copy(taken, ways)
	}
	if len(taken) != 2 {
		t.Errorf("all take the way by %v: the fork does not work", taken)
	}
}

// limitedHopIsNoLoss traces faster than the first router may answer, and pings
// at the same time.
func limitedHopIsNoLoss(t *testing.T, n network, protocol netsonde.TraceProtocol) {
	n.limit()
	target := watched("host", hostAddress(1), ping(5), trace(protocol))
	m := startMonitor(t, n, target)
	m.awaitRounds(target, 20)
	m.drain()
	for outcome, times := range m.outcomes() {
		if outcome != netsonde.OutcomeOK {
			t.Errorf("%d pings are %v", times, outcome)
		}
	}
	m.checkRoutes(target)
	silent := 0
	for _, route := range m.routes(target) {
		if route.Hops[0].Silent() {
			silent++
		}
	}
	if told := len(m.news(target)); silent == 0 || told != 1 {
		t.Errorf("the first hop was silent %d times, the route was told %d times, want once", silent, told)
	}
}

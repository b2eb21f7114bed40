package main

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"netsonde/internal/lab"
)

const (
	// echoesEach is how many are sent to one host by each of the two.
	echoesEach    = 200
	echoesSpacing = 5 * time.Millisecond
	// The load of 10,000 a second: hosts, how often each is asked, and when again.
	crowd      = 1000
	crowdCount = 20
	crowdEvery = 100 * time.Millisecond
	crowdRate  = 10_000
	// few hosts are what a monitor asks where one host is asked otherwise: as many
	// echoes a second.
	few = 20
)

// crowdFirst is the first of many hosts, which are one machine.
func crowdFirst() netip.Addr { return netip.MustParseAddr("10.95.0.1") }

// measuredTimes are the absolute errors of one program's RTTs in microseconds.
type measuredTimes struct{ half, most []float64 }

// add takes the errors of one run.
func (m *measuredTimes) add(errors []float64) {
	m.half = append(m.half, percentile(errors, 0.5))
	m.most = append(m.most, percentile(errors, 0.99))
}

// roundTrips compares what is told of an echo's time with a capture at the
// first router, where the client's packets come in and its answers leave.
func (b *bench) roundTrips() error {
	if !b.has("tcpdump") {
		return nil
	}
	return b.inNetwork(func(network *lab.Network) error {
		client, router, server := network.Node("client"), network.Node("router"), network.Node("server")
		network.Link(client, router).Addresses("10.93.0.1/24", "10.93.0.2/24")
		network.Link(router, server).Addresses("10.94.0.1/24", "10.94.0.2/24")
		router.Forward()
		server.Unlimited()
		server.Local("10.95.0.0/16")
		client.Route("10.94.0.0/15", "10.93.0.2")
		router.Route("10.95.0.0/16", "10.94.0.2")
		server.Route("10.93.0.0/24", "10.94.0.1")
		if err := network.Err(); err != nil {
			return err
		}
		target := netip.MustParseAddr("10.94.0.2")
		idle := b.oneTarget("idle: ", client, router, target)
		if idle != nil {
			return idle
		}
		release, err := b.occupy(runtime.NumCPU())
		if err != nil {
			return err
		}
		err = b.oneTarget("all cores busy: ", client, router, target)
		release()
		if err != nil {
			return err
		}
		return b.manyTargets(client, router)
	})
}

// oneTarget is one host, asked by us and by ping.
func (b *bench) oneTarget(name string, client, router *lab.Node, target netip.Addr) error {
	count := echoesEach
	if b.small {
		count = 20
	}
	var ours, monitor, theirs measuredTimes
	runs := []func() error{func() error {
		return b.compared(router, &ours, func() (map[netip.Addr][]float64, error) {
			return b.timesOurs(client, count, "-i", echoesSpacing.String(), "--rate", "max", target.String())
		})
	}, func() error {
		return b.compared(router, &monitor, func() (map[netip.Addr][]float64, error) {
			return b.timesMonitor(client, few, time.Duration(count)*echoesSpacing)
		})
	}}
	if b.has("ping") {
		runs = append(runs, func() error {
			return b.compared(router, &theirs, func() (map[netip.Addr][]float64, error) {
				return b.timesPing(client, target, count)
			})
		})
	}
	err := b.inTurns(runs...)
	b.timeFigures(name, &ours, "ping", &theirs)
	b.timeFigures(name+"run, ", &monitor, "", nil)
	return err
}

// timeFigures tells of the errors of ours beside those of a peer, if there is one.
func (b *bench) timeFigures(name string, ours *measuredTimes, peer string, theirs *measuredTimes) {
	half := figure{row: b.row.name, name: name + "error p50, µs", ours: ours.half, peer: peer, goal: atMost(18)}
	most := figure{row: b.row.name, name: name + "error p99, µs", ours: ours.most, peer: peer, goal: atMost(40)}
	if theirs != nil {
		half.theirs, most.theirs = theirs.half, theirs.most
	}
	b.table.figure(half)
	b.table.figure(most)
}

// manyTargets is 10,000 echoes a second, by us and by fping.
func (b *bench) manyTargets(client, router *lab.Node) error {
	hosts, count := crowd, crowdCount
	if b.small {
		hosts, count = 20, 3
	}
	file, err := b.writeHosts("crowd", crowdFirst(), hosts)
	if err != nil {
		return err
	}
	var ours, monitor, theirs measuredTimes
	runs := []func() error{func() error {
		return b.compared(router, &ours, func() (map[netip.Addr][]float64, error) {
			return b.timesOurs(client, count, "-i", crowdEvery.String(), "--rate", strconv.Itoa(crowdRate), "@"+file)
		})
	}, func() error {
		return b.compared(router, &monitor, func() (map[netip.Addr][]float64, error) {
			return b.timesMonitor(client, hosts, time.Duration(count)*crowdEvery)
		})
	}}
	if b.has("fping") {
		runs = append(runs, func() error {
			return b.compared(router, &theirs, func() (map[netip.Addr][]float64, error) {
				return b.timesFping(client, file, count)
			})
		})
	}
	err = b.inTurns(runs...)
	b.timeFigures("10,000/s: ", &ours, "fping", &theirs)
	b.timeFigures("10,000/s: run, ", &monitor, "", nil)
	return err
}

// compared measures while the router captures, and adds the errors.
func (b *bench) compared(router *lab.Node, into *measuredTimes, measure func() (map[netip.Addr][]float64, error)) error {
	c, err := b.startCapture(router, "client")
	if err != nil {
		return err
	}
	told, err := measure()
	kept, broken := c.end()
	if err != nil {
		return err
	}
	if broken != nil {
		return broken
	}
	var errors []float64
	apart := 0
	for destination, times := range told {
		found := kept.errors(destination, times)
		apart += len(times) - len(found)
		errors = append(errors, found...)
	}
	if apart > 0 {
		b.table.remark(b.row.name, "some echoes are in no figure: they were not sent, had no answer or could not be told apart in the capture")
	}
	if len(errors) > 0 {
		into.add(errors)
	}
	return nil
}

// errors are those of the RTTs that were told of a host, in microseconds. The
// order tells which echo is which: all were sent, or those with an RTT were.
func (e *echoes) errors(destination netip.Addr, told []float64) (errors []float64) {
	order := e.order[destination]
	if len(order) != len(told) {
		told = slices.DeleteFunc(slices.Clone(told), math.IsNaN)
	}
	if len(order) != len(told) {
		return nil
	}
	for i, milliseconds := range told {
		if wire, both := e.roundTrip(order[i]); both && !math.IsNaN(milliseconds) {
			errors = append(errors, math.Abs(milliseconds*1e3-float64(wire.Nanoseconds())/1e3))
		}
	}
	return errors
}

// timesOurs are the RTTs in milliseconds that netsonde tells of each host, in
// the order of the echoes; NaN is none.
func (b *bench) timesOurs(client *lab.Node, count int, arguments ...string) (map[netip.Addr][]float64, error) {
	f, err := b.finish(client, b.binary, append([]string{"ping", "--json", "-c", strconv.Itoa(count)}, arguments...)...)
	if err != nil {
		return nil, err
	}
	results, err := readResults(f)
	if err != nil {
		return nil, err
	}
	told := map[netip.Addr][]float64{}
	lost := losses{}
	for _, r := range results {
		for outcome, n := range r.Lost {
			lost[outcome] += n
		}
		for _, rtt := range r.RTTs {
			if rtt == nil {
				told[r.Addr] = append(told[r.Addr], math.NaN())
				continue
			}
			told[r.Addr] = append(told[r.Addr], *rtt)
		}
	}
	switch {
	case lost.theirs() > 0:
		b.table.fault(b.row.name, "netsonde told %v; nothing was lost", lost)
	case lost.ours() > 0:
		b.table.remark(b.row.name, "netsonde could not measure some echoes, by its own account: %s", strings.Join(slices.Sorted(maps.Keys(lost)), ", "))
	}
	return told, nil
}

// timesMonitor are those that netsonde run writes of hosts that it asks for a
// while.
func (b *bench) timesMonitor(client *lab.Node, hosts int, span time.Duration) (map[netip.Addr][]float64, error) {
	m, err := b.startMonitor(client, crowdFirst(), hosts, crowdEvery)
	if err != nil {
		return nil, err
	}
	defer m.close()
	// The monitor needs a moment to start.
	if err := m.end(b.wait(span+b.settled/2, m.ended)); err != nil {
		return nil, err
	}
	told, lost, err := readTimes(m.output)
	if err == nil && lost.theirs() > 0 {
		b.table.fault(b.row.name, "netsonde told %v; nothing was lost", lost)
	}
	return told, err
}

// timesPing are those that ping tells of one host.
func (b *bench) timesPing(client *lab.Node, target netip.Addr, count int) (map[netip.Addr][]float64, error) {
	f, err := b.finish(client, "ping", "-n", "-c", strconv.Itoa(count), "-i", fmt.Sprint(echoesSpacing.Seconds()), target.String())
	if err != nil {
		return nil, err
	}
	return map[netip.Addr][]float64{target: pingTimes(f.output, count)}, nil
}

// pingTimes reads ping's lines, which count from 1.
func pingTimes(text []byte, count int) []float64 {
	times := make([]float64, count)
	for i := range times {
		times[i] = math.NaN()
	}
	for _, found := range regexp.MustCompile(`icmp_seq=(\d+) .*time=([\d.]+) ms`).FindAllSubmatch(text, -1) {
		sequence, err := strconv.Atoi(string(found[1]))
		if err != nil || sequence < 1 || sequence > count {
			continue
		}
		if milliseconds, err := strconv.ParseFloat(string(found[2]), 64); err == nil {
			times[sequence-1] = milliseconds
		}
	}
	return times
}

func (b *bench) timesFping(client *lab.Node, file string, count int) (map[netip.Addr][]float64, error) {
	f, err := b.finish(client, "fping", "-C", strconv.Itoa(count), "-p", fmt.Sprint(crowdEvery.Milliseconds()), "-i", "0.09", "-q", "-f", file)
	if err != nil {
		return nil, err
	}
	return fpingTimes(f.errors), nil
}

// fpingTimes reads what fping -C -q tells: "address : 0.041 - 0.039".
func fpingTimes(text []byte) map[netip.Addr][]float64 {
	told := map[netip.Addr][]float64{}
	for line := range strings.Lines(string(text)) {
		host, list, found := strings.Cut(line, " : ")
		addr, err := netip.ParseAddr(strings.TrimSpace(host))
		if !found || err != nil {
			continue
		}
		for _, word := range strings.Fields(list) {
			milliseconds, err := strconv.ParseFloat(word, 64)
			if err != nil {
				milliseconds = math.NaN()
			}
			told[addr] = append(told[addr], milliseconds)
		}
	}
	return told
}

package main

import (
	"fmt"
	"net/netip"
	"slices"

	"netsonde/internal/lab"
)

const (
	// destinations are behind the chain.
	destinations = 1000
	// loopDestinations are how many of them a peer is called for that traces
	// one at a time.
	loopDestinations = 20
)

// traced is what came out of traces by one program.
type traced struct{ wall, cpu, rate []float64 }

// add counts a call that did so many traces.
func (t *traced) add(f *finished, traces int) {
	t.wall = append(t.wall, f.milliseconds())
	t.cpu = append(t.cpu, f.cpuEach(traces)/1000)
	t.rate = append(t.rate, float64(traces)/f.seconds())
}

// traceOne is one trace from the start of the process to its end.
func (b *bench) traceOne() error {
	return b.inNetwork(func(network *lab.Network) error {
		client, target := chain(network)
		if err := network.Err(); err != nil {
			return err
		}
		var ours traced
		runs := []func() error{func() error { return b.traceOurs(client, []netip.Addr{target}, &ours) }}
		peers := []struct {
			name      string
			arguments []string
			traced
		}{
			{name: "traceroute -I", arguments: []string{"traceroute", "-I", "-n"}},
			// By default mtr waits five seconds for the silent hop.
			{name: "mtr -c 1 -i 0.1 -G 0.1", arguments: []string{"mtr", "-n", "-r", "-c", "1", "-i", "0.1", "-G", "0.1"}},
		}
		for i := range peers {
			peer := &peers[i]
			if b.has(peer.arguments[0]) {
				runs = append(runs, func() error {
					return b.tracePath(client, target, &peer.traced, peer.name, append(peer.arguments, target.String())...)
				})
			}
		}
		err := b.inManyTurns(runs...)
		for i := range peers {
			b.table.figure(figure{row: b.row.name, name: "start to end, ms", ours: ours.wall, peer: peers[i].name, theirs: peers[i].wall, goal: atMost(15)})
		}
		return err
	})
}

// traceOurs traces all destinations at once. Each path must be the chain.
func (b *bench) traceOurs(client *lab.Node, to []netip.Addr, into *traced) error {
	expressions := make([]string, 0, len(to))
	for _, addr := range to {
		expressions = append(expressions, addr.String())
	}
	f, err := b.finish(client, b.binary, append([]string{"trace", "--icmp", "--json", "--rate", "max"}, expressions...)...)
	if err != nil {
		return err
	}
	results, err := readResults(f)
	if err != nil {
		return err
	}
	into.add(f, len(to))
	if len(results) != len(to) {
		b.table.fault(b.row.name, "netsonde told %d of %d paths", len(results), len(to))
	}
	differ, shown := 0, ""
	for _, r := range results {
		var hops []netip.Addr
		for _, hop := range r.Hops {
			hops = append(hops, hop.Addr)
		}
		if !r.Reached || !slices.Equal(hops, chainHops(r.Addr)) {
			differ++
			shown = fmt.Sprint(hops)
		}
	}
	if differ > 0 {
		b.table.fault(b.row.name, "netsonde told %d of %d paths that are not the network's, such as %s", differ, len(to), shown)
	}
	return nil
}

// tracePath calls a peer that traces one path and prints it.
func (b *bench) tracePath(client *lab.Node, to netip.Addr, into *traced, name string, call ...string) error {
	f, err := b.finish(client, call[0], call[1:]...)
	if err != nil {
		return err
	}
	into.add(f, 1)
	if hops := hopLines(f.output); !slices.Equal(hops, chainHops(to)) {
		b.table.remark(b.row.name, "%s told another path than the network's: %v", name, hops)
	}
	return nil
}

// traceMany is the tool for a whole network, beside one that does the same and
// one that must be called for each.
func (b *bench) traceMany() error {
	return b.inNetwork(func(network *lab.Network) error {
		client, _ := chain(network)
		if err := network.Err(); err != nil {
			return err
		}
		count, looped := destinations, loopDestinations
		if b.small {
			count, looped = loopDestinations, 2
		}
		to := slices.Collect(addresses(netip.MustParsePrefix(behindChain).Addr(), count))
		file, err := b.writeHosts("destinations", to[0], count)
		if err != nil {
			return err
		}
		var ours, nmap, loop traced
		runs := []func() error{func() error { return b.traceOurs(client, to, &ours) }}
		if !b.small && b.has("nmap") {
			runs = append(runs, func() error { return b.traceNmap(client, file, count, &nmap) })
		}
		if b.has("traceroute") {
			runs = append(runs, func() error { return b.traceLoop(client, to[:looped], &loop) })
		}
		err = b.inTurns(runs...)
		b.table.figure(figure{row: b.row.name, name: "traces a second", ours: ours.rate, peer: "nmap --traceroute", theirs: nmap.rate, goal: atLeast(2000)})
		b.table.figure(figure{row: b.row.name, name: "CPU a trace, ms", ours: ours.cpu, peer: "nmap --traceroute", theirs: nmap.cpu, goal: atMost(0.5)})
		b.table.figure(figure{row: b.row.name, name: "traces a second", ours: ours.rate, peer: "traceroute -I in a loop", theirs: loop.rate})
		b.table.figure(figure{row: b.row.name, name: "CPU a trace, ms", ours: ours.cpu, peer: "traceroute -I in a loop", theirs: loop.cpu})
		return err
	})
}

func (b *bench) traceNmap(client *lab.Node, file string, count int, into *traced) error {
	f, err := b.finish(client, "nmap", "-sn", "-n", "-PE", "--traceroute", "-oX", "-", "-iL", file)
	if err != nil {
		return err
	}
	paths, err := nmapPaths(f.output)
	if err != nil {
		return err
	}
	into.add(f, count)
	differ := count - len(paths)
	for destination, path := range paths {
		for i, hop := range chainHops(destination) {
			// nmap leaves out who was silent.
			if path[i+1] != hop {
				differ++
				break
			}
		}
	}
	if differ > 0 {
		b.table.remark(b.row.name, "nmap told %d of %d paths otherwise than the network's", differ, count)
	}
	return nil
}

func (b *bench) traceLoop(client *lab.Node, to []netip.Addr, into *traced) error {
	script := "for host; do traceroute -I -n $host; done"
	arguments := []string{"-c", script, "sh"}
	for _, addr := range to {
		arguments = append(arguments, addr.String())
	}
	f, err := b.finish(client, "sh", arguments...)
	if err == nil {
		into.add(f, len(to))
	}
	return err
}

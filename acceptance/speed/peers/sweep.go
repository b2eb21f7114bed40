package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"netsonde/internal/lab"
)

// inNetwork builds a network for f and takes it away afterwards.
func (b *bench) inNetwork(f func(*lab.Network) error) error {
	network, err := lab.New()
	if err != nil {
		return err
	}
	err = f(network)
	if broken := network.Close(); broken != nil {
		return fmt.Errorf("the network: %w", broken)
	}
	return err
}

// prefix is what a sweep asks: all of it, or a small part.
func (b *bench) prefix(whole string) netip.Prefix {
	p := netip.MustParsePrefix(whole)
	if b.small {
		return netip.PrefixFrom(p.Addr(), 24)
	}
	return p
}

// hostsOf counts the hosts of a prefix, without its first and last address.
func hostsOf(p netip.Prefix) int { return 1<<(32-p.Bits()) - 2 }

// swept is one of the two in a comparison of sweeps.
type swept struct{ rate, cpu, memory []float64 }

func (s *swept) add(f *finished, hosts int) {
	s.rate = append(s.rate, float64(hosts)/f.seconds()/1000)
	s.cpu = append(s.cpu, f.cpuEach(hosts))
	s.memory = append(s.memory, f.peak/1e6)
}

// sweepOurs asks every host of a prefix once. All must be told as up.
func (b *bench) sweepOurs(node *lab.Node, p netip.Prefix, into *swept) error {
	f, err := b.finish(node, b.binary, "ping", "-c", "1", "-q", "--json", "--rate", "max", p.String())
	if err != nil {
		return err
	}
	s, err := readSummary(f)
	if err != nil {
		return err
	}
	into.add(f, hostsOf(p))
	b.judgeSweep(s, p)
	return nil
}

func (b *bench) judgeSweep(s *summary, p netip.Prefix) {
	if s.Targets != hostsOf(p) || s.Lost.theirs() > 0 || s.Received+s.Lost.ours() != s.Targets {
		b.table.fault(b.row.name, "netsonde told %d of the %d hosts of %v as up, and as lost %v; all are up", s.Reachable, hostsOf(p), p, s.Lost)
	}
	if s.Lost.ours() > 0 {
		b.table.remark(b.row.name, "netsonde could not measure %d of the %d hosts of %v, by its own account: %v", s.Lost.ours(), hostsOf(p), p, s.Lost)
	}
}

// sweepFping is the same by fping. Where it gives up it tells why.
func (b *bench) sweepFping(node *lab.Node, p netip.Prefix, into *swept) error {
	f, err := b.finish(node, "fping", "-i", "0.001", "-r0", "-q", "-s", "-g", p.String())
	if err != nil {
		return err
	}
	alive, err := fpingAlive(f.errors)
	if err != nil {
		b.table.remark(b.row.name, "fping stops at %v: %v", p, err)
		return nil
	}
	into.add(f, hostsOf(p))
	if alive != hostsOf(p) {
		b.table.remark(b.row.name, "fping told %d of the %d hosts of %v as up", alive, hostsOf(p), p)
	}
	return nil
}

// sweep is the tool on loopback: the kernel's answer is in the processor time
// of both.
func (b *bench) sweep() error {
	return b.inNetwork(func(network *lab.Network) error {
		node, p := network.Node("client"), b.prefix("127.0.0.0/16")
		var ours, theirs swept
		runs := []func() error{func() error { return b.sweepOurs(node, p, &ours) }}
		if b.has("fping") {
			runs = append(runs, func() error { return b.sweepFping(node, p, &theirs) })
		}
		err := b.inManyTurns(runs...)
		b.sweepFigures("", &ours, &theirs, ratioAtLeast(1.5), ratioAtMost(0.68))
		return err
	})
}

func (b *bench) sweepFigures(what string, ours, theirs *swept, rate, cpu goal) {
	b.table.figure(figure{row: b.row.name, name: what + "rate, 1,000/s", ours: ours.rate, peer: "fping", theirs: theirs.rate, goal: rate})
	b.table.figure(figure{row: b.row.name, name: what + "CPU a probe, µs", ours: ours.cpu, peer: "fping", theirs: theirs.cpu, goal: cpu})
}

// sweepLarge needs memory for what is under way only, not for every target.
func (b *bench) sweepLarge() error {
	return b.inNetwork(func(network *lab.Network) error {
		node := network.Node("client")
		for _, whole := range []string{"127.0.0.0/14", "127.0.0.0/12"} {
			p := b.prefix(whole)
			var ours, theirs swept
			runs := []func() error{func() error { return b.sweepOurs(node, p, &ours) }}
			if b.has("fping") {
				runs = append(runs, func() error { return b.sweepFping(node, p, &theirs) })
			}
			if err := b.inTurns(runs...); err != nil {
				return err
			}
			name := fmt.Sprintf("%s: ", p)
			b.sweepFigures(name, &ours, &theirs, goal{}, goal{})
			perTarget := func(megabytes []float64) (each []float64) {
				for _, m := range megabytes {
					each = append(each, m*1e6/float64(hostsOf(p)))
				}
				return each
			}
			b.table.figure(figure{row: b.row.name, name: name + "peak memory of the process, B a target",
				ours: perTarget(ours.memory), peer: "fping", theirs: perTarget(theirs.memory), goal: atMost(200)})
		}
		return nil
	})
}

// sweepLink leaves through a veth into a namespace that owns the whole /16,
// without an entry for each neighbour.
func (b *bench) sweepLink() error {
	return b.inNetwork(func(network *lab.Network) error {
		client, server := network.Node("client"), network.Node("server")
		network.Link(client, server).Addresses("10.89.0.1/24", "10.89.0.2/24")
		server.Local("10.90.0.0/16")
		client.Route("10.90.0.0/16", "10.89.0.2")
		client.Unlimited()
		server.Unlimited()
		if err := network.Err(); err != nil {
			return err
		}
		p := b.prefix("10.90.0.0/16")
		var ours, theirs, stateless swept
		runs := []func() error{func() error { return b.sweepOurs(client, p, &ours) }}
		if b.has("fping") {
			runs = append(runs, func() error { return b.sweepFping(client, p, &theirs) })
		}
		if !b.small && b.has("zmap") {
			runs = append(runs, func() error { return b.sweepZmap(client, server, p, &stateless) })
		}
		if err := b.inManyTurns(runs...); err != nil {
			return err
		}
		b.sweepFigures("", &ours, &theirs, ratioAtLeast(1.25), goal{})
		b.table.figure(figure{row: b.row.name, name: "rate, 1,000/s", ours: ours.rate, peer: "zmap (keeps no state, tells no RTT)", theirs: stateless.rate})
		b.table.figure(figure{row: b.row.name, name: "CPU a probe, µs", ours: ours.cpu, peer: "zmap", theirs: stateless.cpu})
		return b.sameUp(client, server, p)
	})
}

// sweepZmap has zmap send as fast as it can. It waits at least a whole second
// for answers afterwards, so its rate is that of its sending alone.
func (b *bench) sweepZmap(client, server *lab.Node, p netip.Prefix, into *swept) error {
	gateway, err := hardwareAddress(server, "client")
	if err != nil {
		return err
	}
	f, err := b.finish(client, "zmap", "-M", "icmp_echoscan", "-i", "server", "-G", gateway, "-S", "10.89.0.1",
		"-b", "/dev/null", "-B", "10G", "-c", "1", "--disable-syslog", "-o", "-", p.String())
	if err != nil {
		return err
	}
	received := strings.Count(string(f.output), "\n")
	if received == 0 {
		b.table.remark(b.row.name, "zmap told nobody as up: %s", strings.TrimSpace(string(f.errors)))
		return nil
	}
	if sent := hostsOf(p) + 2; received != sent {
		b.table.remark(b.row.name, "zmap told %d of %d addresses as up", received, sent)
	}
	rate, err := zmapRate(f.errors)
	if err != nil {
		return err
	}
	into.rate = append(into.rate, rate/1000)
	into.cpu = append(into.cpu, f.cpuEach(hostsOf(p)+2))
	return nil
}

// sameUp has a part of the network fall silent: both must tell the same hosts
// as up.
func (b *bench) sameUp(client, server *lab.Node, p netip.Prefix) error {
	dark := netip.PrefixFrom(p.Addr(), 28)
	filter := server.Drop(lab.HookInput, "ip daddr "+dark.String())
	defer filter.Remove()
	f, err := b.finish(client, b.binary, "ping", "-c", "1", "-t", "500ms", "--json", "--rate", "max", p.String())
	if err != nil {
		return err
	}
	results, err := readResults(f)
	if err != nil {
		return err
	}
	var ours []string
	for _, r := range results {
		if r.Received > 0 {
			ours = append(ours, r.Addr.String())
		}
	}
	slices.Sort(ours)
	var want []string
	for addr := p.Addr().Next(); p.Contains(addr.Next()); addr = addr.Next() {
		if !dark.Contains(addr) {
			want = append(want, addr.String())
		}
	}
	slices.Sort(want)
	if !slices.Equal(ours, want) {
		b.table.fault(b.row.name, "with %v silent netsonde told %d hosts as up instead of %d", dark, len(ours), len(want))
	}
	if !b.has("fping") {
		return nil
	}
	f, err = b.finish(client, "fping", "-i", "0.001", "-r0", "-a", "-q", "-g", p.String())
	if err != nil {
		return err
	}
	if theirs := strings.Fields(string(f.output)); !slices.Equal(slices.Sorted(slices.Values(theirs)), ours) {
		b.table.fault(b.row.name, "with %v silent fping told %d hosts as up, netsonde %d", dark, len(theirs), len(ours))
	}
	return nil
}

// writeHosts writes addresses from first on, one a line, and returns the file.
func (b *bench) writeHosts(name string, first netip.Addr, count int) (string, error) {
	var text strings.Builder
	for addr := range addresses(first, count) {
		fmt.Fprintln(&text, addr)
	}
	path := filepath.Join(b.directory, name)
	return path, writeFile(path, text.String())
}

package main

import (
	"crypto/tls"
	"maps"
	"net/netip"
	"strings"

	"netsonde/internal/lab"
)

const (
	scannedHosts  = 1000
	servedNetwork = "10.92.0.0/22"
	// closedPart refuses connections to its TLS port, so that not all answers
	// are the same.
	closedPart = "10.92.1.0/24"
)

// served builds a network with servers on the ports 80, 443 and 3306 of a
// thousand hosts, and returns the client, a file of the hosts and what is open.
func (b *bench) served(network *lab.Network) (client *lab.Node, file string, open map[string]bool, err error) {
	client, server := network.Node("client"), network.Node("server")
	network.Link(client, server).Addresses("10.91.0.1/24", "10.91.0.2/24")
	server.Local(servedNetwork)
	client.Route(servedNetwork, "10.91.0.2")
	secure, err := lab.TLS("web.test", tls.VersionTLS13, lab.HTTP("200 OK"))
	if err != nil {
		return nil, "", nil, err
	}
	server.Serve("0.0.0.0:80", lab.HTTP("200 OK", "Server: bench"))
	server.Serve("0.0.0.0:443", secure)
	server.Serve("0.0.0.0:3306", lab.MySQL("8.4.0"))
	server.Filter(lab.HookInput, "ip daddr "+closedPart+" tcp dport 443", "reject with tcp reset")
	if err := network.Err(); err != nil {
		return nil, "", nil, err
	}
	count := scannedHosts
	if b.small {
		count = 20
	}
	first := netip.MustParsePrefix(servedNetwork).Addr()
	file, err = b.writeHosts("hosts", first, count)
	open = map[string]bool{}
	closed := netip.MustParsePrefix(closedPart)
	for addr := range addresses(first, count) {
		for _, port := range []string{"80", "443", "3306"} {
			if port != "443" || !closed.Contains(addr) {
				open[addr.String()+":"+port] = true
			}
		}
	}
	return client, file, open, err
}

// scanOurs tells which ports netsonde finds open.
func (b *bench) scanOurs(client *lab.Node, file string, want map[string]bool, into *traced, flags ...string) error {
	arguments := append([]string{"scan", "--json", "--rate", "max", "--ports", "80,443,3306"}, flags...)
	f, err := b.finish(client, b.binary, append(arguments, "@"+file)...)
	if err != nil {
		return err
	}
	results, err := readResults(f)
	if err != nil {
		return err
	}
	open, states := map[string]bool{}, map[string]int{}
	for _, r := range results {
		for port, found := range r.Ports {
			states[found.State]++
			if found.State == "open" {
				open[r.Addr.String()+":"+port] = true
			}
		}
	}
	into.add(f, len(results))
	if !maps.Equal(open, want) {
		b.table.fault(b.row.name, "netsonde scan %s found %d ports open instead of %d, of %d hosts: %v",
			strings.Join(flags, " "), len(open), len(want), len(results), states)
	}
	return nil
}

func (b *bench) scanNmap(client *lab.Node, file string, want map[string]bool, into *traced, flags ...string) error {
	arguments := append([]string{"-sT", "-n", "-Pn", "-p", "80,443,3306", "-oG", "-", "-iL", file}, flags...)
	f, err := b.finish(client, "nmap", arguments...)
	if err != nil {
		return err
	}
	into.add(f, scannedHosts)
	if open := nmapOpen(f.output); !maps.Equal(open, want) {
		b.table.remark(b.row.name, "nmap %s found %d ports open instead of %d", strings.Join(arguments, " "), len(open), len(want))
	}
	return nil
}

// inSeconds turns milliseconds into seconds.
func inSeconds(milliseconds []float64) (seconds []float64) {
	for _, m := range milliseconds {
		seconds = append(seconds, m/1000)
	}
	return seconds
}

// ports only tells whether ports are open.
func (b *bench) ports() error {
	return b.inNetwork(func(network *lab.Network) error {
		client, file, open, err := b.served(network)
		if err != nil {
			return err
		}
		var ours, theirs traced
		runs := []func() error{func() error { return b.scanOurs(client, file, open, &ours, "--open") }}
		if b.has("nmap") {
			runs = append(runs, func() error { return b.scanNmap(client, file, open, &theirs) })
		}
		err = b.inTurns(runs...)
		b.table.figure(figure{row: b.row.name, name: "start to end, s", ours: inSeconds(ours.wall), peer: "nmap -sT", theirs: inSeconds(theirs.wall), goal: ratioAtMost(0.8)})
		b.table.figure(figure{row: b.row.name, name: "CPU a host, ms", ours: ours.cpu, peer: "nmap -sT", theirs: theirs.cpu})
		return err
	})
}

// services speaks to each port. What does the same takes minutes, and is
// measured once and only when asked for.
func (b *bench) services() error {
	return b.inNetwork(func(network *lab.Network) error {
		client, file, open, err := b.served(network)
		if err != nil {
			return err
		}
		var ours, theirs traced
		if err := b.inTurns(func() error { return b.scanOurs(client, file, open, &ours) }); err != nil {
			return err
		}
		if b.slow && b.has("nmap") {
			if err := b.scanNmap(client, file, open, &theirs, "-sV"); err != nil {
				return err
			}
		} else {
			b.table.remark(b.row.name, "nmap -sV takes minutes and was not measured: ask for it with -slow")
		}
		b.table.remark(b.row.name, "zgrab2 is no Debian package and was not measured")
		b.table.figure(figure{row: b.row.name, name: "start to end, s", ours: inSeconds(ours.wall), peer: "nmap -sV", theirs: inSeconds(theirs.wall), goal: atMost(1.5)})
		b.table.figure(figure{row: b.row.name, name: "CPU a host, ms", ours: ours.cpu, peer: "nmap -sV", theirs: theirs.cpu})
		return nil
	})
}

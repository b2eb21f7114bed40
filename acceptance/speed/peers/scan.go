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

// served is a network with servers on the ports 80, 443 and 3306 of each host.
type served struct {
	client *lab.Node
	// file lists the hosts.
	file  string
	hosts int
	// open are the ports that are, as "address:port".
	open map[string]bool
}

func (b *bench) serve(network *lab.Network) (*served, error) {
	client, server := network.Node("client"), network.Node("server")
	network.Link(client, server).Addresses("10.91.0.1/24", "10.91.0.2/24")
	server.Local(servedNetwork)
	client.Route(servedNetwork, "10.91.0.2")
	secure, err := lab.TLS("web.test", tls.VersionTLS13, lab.HTTP("200 OK"))
	if err != nil {
		return nil, err
	}
	server.Serve("0.0.0.0:80", lab.HTTP("200 OK", "Server: bench"))
	server.Serve("0.0.0.0:443", secure)
	server.Serve("0.0.0.0:3306", lab.MySQL("8.4.0"))
	server.Filter(lab.HookInput, "ip daddr "+closedPart+" tcp dport 443", "reject with tcp reset")
	if err := network.Err(); err != nil {
		return nil, err
	}
	s := &served{client: client, hosts: scannedHosts, open: map[string]bool{}}
	if b.small {
		s.hosts = 20
	}
	first := netip.MustParsePrefix(servedNetwork).Addr()
	closed := netip.MustParsePrefix(closedPart)
	for addr := range addresses(first, s.hosts) {
		for _, port := range []string{"80", "443", "3306"} {
			if port != "443" || !closed.Contains(addr) {
				s.open[addr.String()+":"+port] = true
			}
		}
	}
	s.file, err = b.writeHosts("hosts", first, s.hosts)
	return s, err
}

// scanOurs tells which ports netsonde finds open.
func (b *bench) scanOurs(s *served, into *traced, flags ...string) error {
	arguments := append([]string{"scan", "--json", "--rate", "max", "--ports", "80,443,3306"}, flags...)
	f, err := b.finish(s.client, b.binary, append(arguments, "@"+s.file)...)
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
	into.add(f, s.hosts)
	if !maps.Equal(open, s.open) || len(results) != s.hosts {
		b.table.fault(b.row.name, "netsonde scan %s found %d ports open instead of %d, of %d hosts: %v",
			strings.Join(flags, " "), len(open), len(s.open), len(results), states)
	}
	return nil
}

func (b *bench) scanNmap(s *served, into *traced, flags ...string) error {
	arguments := append([]string{"-sT", "-n", "-Pn", "-p", "80,443,3306", "-oG", "-", "-iL", s.file}, flags...)
	f, err := b.finish(s.client, "nmap", arguments...)
	if err != nil {
		return err
	}
	into.add(f, s.hosts)
	if open := nmapOpen(f.output); !maps.Equal(open, s.open) {
		b.table.remark(b.row.name, "nmap %s found %d ports open instead of %d", strings.Join(flags, " "), len(open), len(s.open))
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
		s, err := b.serve(network)
		if err != nil {
			return err
		}
		var ours, theirs traced
		runs := []func() error{func() error { return b.scanOurs(s, &ours, "--open") }}
		if b.has("nmap") {
			runs = append(runs, func() error { return b.scanNmap(s, &theirs) })
		}
		err = b.inManyTurns(runs...)
		b.table.figure(figure{row: b.row.name, name: "start to end, s", ours: inSeconds(ours.wall), peer: "nmap -sT", theirs: inSeconds(theirs.wall), goal: ratioAtMost(0.8)})
		b.table.figure(figure{row: b.row.name, name: "CPU a host, ms", ours: ours.cpu, peer: "nmap -sT", theirs: theirs.cpu})
		return err
	})
}

// services speaks to each port. What does the same takes minutes, and is
// measured once and only when asked for.
func (b *bench) services() error {
	return b.inNetwork(func(network *lab.Network) error {
		s, err := b.serve(network)
		if err != nil {
			return err
		}
		var ours, theirs traced
		if err := b.inTurns(func() error { return b.scanOurs(s, &ours) }); err != nil {
			return err
		}
		if b.slow && b.has("nmap") {
			if err := b.scanNmap(s, &theirs, "-sV"); err != nil {
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

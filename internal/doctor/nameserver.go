package doctor

import (
	"context"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// serverPatience bounds the wait for a name server, in which it is asked twice.
	serverPatience = time.Second
	// maxServers is how many name servers the system's resolver looks at (MAXNS
	// in resolv.conf(5)).
	maxServers = 3
	// questionID names our question in its answer.
	questionID = 0x6e73
)

const resolverFile = "etc/resolv.conf"

// tryServers asks the name servers of the resolver's file, and where none
// answers those that might be there.
func (g *gatherer) tryServers(ctx context.Context) {
	r := &g.facts.Resolver
	if target, err := fs.ReadLink(g.root, resolverFile); err == nil {
		r.Link = target
	}
	named := parseServers(g.read(resolverFile))
	answered := false
	for i, answers := range askAll(ctx, named) {
		r.Servers = append(r.Servers, NameServer{Addr: named[i], Answered: answers})
		answered = answered || answers
	}
	if answered {
		return
	}
	others := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 53}), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	for _, gateway := range g.facts.Gateways {
		if gateway.Addr.IsValid() && !gateway.Addr.IsLinkLocalUnicast() {
			others = append(others, gateway.Addr)
		}
	}
	others = slices.DeleteFunc(others, func(address netip.Addr) bool { return slices.Contains(named, address) })
	for i, answers := range askAll(ctx, others) {
		if answers {
			r.Others = append(r.Others, others[i])
		}
	}
}

// parseServers returns the name servers of a resolv.conf(5), as the system's
// resolver takes them: those that stand behind systemd's own are not asked.
func parseServers(text string) (servers []netip.Addr) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" || len(servers) == maxServers {
			continue
		}
		if address, err := netip.ParseAddr(fields[1]); err == nil && !slices.Contains(servers, address) {
			servers = append(servers, address)
		}
	}
	return servers
}

// askAll asks all servers at once and tells which have answered.
func askAll(ctx context.Context, servers []netip.Addr) []bool {
	answered := make([]bool, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() { answered[i] = ask(ctx, server) })
	}
	all.Wait()
	return answered
}

// ask asks a name server for those of the root. Any answer will do, a refusal
// as well: the server is there.
func ask(ctx context.Context, server netip.Addr) bool {
	question := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: questionID, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeNS, Class: dnsmessage.ClassINET}},
	}
	packed, err := question.Pack()
	if err != nil {
		return false
	}
	var dialler net.Dialer
	connection, err := dialler.DialContext(ctx, "udp", netip.AddrPortFrom(server, 53).String())
	if err != nil {
		return false
	}
	defer connection.Close()
	const tries = 2
	for range tries {
		if err := connection.SetDeadline(time.Now().Add(serverPatience / tries)); err != nil {
			return false
		}
		if _, err := connection.Write(packed); err != nil {
			continue // the refusal of the question before
		}
		var answer [4096]byte
		n, err := connection.Read(answer[:])
		if err != nil {
			continue
		}
		var parser dnsmessage.Parser
		if header, err := parser.Start(answer[:n]); err == nil && header.Response && header.ID == questionID {
			return true
		}
	}
	return false
}

package config

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"

	"netsonde"
)

// literal is the address that a host is typed as, invalid for a name. Names
// are told by their look, since a million refusals to parse would take time.
func literal(host string) netip.Addr {
	if host == "" || !strings.ContainsRune(host, ':') && (host[len(host)-1] < '0' || host[len(host)-1] > '9') {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr
}

// isLoopback reports whether packets to a host stay on this machine; addr is
// invalid for a name (RFC 6761, section 6.3).
func isLoopback(host string, addr netip.Addr) bool {
	if addr.IsValid() {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(host, ".")
	return len(host) >= len("localhost") && strings.EqualFold(host[len(host)-len("localhost"):], "localhost") &&
		(len(host) == len("localhost") || host[len(host)-len("localhost")-1] == '.')
}

// destinationLoad is what an address is sent, and the first target that has it.
type destinationLoad struct {
	high, low uint64
	sent      float64
	target    int
}

// loads collects what destinations are sent. Addresses are sorted, since they
// mostly come in order and their networks lie together.
type loads struct {
	addresses []destinationLoad
	names     map[uint64]destinationLoad
	seed      maphash.Seed
}

func newLoads() *loads { return &loads{names: map[uint64]destinationLoad{}, seed: maphash.MakeSeed()} }

func (l *loads) add(target int, host string, addr netip.Addr, sent float64) {
	if !addr.IsValid() {
		hash := maphash.String(l.seed, strings.ToLower(strings.TrimSuffix(host, ".")))
		known, ok := l.names[hash]
		if !ok {
			known.target = target
		}
		known.sent += sent
		l.names[hash] = known
		return
	}
	bytes := addr.Unmap().As16()
	l.addresses = append(l.addresses, destinationLoad{
		high: binary.BigEndian.Uint64(bytes[:8]), low: binary.BigEndian.Uint64(bytes[8:]), sent: sent, target: target,
	})
}

// busiest returns what is sent the most: of equals an address before a name,
// and the first of the plan.
func (l *loads) busiest(plan *netsonde.Plan) (destination, network Busiest) {
	slices.SortFunc(l.addresses, func(a, b destinationLoad) int {
		return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low), cmp.Compare(a.target, b.target))
	})
	address, found := heaviest(l.addresses, func(a, b destinationLoad) bool { return a.high == b.high && a.low == b.low })
	if found {
		destination = Busiest{To: plan.Targets[address.target].Host, PacketsSent: address.sent}
		sum, _ := heaviest(l.addresses, sameNetwork)
		network.PacketsSent = sum.sent
		addr := literal(plan.Targets[sum.target].Host).Unmap()
		if prefix, err := addr.WithZone("").Prefix(networkLength(addr)); err == nil {
			network.To = prefix.String()
		}
	}
	name, named := destinationLoad{target: len(plan.Targets)}, false
	for _, l := range l.names {
		if !named || l.sent > name.sent || l.sent == name.sent && l.target < name.target {
			name, named = l, true
		}
	}
	if named && (!found || name.sent > destination.PacketsSent) {
		destination = Busiest{To: plan.Targets[name.target].Host, PacketsSent: name.sent}
	}
	return destination, network
}

// sameNetwork reports whether two addresses share a /24 or /48.
func sameNetwork(a, b destinationLoad) bool {
	if isMapped(a) != isMapped(b) {
		return false
	}
	if isMapped(a) {
		return a.low>>8 == b.low>>8
	}
	return a.high>>16 == b.high>>16
}

// isMapped reports whether the key is an IPv4 address, which is held as an
// IPv6 one (RFC 4291, section 2.5.5.2).
func isMapped(l destinationLoad) bool { return l.high == 0 && l.low>>32 == 0xffff }

// networkLength is the prefix of the network that an address falls under.
func networkLength(addr netip.Addr) int {
	if addr.Is4() {
		return 24
	}
	return 48
}

// heaviest sums neighbours that are the same and returns the greatest sum,
// with its first target; false when there are none.
func heaviest(sorted []destinationLoad, same func(a, b destinationLoad) bool) (greatest destinationLoad, ok bool) {
	for i := 0; i < len(sorted); {
		sum := sorted[i]
		for i++; i < len(sorted) && same(sum, sorted[i]); i++ {
			sum.sent += sorted[i].sent
			sum.target = min(sum.target, sorted[i].target)
		}
		if !ok || sum.sent > greatest.sent || sum.sent == greatest.sent && sum.target < greatest.target {
			greatest, ok = sum, true
		}
	}
	return greatest, ok
}

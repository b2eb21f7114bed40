package agent

import (
	"net/netip"

	"netsonde"
)

// lookupNetwork is the family as net.Resolver names it.
func lookupNetwork(family netsonde.Family) string {
	switch family {
	case netsonde.Family4:
		return "ip4"
	case netsonde.Family6:
		return "ip6"
	default:
		return "ip"
	}
}

// choose picks the address that a target uses, invalid if none fits. The
// current address stays as long as it is among those that the choice could
// have fallen on: servers that deal out their addresses in turn are no change.
func choose(family netsonde.Family, addresses []netip.Addr, current netip.Addr) netip.Addr {
	if family == netsonde.FamilyPrefer4 {
		if address := choose(netsonde.Family4, addresses, current); address.IsValid() {
			return address
		}
		return choose(netsonde.Family6, addresses, current)
	}
	var first netip.Addr
	for _, address := range addresses {
		address = address.Unmap()
		switch {
		case !address.IsValid(),
			family == netsonde.Family4 && !address.Is4(),
			family == netsonde.Family6 && !address.Is6():
			continue
		case address == current:
			return current
		case !first.IsValid():
			first = address
		}
	}
	return first
}

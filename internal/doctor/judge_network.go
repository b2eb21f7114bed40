package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ipv6 tells whether there is that family.
func (j *judge) ipv6() {
	const why = "half of the Internet's names have such an address"
	switch {
	case !j.facts.IPv6.Present:
		j.note("ipv6", "the kernel runs without it", why, "", "")
	case j.facts.IPv6.Disabled:
		fix, persistent := j.sysctl("net.ipv6.conf.all.disable_ipv6", "0")
		j.gap("ipv6", "switched off: net.ipv6.conf.all.disable_ipv6 is 1", why, fix, persistent)
	case !slices.ContainsFunc(j.facts.Links, global6):
		j.note("ipv6", "no interface has a global address", "IPv6 targets can be reached only on this link", "", "")
	default:
		j.ok("ipv6", "there are global addresses", why)
	}
}

// global6 reports whether a link has an IPv6 address that others can answer to.
func global6(link Link) bool {
	return slices.ContainsFunc(link.Prefixes, func(prefix netip.Prefix) bool {
		address := prefix.Addr()
		return address.Is6() && !address.IsLinkLocalUnicast() && !address.IsLoopback()
	})
}

// links tells of interfaces that have an address and cannot be used.
func (j *judge) links() {
	for i := range j.facts.Links {
		link := &j.facts.Links[i]
		if link.Loopback || len(link.Prefixes) == 0 {
			continue
		}
		switch {
		case !link.Up:
			addresses := make([]string, len(link.Prefixes))
			for n, prefix := range link.Prefixes {
				addresses[n] = prefix.String()
			}
			j.raise("link", link.Name, fmt.Sprintf("%s has %s, but is down", link.Name, strings.Join(addresses, ", ")),
				"nothing passes it, and it may have lost its routes (see gateway afterwards)")
		case !link.Carrier:
			j.note("link", link.Name+" is up, but has no carrier: no cable, or its other end is down", "nothing passes it", "", "")
		}
	}
}

// raise tells of an interface that is down.
func (j *judge) raise(check, device, found, why string) {
	if !j.has("ip") {
		j.note(check, found+"; the program ip, of the package iproute2, would raise it", why, "", "")
		return
	}
	j.gap(check, found, why, j.asRoot(j.program("ip")+" link set "+quote(device)+" up"), "")
}

// isolated reports whether there is no interface to anywhere.
func (j *judge) isolated() bool { return !slices.ContainsFunc(j.facts.Links, leads) }

// leads reports whether packets can leave by a link.
func leads(link Link) bool { return link.Up && link.Carrier && !link.Loopback }

// isolation says why there is no way to anywhere.
func (j *judge) isolation() string {
	unusable := func(link Link) bool { return !link.Loopback && len(link.Prefixes) > 0 }
	if slices.ContainsFunc(j.facts.Links, unusable) {
		return "no interface can be used (see link)"
	}
	return "no interface that is up leads anywhere: a network namespace without links, or no cable"
}

package hosts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// zoneLimit is the longest name of an interface (IFNAMSIZ without its NUL).
const zoneLimit = 15

// checkAddress refuses addresses that mean something else than they look like.
func checkAddress(addr netip.Addr) error {
	zone := addr.Zone()
	switch {
	case addr.Is4In6():
		return fmt.Errorf("is an IPv4 address in IPv6 form (RFC 4291, section 2.5.5.2): write %s", addr.Unmap())
	case len(zone) > zoneLimit || strings.ContainsAny(zone, ":%[]"):
		return fmt.Errorf("has the zone %q, which is no interface's name: write as in fe80::1%%eth0; ranges and prefixes have no zone", zone)
	default:
		return nil
	}
}

// parsePrefix reads a network in CIDR notation (RFC 4632, RFC 4291). Host bits
// are ignored. Left out are the addresses that are nobody's: network and
// broadcast of IPv4 networks that have them (not RFC 3021's /31), and the
// subnet-router anycast address of IPv6 (RFC 4291, section 2.6.1; not RFC
// 6164's /127).
func parsePrefix(expression string) (Set, error) {
	host, length, _ := strings.Cut(expression, "/")
	if scheme, rest, url := strings.Cut(expression, "://"); url {
		host, _, _ = strings.Cut(rest, "/")
		return Set{}, fmt.Errorf("is an address of the web: write only the host, %q, and ask for %s by a probe of that kind", host, scheme)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return Set{}, errors.New("has a \"/\" but no address before it: write as in 10.0.0.0/24")
	}
	if addr.Zone() != "" {
		return Set{}, fmt.Errorf("has a zone: write %s/%s, or single addresses with their zone", addr.WithZone(""), length)
	}
	if err := checkAddress(addr); err != nil {
		return Set{}, err
	}
	prefix, err := netip.ParsePrefix(expression)
	if err != nil {
		return Set{}, fmt.Errorf("has %q for a prefix length: write a number from 0 to %d, as in %s/%d", length, addr.BitLen(), addr, addr.BitLen()*3/4)
	}
	first, last := prefix.Masked().Addr(), lastOf(prefix)
	switch free := addr.BitLen() - prefix.Bits(); {
	case free < 2:
	case addr.Is4():
		first, last = first.Next(), last.Prev()
	default:
		first = first.Next()
	}
	return Set{first: first, last: last}, nil
}

// lastOf is the address of a prefix whose host bits are all set.
func lastOf(prefix netip.Prefix) netip.Addr {
	addr := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(addr)*8; bit++ {
		addr[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(addr)
	return last
}

// parseRange reads the rest of a range behind its "-": an address, or the last
// number of an IPv4 address.
func parseRange(first netip.Addr, rest string) (Set, error) {
	last, err := netip.ParseAddr(rest)
	if err != nil && first.Is4() {
		if number, failed := strconv.ParseUint(rest, 10, 8); failed == nil {
			octets := first.As4()
			octets[3] = byte(number)
			last, err = netip.AddrFrom4(octets), nil
		}
	}
	if err != nil {
		example := "10.0.0.1-10.0.0.50 or 10.0.0.1-50"
		if first.Is6() {
			example = "2001:db8::1-2001:db8::ff"
		}
		return Set{}, fmt.Errorf("has %q for the end of a range: write an address, as in %s", rest, example)
	}
	if err := errors.Join(checkAddress(first), checkAddress(last)); err != nil {
		return Set{}, err
	}
	switch {
	case last.Zone() != "":
		return Set{}, errors.New("is a range with a zone: write single addresses with their zone")
	case first.Is4() != last.Is4():
		return Set{}, errors.New("begins in IPv4 and ends in IPv6, or the other way round: write both ends in one of them")
	case last.Less(first):
		return Set{}, fmt.Errorf("counts down: write %s-%s", last, first)
	}
	return Set{first: first, last: last}, nil
}

// halves are the upper and lower 64 bits of an address.
func halves(addr netip.Addr) [2]uint64 {
	b := addr.As16()
	return [2]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

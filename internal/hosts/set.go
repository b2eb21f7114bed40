// Package hosts reads host expressions, in which the tools and the native
// configuration are told whom to probe:
//
//	web.example              a name
//	192.0.2.1, fe80::1%eth0  an address
//	10.0.0.0/24              a prefix; network and broadcast address are left out
//	10.0.0.1-10.0.0.50       a range of addresses, also 10.0.0.1-50
//	web[01-20].example       numbers in a name or an IPv4 address
//
// An expression of a few bytes may stand for more hosts than there are atoms in
// a cup of tea: a set is never spread out in memory, and callers look at its
// count before they go through it.
package hosts

import (
	"iter"
	"math"
	"math/bits"
	"net/netip"
)

// Set is the hosts that one expression stands for, in the order in which they
// count up. It is small and never changes. The zero value is empty.
type Set struct {
	// text is a single host as typed.
	text string
	// first and last bound a run of addresses, both within. Of a single address
	// they are the same; of names they are not valid.
	first, last netip.Addr
	pattern     *pattern
}

// Count is the number of hosts; more than 2⁶⁴−1 count as that many.
func (s Set) Count() uint64 {
	switch {
	case s.pattern != nil:
		return s.pattern.count()
	case s.first.IsValid():
		return distance(s.first, s.last)
	case s.text != "":
		return 1
	default:
		return 0
	}
}

// Literal reports whether all hosts are addresses, so that nothing need be
// looked up.
func (s Set) Literal() bool {
	if s.pattern != nil {
		return s.pattern.literal
	}
	return s.first.IsValid()
}

// All goes through the hosts: names and single addresses as typed, the
// addresses of prefixes and ranges in their canonical form (RFC 5952).
func (s Set) All() iter.Seq[string] {
	switch {
	case s.pattern != nil:
		return s.pattern.all()
	case s.text != "":
		return func(yield func(string) bool) { yield(s.text) }
	default:
		return func(yield func(string) bool) {
			var buffer [len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]byte
			for addr := range s.Addresses() {
				if !yield(string(addr.AppendTo(buffer[:0]))) {
					return
				}
			}
		}
	}
}

// Addresses goes through the hosts of a literal set, zones kept. Of other sets
// it yields nothing.
func (s Set) Addresses() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		switch {
		case !s.Literal():
		case s.pattern != nil:
			for text := range s.pattern.all() {
				// Every text of a literal pattern is an address.
				if addr, err := netip.ParseAddr(text); err != nil || !yield(addr) {
					return
				}
			}
		default:
			for addr := s.first; yield(addr) && addr != s.last; {
				addr = addr.Next()
			}
		}
	}
}

// distance is the number of addresses from first to last, both counted, at
// most 2⁶⁴−1.
func distance(first, last netip.Addr) uint64 {
	low, high := halves(first), halves(last)
	lower, borrow := bits.Sub64(high[1], low[1], 0)
	upper, _ := bits.Sub64(high[0], low[0], borrow)
	if upper != 0 || lower == math.MaxUint64 {
		return math.MaxUint64
	}
	return lower + 1
}

package pmonitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"netsonde"
)

// Pinger sends echoes. Ping may be called by several goroutines at a time.
type Pinger interface {
	// Ping sends one echo and waits for what becomes of it, which the sample
	// tells: an answer in time has netsonde.OutcomeOK. The error is for when
	// nothing can be sent any more, or ctx has ended.
	Ping(ctx context.Context, echo Echo) (netsonde.Sample, error)
}

// Echo is one ping.
type Echo struct {
	// Source is this machine's address to send from.
	Source netip.Addr
	Target netip.Addr
	// Timeout is how long an answer is waited for.
	Timeout time.Duration
}

// maxHostName is the most characters of a host name (RFC 1035, section 2.3.4).
const maxHostName = 253

// resolve finds the address to ping for what a row calls one: itself, or that
// of a host name, of the source's family.
func resolve(ctx context.Context, address string, source netip.Addr) (netip.Addr, error) {
	if literal, err := netip.ParseAddr(address); err == nil {
		return literal, nil
	}
	if !isHostName(address) {
		return netip.Addr{}, fmt.Errorf("%q is neither an IP address nor a host name", address)
	}
	network := "ip4"
	if source.Is6() && !source.Is4In6() {
		network = "ip6"
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, network, address)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(found) == 0 {
		return netip.Addr{}, errors.New("the name has no address")
	}
	return found[0].Unmap(), nil
}

// isHostName reports whether s can be the name of a host (RFC 1123, section
// 2.1; underscores are in use). What comes from a database must not be taken
// for an option or a path by anyone.
func isHostName(s string) bool {
	if s == "" || len(s) > maxHostName {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			letter := 'a' <= c|0x20 && c|0x20 <= 'z'
			digit := '0' <= c && c <= '9'
			if !letter && !digit && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

package netsonde

import (
	"net/netip"
	"syscall"
	"time"
)

// Hop is one step of a trace. A silent hop has no valid address.
type Hop struct {
	TTL  uint8
	Addr netip.Addr
	RTT  time.Duration
	// Stamps says what the RTT was made of.
	Stamps Stamps
}

// Silent reports whether nobody answered for the hop.
func (h Hop) Silent() bool { return !h.Addr.IsValid() }

// RouteEnd says why a trace stopped.
type RouteEnd uint8

// The ends of a trace.
const (
	// RouteExhausted tried every TTL that it might.
	RouteExhausted RouteEnd = iota
	// RouteReached was answered by the target.
	RouteReached
	// RouteUnreachable was stopped by an ICMP error from the way.
	RouteUnreachable
	// RouteSilent met a run of silent hops.
	RouteSilent
	// RouteSendFailed could not send; Route.Errno says why.
	RouteSendFailed
	// RouteUnsupported was not tried, since no socket of ours can trace.
	RouteUnsupported
	// RouteUnresolved had no address to go to.
	RouteUnresolved
)

// Route is one trace: hop i has TTL i + 1.
type Route struct {
	Probe   ProbeID
	Round   uint64
	Started Instant
	// Flow is Probe.Flow.
	Flow uint8
	Hops []Hop
	End  RouteEnd
	// Changed is set when the route is news: the first, or not what the memory held.
	Changed bool
	// Protocol is what the probes really were.
	Protocol TraceProtocol
	Errno    syscall.Errno
}

// RouteMemory is what is known of a path from its traces so far, merged. The
// zero value knows nothing.
type RouteMemory struct {
	known []netip.Addr
	told  bool
}

// Learn merges a trace into the memory and reports whether it is news: the
// first trace ever, one whose length differs once silent hops at the end are
// cut, one where a known hop has another address, or one where a silent hop
// becomes known for the first time. A hop that falls silent is not news and
// stays known. RTTs do not count.
func (m *RouteMemory) Learn(hops []Hop) (news bool) {
	end := len(hops)
	for end > 0 && hops[end-1].Silent() {
		end--
	}
	hops = hops[:end]
	news = !m.told || len(hops) != len(m.known)
	m.told = true
	for i := 0; !news && i < len(hops); i++ {
		if hops[i].Silent() || hops[i].Addr == m.known[i] {
			continue
		}
		if m.known[i].IsValid() {
			news = true
		}
	}
	if news {
		m.known = m.known[:0]
		for _, hop := range hops {
			m.known = append(m.known, hop.Addr)
		}
		return true
	}
	for i, hop := range hops {
		if !hop.Silent() && !m.known[i].IsValid() {
			m.known[i] = hop.Addr
			news = true
		}
	}
	return news
}

// Length is the number of hops up to the last known one, 0 when nothing is known.
func (m *RouteMemory) Length() int { return len(m.known) }

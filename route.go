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
	// Labels are the MPLS labels that the probe had when it came to the hop, as
	// the hop tells, "" when it tells none.
	Labels LabelStack
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
	// Was is what the memory held before a route that is news, an invalid
	// address for each hop that had never answered; nil for the first route. It
	// is not to be changed.
	Was []netip.Addr
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
// stays known. RTTs and labels do not count. was is what a trace that is news
// was compared with, as Route.Was has it.
func (m *RouteMemory) Learn(hops []Hop) (was []netip.Addr, news bool) {
	end := len(hops)
	for end > 0 && hops[end-1].Silent() {
		end--
	}
	hops = hops[:end]
	// It agrees when no hop contradicts the memory, and adds when one is new to it.
	agrees, adds := m.told && len(hops) == len(m.known), false
	for i := 0; agrees && i < len(hops); i++ {
		known := m.known[i]
		agrees = hops[i].Silent() || !known.IsValid() || hops[i].Addr == known
		adds = adds || !hops[i].Silent() && !known.IsValid()
	}
	if agrees && !adds {
		return nil, false
	}
	// What is handed out is never written to again.
	was, m.known = m.known, make([]netip.Addr, len(hops))
	for i, hop := range hops {
		m.known[i] = hop.Addr
		if agrees && hop.Silent() {
			m.known[i] = was[i]
		}
	}
	if m.told && was == nil {
		was = []netip.Addr{}
	}
	m.told = true
	return was, true
}

// Length is the number of hops up to the last known one, 0 when nothing is known.
func (m *RouteMemory) Length() int { return len(m.known) }

// At is who answers for the TTL, from 1 on, an invalid address when that is
// not known.
func (m *RouteMemory) At(ttl int) netip.Addr {
	if ttl < 1 || ttl > len(m.known) {
		return netip.Addr{}
	}
	return m.known[ttl-1]
}

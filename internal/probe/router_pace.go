package probe

import (
	"net/netip"
	"time"

	"netsonde"
)

// router is the bucket that a packet of a trace takes its token from: that of
// the router which the memory has at its TTL, else one for all packets with
// that TTL, since the first hops of all ways are the same. ok is false where
// the packet is expected to reach the target.
func (m *measurement) router(ttl int) (key netip.Prefix, ok bool) {
	if m.reached > 0 && ttl >= m.reached {
		return netip.Prefix{}, false
	}
	if known := m.memory.At(ttl); known.IsValid() {
		return host(known), true
	}
	// No router has an address of 0.0.0.0/8 (RFC 1122, section 3.2.1.3).
	return host(netip.AddrFrom4([4]byte{3: byte(ttl)})), true
}

// limited reports whether the rate of routers holds for a trace. It does not
// where rounds follow one another: the pings of the next round would wait, and
// files with such rounds have no budget. What does not leave this machine has
// no router.
func (m *measurement) limited(e *Engine) bool {
	if e.pacer == nil || e.pacer.routers.rate.interval == 0 {
		return false
	}
	g := m.group
	if !g.target.passing() && g.every() == 0 || plainAddr(g.addr).IsLoopback() {
		return false
	}
	return e.options.Exempt == nil || !e.options.Exempt(g.addr)
}

// awaitRouter has the trace stand in the line of a router that its next packet
// may not run out at yet, and reports whether it does.
func (m *measurement) awaitRouter(e *Engine, now netsonde.Instant, ttl int) bool {
	if !m.trace.limited {
		return false
	}
	key, ok := m.router(ttl)
	if !ok {
		return false
	}
	b := e.pacer.routers.kept[key]
	if b == nil {
		return false
	}
	of, before := e.pacer.routers.rate, b.waiting
	if m.trace.hadTurn == ttl {
		before = 0
	}
	if b.opens(of, now.Monotonic, before) <= now.Monotonic {
		return false
	}
	m.trace.hadTurn = ttl
	e.hold(m, b, of, now.Monotonic)
	return true
}

// leaveForRouter takes a router's token for a packet that leaves.
func (m *measurement) leaveForRouter(e *Engine, now netsonde.Instant, ttl int) {
	if !m.trace.limited {
		return
	}
	if key, ok := m.router(ttl); ok {
		e.pacer.routers.take(now.Monotonic, key)
	}
}

// hold has a measurement wait at the end of a bucket's line.
func (e *Engine) hold(m *measurement, line *bucket, of rate, now time.Duration) {
	m.queued, m.line = true, line
	e.holds.set(&timer{measured: m}, line.opens(of, now, line.waiting))
	line.waiting++
}

//go:build !race

// The race detector allocates for what it watches.

package socket_test

import (
	"net/netip"
	"testing"

	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	setting(t, "ipv4/icmp_ratelimit", "0")
	setting(t, "ipv6/icmp/ratelimit", "0")
	setting(t, "ipv4/icmp_msgs_per_sec", "100000")
	setting(t, "ipv4/icmp_msgs_burst", "100000")
	for name, kind := range kinds {
		for _, to := range []netip.Addr{localhost4, localhost6} {
			v := &volley{connection: open(t, kind)}
			v.fly(t, to)
			if n := testing.AllocsPerRun(50, func() { v.exchange(t) }); n != 0 {
				t.Errorf("%s to %s: %v allocations a batch", name, to, n)
			}
		}
	}
	v := &volley{connection: open(t, socket.KindRaw)}
	for i := range v.probes {
		v.probes[i] = packet.Probe{
			Protocol: packet.UDP, Destination: localhost4, Identity: v.connection.Capabilities().UDP[0],
			Sequence: uint16(i + 1), Port: 33500,
		}
	}
	v.exchange(t)
	if n := testing.AllocsPerRun(50, func() { v.exchange(t) }); n != 0 {
		t.Errorf("UDP: %v allocations a batch", n)
	}
}

package socket

import (
	"testing"

	"netsonde/internal/packet"
)

func TestDeparturesAreKept(t *testing.T) {
	d := newDepartures(packet.Capabilities{ICMP: []uint16{7, 8}, UDP: []uint16{7}})
	add := func(protocol packet.Protocol, identity, sequence uint16, stamp int64) {
		d.add(protocol, probeNumber(identity, sequence), stamp)
	}
	find := func(protocol packet.Protocol, identity, sequence uint16, want int64) {
		t.Helper()
		if got := d.find(protocol, identity, sequence); got != want {
			t.Errorf("protocol %d, identity %d, sequence %d: %d, want %d", protocol, identity, sequence, got, want)
		}
	}
	find(packet.Echo, 7, 0, 0)
	add(packet.Echo, 7, 0, 10)
	add(packet.Echo, 8, 0, 20)
	add(packet.UDP, 7, 0, 30)
	add(packet.Echo, 9, 0, 40) // nobody's
	add(packet.Echo, 7, 0xffff, 50)
	find(packet.Echo, 7, 0, 10)
	find(packet.Echo, 8, 0, 20)
	find(packet.UDP, 7, 0, 30)
	find(packet.Echo, 9, 0, 0)
	find(packet.Echo, 7, 0xffff, 50)
	find(packet.Echo, 7, departureWindow, 0)
	add(packet.Echo, 7, 0, 60)
	find(packet.Echo, 7, 0, 60)
	add(packet.Echo, 7, departureWindow, 70)
	find(packet.Echo, 7, departureWindow, 70)
	find(packet.Echo, 7, 0, 0)
}

func TestCountedDepartures(t *testing.T) {
	d := &datagram{fd: -1, stamping: stamping{stamped: true, counted: make([]uint32, countedDepartures)}}
	d.next = ^uint32(0) - 1 // the count wraps
	probes := []*packet.Probe{{Identity: 1, Sequence: 5}, {Identity: 2, Sequence: 6}, {Identity: 1, Sequence: 7}}
	d.departed(probes, true)
	if d.next != 1 || d.unread != 3 {
		t.Errorf("next is %d, %d unread", d.next, d.unread)
	}
	for i, p := range probes {
		if got, ok := d.numbered(^uint32(0) - 1 + uint32(i)); !ok || got != probeNumber(p.Identity, p.Sequence) {
			t.Errorf("message %d is %#x, %v", i, got, ok)
		}
	}
	for _, never := range []uint32{1, 2, 1 << 31, d.next - countedDepartures - 1} {
		if got, ok := d.numbered(never); ok {
			t.Errorf("message %d, which never left, is %#x", never, got)
		}
	}
	// The socket is none, so that the count cannot begin anew: no stamps then.
	d.departed(probes[:1], false)
	if d.stamped {
		t.Error("the count is unknown and is believed")
	}
	if d.numbers() {
		t.Error("messages bear numbers on a kernel that refuses them")
	}
}

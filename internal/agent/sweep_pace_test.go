package agent

import (
	"net/netip"
	"testing"
	"time"
)

func TestPaceForgetsNetworksThatRested(t *testing.T) {
	p := newPace(0, 100)
	now := time.Duration(0)
	for i := range 100_000 {
		to := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})
		if at := p.ready(now, to); at != now {
			t.Fatalf("a network that was left alone has to wait until %v", at)
		}
		p.charge(now, to, 1)
		now += 10 * time.Millisecond
	}
	if len(p.networks) > mostNetworks {
		t.Errorf("%d networks are remembered", len(p.networks))
	}
}

func TestPaceCountsNetworksByFamily(t *testing.T) {
	p := newPace(0, 10)
	a, b := netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("2001:db8:1:ffff::1")
	other := netip.MustParseAddr("2001:db8:2::1")
	for range 20 {
		p.charge(0, a, 1)
	}
	if p.ready(0, b) == 0 {
		t.Error("two addresses of one /48 are charged apart")
	}
	if p.ready(0, other) != 0 {
		t.Error("addresses of two /48s are charged together")
	}
	if p.ready(0, netip.MustParseAddr("fe80::1%eth0")) != 0 {
		t.Error("an address with a zone has to wait")
	}
}

func TestPaceMakesUpForLittle(t *testing.T) {
	p := newPace(1000, 0)
	to := netip.MustParseAddr("192.0.2.1")
	sent := 0
	for now := time.Second; p.ready(now, to) <= now; sent++ {
		p.charge(now, to, 1)
	}
	if sent > int(paceSlack/time.Millisecond)+1 {
		t.Errorf("%d packets leave at once after a second of rest, at 1000 a second", sent)
	}
}

func TestPaceOfANetworkForgetsItsRest(t *testing.T) {
	p := newPace(0, 100)
	to := netip.MustParseAddr("192.0.2.1")
	p.charge(0, to, 1)
	sent := 0
	for now := time.Hour; p.ready(now, to) <= now; sent++ {
		p.charge(now, to, 1)
	}
	if sent > 101 {
		t.Errorf("%d packets leave at once after an hour of rest, at 100 a second", sent)
	}
}

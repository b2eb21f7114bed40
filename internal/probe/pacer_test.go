package probe

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPacerOfNoRatesIsNone(t *testing.T) {
	if newPacer(Rates{}) != nil {
		t.Error("there is a pacer of no rates")
	}
}

// leave has as many packets leave for an address as may at that time.
func leave(p *pacer, now time.Duration, to netip.Addr) (n int) {
	for p.opens(now, 0) <= now {
		if line, _ := p.obstacle(now, to, false); line != nil {
			break
		}
		p.take(now, to)
		if n++; n == 1e6 {
			break
		}
	}
	return n
}

func TestPacerLetsLittleLeaveAtOnce(t *testing.T) {
	to := netip.MustParseAddr("192.0.2.1")
	for _, test := range []struct {
		rates Rates
		want  int
	}{
		{Rates{All: 10_000}, 100}, {Rates{All: 1000}, 10}, {Rates{All: 100}, 1}, {Rates{All: 1}, 1},
		{Rates{Network: 2000}, 20}, {Rates{Destination: 100}, 1},
		{Rates{All: 10_000, Network: 2000, Destination: 100}, 1},
		{Rates{All: 10, Network: 2000}, 1},
	} {
		p := newPacer(test.rates)
		for _, now := range []time.Duration{0, time.Second, time.Hour} {
			if got := leave(p, now, to); got != test.want {
				t.Errorf("%+v: %d packets leave at once after a rest, want %d", test.rates, got, test.want)
			}
		}
	}
}

func TestPacerCountsByAddressAndNetwork(t *testing.T) {
	for _, test := range []struct {
		rates         Rates
		first, second string
		together      bool
	}{
		{rates: Rates{Destination: 100}, first: "192.0.2.1", second: "192.0.2.1", together: true},
		{rates: Rates{Destination: 100}, first: "192.0.2.1", second: "::ffff:192.0.2.1", together: true},
		{rates: Rates{Destination: 100}, first: "192.0.2.1", second: "192.0.2.2"},
		{rates: Rates{Network: 100}, first: "192.0.2.1", second: "192.0.2.200", together: true},
		{rates: Rates{Network: 100}, first: "192.0.2.1", second: "192.0.3.1"},
		{rates: Rates{Network: 100}, first: "2001:db8:1::1", second: "2001:db8:1:ffff::1", together: true},
		{rates: Rates{Network: 100}, first: "2001:db8:1::1", second: "2001:db8:2::1"},
		{rates: Rates{Network: 100}, first: "fe80::1%a", second: "fe80::2%b", together: true},
	} {
		p := newPacer(test.rates)
		leave(p, 0, netip.MustParseAddr(test.first))
		if got := leave(p, 0, netip.MustParseAddr(test.second)); (got == 0) != test.together {
			t.Errorf("%+v: after %s, %d packets leave for %s", test.rates, test.first, got, test.second)
		}
	}
}

func TestPacerForgetsWhatIsFull(t *testing.T) {
	p := newPacer(Rates{Network: 100, Destination: 100})
	now := time.Duration(0)
	for i := range 100_000 {
		leave(p, now, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
		now += 100 * time.Microsecond
	}
	if len(p.networks.kept) > fewBuckets || len(p.destinations.kept) > fewBuckets {
		t.Errorf("%d networks and %d addresses are kept", len(p.networks.kept), len(p.destinations.kept))
	}
}

// However packets come, no second sees more of them leave than the rate and
// what may leave at once; and a bucket that always has somebody waiting gives
// all of its rate.
func TestPacerKeepsItsRateInAnySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.IntRange(1, 3000).Draw(t, "rate")
		meter := newBuckets(perSecond)
		key := netip.MustParsePrefix("192.0.2.0/24")
		burst := 1 + int(meter.rate.slack/meter.rate.interval)
		var left []time.Duration
		now := time.Duration(rapid.IntRange(0, int(time.Hour)).Draw(t, "start"))
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, int(100*time.Millisecond)).Draw(t, "wait"))
			for range rapid.IntRange(0, 50).Draw(t, "asked") {
				if b := meter.kept[key]; b != nil && b.opens(meter.rate, now, 0) > now {
					break
				}
				meter.take(now, key)
				left = append(left, now)
			}
		}
		first := 0
		for i := range left {
			for left[i]-left[first] >= time.Second {
				first++
			}
			if n := i - first + 1; n > perSecond+burst {
				t.Fatalf("%d packets left within a second at %d a second with bursts of %d", n, perSecond, burst)
			}
		}
	})
}

package config

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"netsonde"
)

// every is a native group of one probe.
func every(interval time.Duration, p netsonde.Probe) netsonde.Group {
	return netsonde.Group{Name: p.Kind.String(), Cadence: netsonde.Cadence{Every: interval}, Probes: []netsonde.Probe{p}}
}

func watched(host string, groups ...netsonde.Group) *netsonde.Target {
	return &netsonde.Target{Name: host, Host: host, Groups: groups}
}

func TestCostOf(t *testing.T) {
	echo := netsonde.Probe{Kind: netsonde.KindPing, Count: 2, Size: 56}
	path := netsonde.Probe{Kind: netsonde.KindTrace, Hops: 30}
	question := netsonde.Probe{Kind: netsonde.KindDNS}
	tests := map[string]struct {
		targets []*netsonde.Target
		want    Cost
	}{
		"nothing": {nil, Cost{}},
		"an echo is 84 bytes both ways": {
			[]*netsonde.Target{watched("192.0.2.1", every(time.Second, echo))},
			Cost{Targets: 1, Probes: 1, PacketsSent: 2, BitsSent: 1344, BitsReceived: 1344, Samples: 2, Budgeted: 2,
				Destination: Busiest{"192.0.2.1", 2}, Network: Busiest{"192.0.2.0/24", 2}},
		},
		"an IPv6 header has 20 bytes more": {
			[]*netsonde.Target{watched("2001:db8::1", every(time.Second, echo))},
			Cost{Targets: 1, Probes: 1, PacketsSent: 2, BitsSent: 1664, BitsReceived: 1664, Samples: 2, Budgeted: 2,
				Destination: Busiest{"2001:db8::1", 2}, Network: Busiest{"2001:db8::/48", 2}},
		},
		"a trace looks beyond the end": {
			[]*netsonde.Target{watched("router.example", every(24*time.Second, path))},
			Cost{Targets: 1, Probes: 1, PacketsSent: 1, BitsSent: 320, BitsReceived: 272, Samples: 1. / 24, Budgeted: 1,
				Destination: Busiest{"router.example", 1}},
		},
		"loopback is exempt": {
			[]*netsonde.Target{watched("127.1.2.3", every(time.Second, echo)), watched("::1", every(time.Second, echo)),
				watched("LocalHost.", every(time.Second, echo)), watched("a.localhost", every(time.Second, echo))},
			Cost{Targets: 4, Probes: 4, PacketsSent: 8, BitsSent: 3*1344 + 1664, BitsReceived: 3*1344 + 1664, Samples: 8},
		},
		"a destination is the same in whatever target": {
			[]*netsonde.Target{watched("192.0.2.1", every(time.Second, echo)), watched("198.51.100.1", every(500*time.Millisecond, echo)),
				watched("192.0.2.1", every(time.Second, echo)), watched("192.0.2.2", every(time.Second, echo)),
				watched("notlocalhost", every(400*time.Millisecond, question)), watched("NotLocalhost.", every(400*time.Millisecond, question))},
			Cost{Targets: 6, Probes: 6, PacketsSent: 15, BitsSent: 10*672 + 5*68*8, BitsReceived: 10*672 + 5*128*8, Samples: 15, Budgeted: 15,
				Destination: Busiest{"notlocalhost", 5}, Network: Busiest{"192.0.2.0/24", 6}},
		},
		"after completion is the pause and a typical round": {
			[]*netsonde.Target{watched("192.0.2.1", netsonde.Group{Cadence: netsonde.Cadence{Pause: 450 * time.Millisecond},
				Probes: []netsonde.Probe{echo}})},
			Cost{Targets: 1, Probes: 1, PacketsSent: 4, BitsSent: 2688, BitsReceived: 2688, Samples: 4, Budgeted: 4,
				Destination: Busiest{"192.0.2.1", 4}, Network: Busiest{"192.0.2.0/24", 4}},
		},
		"what runs once costs nothing in the long run, and nor does an empty round": {
			[]*netsonde.Target{watched("192.0.2.1", netsonde.Group{Cadence: netsonde.Cadence{Once: true}, Probes: []netsonde.Probe{echo}},
				netsonde.Group{})},
			Cost{Targets: 1, Probes: 1, Destination: Busiest{To: "192.0.2.1"}, Network: Busiest{To: "192.0.2.0/24"}},
		},
		"an IPv6 network is no IPv4 one": {
			[]*netsonde.Target{watched("::1.2.3.4", every(time.Second, echo)), watched("1.2.3.4", every(time.Second, echo)),
				watched("::ffff:1.2.3.9", every(time.Second, echo))},
			Cost{Targets: 3, Probes: 3, PacketsSent: 6, BitsSent: 1664 + 2*1344, BitsReceived: 1664 + 2*1344, Samples: 6, Budgeted: 6,
				Destination: Busiest{"::1.2.3.4", 2}, Network: Busiest{"1.2.3.0/24", 4}},
		},
		"a zone is part of no network": {
			[]*netsonde.Target{watched("fe80::1%eth0", every(time.Second, echo))},
			Cost{Targets: 1, Probes: 1, PacketsSent: 2, BitsSent: 1664, BitsReceived: 1664, Samples: 2, Budgeted: 2,
				Destination: Busiest{"fe80::1%eth0", 2}, Network: Busiest{"fe80::/48", 2}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := CostOf(&netsonde.Plan{Targets: test.targets})
			for field, pair := range map[string][2]float64{
				"targets": {float64(got.Targets), float64(test.want.Targets)}, "probes": {float64(got.Probes), float64(test.want.Probes)},
				"packets": {got.PacketsSent, test.want.PacketsSent}, "samples": {got.Samples, test.want.Samples},
				"bits sent": {got.BitsSent, test.want.BitsSent}, "bits received": {got.BitsReceived, test.want.BitsReceived},
				"budgeted": {got.Budgeted, test.want.Budgeted}, "disk": {got.DiskPerDay, test.want.Samples * 2.55 * 86400},
			} {
				if math.Abs(pair[0]-pair[1]) > 1e-6*max(1, pair[1]) {
					t.Errorf("%s: %v, want %v", field, pair[0], pair[1])
				}
			}
			if got.Destination.To != test.want.Destination.To || math.Abs(got.Destination.PacketsSent-test.want.Destination.PacketsSent) > 1e-9 {
				t.Errorf("destination: %+v, want %+v", got.Destination, test.want.Destination)
			}
			if got.Network.To != test.want.Network.To || math.Abs(got.Network.PacketsSent-test.want.Network.PacketsSent) > 1e-9 {
				t.Errorf("network: %+v, want %+v", got.Network, test.want.Network)
			}
			count := 0
			for _, n := range got.Kinds {
				count += n
			}
			if count != test.want.Probes {
				t.Errorf("kinds: %v, want %d in all", got.Kinds, test.want.Probes)
			}
		})
	}
}

func TestEveryKindOfProbeCosts(t *testing.T) {
	for kind := netsonde.KindPing; kind <= netsonde.KindSSH; kind++ {
		p := netsonde.Probe{Kind: kind, Count: 1, Hops: 30}
		if e := exchangeOf(&p, header4); e.sent <= 0 || e.bytesSent < e.sent*header4 || e.bytesReceived <= 0 || e.samples != 1 {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}

// An echo larger than the link leaves in fragments, and comes back in them. The
// figures are those of two interfaces of 1,500 bytes.
func TestFragmentsCost(t *testing.T) {
	for _, c := range []struct {
		size, header, count           int
		whole                         bool
		sent, bytesSent, bytesReceive float64
	}{
		{1472, header4, 1, false, 1, 1500, 1500},
		{1473, header4, 1, false, 2, 1481 + 2*20, 1481 + 2*20},
		{2952, header4, 3, false, 6, 3*2960 + 6*20, 3*2960 + 6*20},
		{2953, header4, 1, false, 3, 2961 + 3*20, 2961 + 3*20},
		{65507, header4, 1, false, 45, 65515 + 45*20, 65515 + 45*20},
		{65507, header4, 1, true, 1, 65535, 65535},
		{1452, header6, 1, false, 1, 1500, 1500},
		{1453, header6, 1, false, 2, 1461 + 2*48, 1461 + 2*48},
		{2456, header6, 1, false, 2, 2464 + 2*48, 2464 + 2*48},
		{2457, header6, 1, false, 3, 2465 + 3*48, 2465 + 2*48},
		{65507, header6, 1, false, 54, 65515 + 54*48, 65515 + 46*48},
		{65507, header6, 2, true, 2, 2 * 65555, 2 * 65555},
	} {
		p := netsonde.Probe{Kind: netsonde.KindPing, Count: c.count, Size: c.size, DontFragment: c.whole}
		if got, want := exchangeOf(&p, c.header), (exchange{c.sent, c.bytesSent, c.bytesReceive, float64(c.count)}); got != want {
			t.Errorf("%d bytes behind %d: %+v, want %+v", c.size, c.header, got, want)
		}
	}
}

func BenchmarkCostOfMillionTargets(b *testing.B) {
	const count = 1_000_000
	plan := &netsonde.Plan{Targets: make([]*netsonde.Target, count)}
	group := every(10*time.Second, netsonde.Probe{Kind: netsonde.KindPing, Count: 1, Size: 56})
	addr := netip.MustParseAddr("10.0.0.0")
	for i := range plan.Targets {
		host := addr.String()
		if i%2 == 1 {
			host = fmt.Sprintf("host%d.example", i)
		}
		plan.Targets[i] = watched(host, group)
		addr = addr.Next()
	}
	b.ReportAllocs()
	for b.Loop() {
		CostOf(plan)
	}
}

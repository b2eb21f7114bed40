package console_test

import (
	"net/netip"
	"syscall"
	"time"

	"netsonde"
)

// nativePlan is targets with every kind of probe, each in a group of its own
// as native files have them.
func nativePlan() []*netsonde.Target {
	id := netsonde.ProbeID(0)
	group := func(name string, probe netsonde.Probe) netsonde.Group {
		id++
		probe.ID = 0xabc0 + id
		return netsonde.Group{Name: name, Cadence: netsonde.Cadence{Every: 10 * time.Second}, Probes: []netsonde.Probe{probe}}
	}
	native := netsonde.Output{Dialect: netsonde.DialectNative}
	return []*netsonde.Target{
		{
			Name: "web", Host: "web.example", Labels: map[string]string{"site": "ams", "role": "web"}, Output: native,
			Groups: []netsonde.Group{
				group("ping", netsonde.Probe{Kind: netsonde.KindPing, Count: 3}),
				group("ping#2", netsonde.Probe{Kind: netsonde.KindPing, Count: 1}),
				group("trace", netsonde.Probe{Kind: netsonde.KindTrace}),
				group("https", netsonde.Probe{Kind: netsonde.KindHTTPS, Port: 443}),
				group("tcp", netsonde.Probe{Kind: netsonde.KindTCP, Port: 8443}),
				group("dns", netsonde.Probe{Kind: netsonde.KindDNS, Port: 53}),
			},
		},
		{
			Name: "router-with-a-name-that-is-long", Host: "2001:db8::1", Output: native,
			Groups: []netsonde.Group{group("ping", netsonde.Probe{Kind: netsonde.KindPing, Count: 1})},
		},
	}
}

// began is when round n of every probe starts: each second one.
func began(n uint64) netsonde.Instant {
	return netsonde.Instant{Monotonic: time.Duration(n) * time.Second, Real: moment.Add(time.Duration(n) * time.Second).UnixNano()}
}

func round(target *netsonde.Target, group int, addr string, n uint64) netsonde.Round {
	r := netsonde.Round{Target: target, Group: group, N: n, Started: began(n), Ended: began(n).Add(time.Second / 2)}
	if addr != "" {
		r.Addr = netip.MustParseAddr(addr)
	}
	return r
}

// with adds a round and what its probe found to a batch.
func with(b *netsonde.Batch, r netsonde.Round, found any) {
	probe := &r.Target.Groups[r.Group].Probes[0]
	switch found := found.(type) {
	case []netsonde.Sample:
		for i := range found {
			found[i].Sent = r.Started.Add(time.Duration(i) * time.Millisecond)
			if found[i].Outcome.Answered() && found[i].Stamps == netsonde.StampsNone {
				found[i].Stamps = netsonde.StampsKernelReceive
			}
		}
		b.Bursts = append(b.Bursts, netsonde.Burst{Probe: probe.ID, Round: r.N, Samples: found})
	case netsonde.Route:
		found.Probe, found.Round, found.Started = probe.ID, r.N, r.Started
		b.Routes = append(b.Routes, found)
	case netsonde.Service:
		found.Probe, found.Round, found.Started = probe.ID, r.N, r.Started.Time()
		found.Kind, found.Port, found.Addr = probe.Kind, probe.Port, r.Addr
		b.Services = append(b.Services, found)
	}
	b.Rounds = append(b.Rounds, r)
}

// addressesOf reads what is known of a route, "" where nothing is.
func addressesOf(list ...string) []netip.Addr {
	addresses := make([]netip.Addr, len(list))
	for i, text := range list {
		if text != "" {
			addresses[i] = netip.MustParseAddr(text)
		}
	}
	return addresses
}

// nativeBatch is rounds with every outcome.
func nativeBatch(plan []*netsonde.Target) *netsonde.Batch {
	const v4, v6 = "192.0.2.10", "2001:db8::1"
	web, router := plan[0], plan[1]
	b := &netsonde.Batch{}
	with(b, round(web, 0, v4, 1), answered(512*us, 498*us, 640*us))
	with(b, round(web, 0, v4, 2), answered(512*us, 0, 640*us))
	with(b, round(web, 0, v4, 3), answered(0, 0, 0))
	with(b, round(web, 0, v4, 4), unsent(3, syscall.ENETUNREACH))
	mixed := answered(512*us, 0, 2345*time.Millisecond)
	mixed[1].Outcome = netsonde.OutcomeOverrun
	mixed[2].Outcome, mixed[2].TTL, mixed[2].Method = netsonde.OutcomeLate, 61, netsonde.MethodUDP
	with(b, round(web, 0, v4, 5), mixed)
	refused := answered(0)
	refused[0].Outcome, refused[0].ICMPType, refused[0].ICMPCode = netsonde.OutcomeUnreachable, 3, 1
	refused[0].From = netip.MustParseAddr("192.0.2.1")
	with(b, round(web, 1, v4, 1), refused)
	with(b, round(router, 0, v6, 1), answered(18597))
	unresolved := answered(0)
	unresolved[0].Outcome = netsonde.OutcomeUnresolved
	with(b, round(router, 0, "", 2), unresolved)

	first := netsonde.Route{Hops: hopsOf("10.0.0.1", "", "10.0.2.1", v4), End: netsonde.RouteReached, Changed: true, Protocol: netsonde.TraceUDP}
	with(b, round(web, 2, v4, 1), first)
	quiet := first
	quiet.Changed = false
	with(b, round(web, 2, v4, 2), quiet)
	other := first
	other.Hops = hopsOf("10.0.0.1", "10.0.1.9", "10.0.3.1", "10.0.4.1", v4)
	other.Was = addressesOf("10.0.0.1", "", "10.0.2.1", v4)
	with(b, round(web, 2, v4, 3), other)
	with(b, round(web, 2, v4, 4), netsonde.Route{
		Hops: hopsOf("10.0.0.1", "", ""), End: netsonde.RouteSilent, Changed: true,
		Was: addressesOf("10.0.0.1", "10.0.1.9", "10.0.3.1", "10.0.4.1", v4),
	})
	with(b, round(web, 2, v4, 5), netsonde.Route{End: netsonde.RouteSendFailed, Errno: syscall.ENETUNREACH})

	open := openHTTP("nginx/1.24.0")
	open.Phases = netsonde.Phases{Connect: 200 * us, TLS: 600 * us, FirstByte: 257 * us}
	open.TLSVersion = "TLS 1.3"
	open.Certificate = &netsonde.Certificate{
		Subject: "CN=web.example", Issuer: "CN=Example CA", NotBefore: moment.AddDate(0, -1, 0), NotAfter: moment.AddDate(0, 2, 0),
		Problem: "unknown authority",
	}
	with(b, round(web, 3, v4, 1), open)
	with(b, round(web, 3, v4, 2), netsonde.Service{
		State: netsonde.ServiceWrongAnswer, RTT: 900 * us, Code: 503, Reason: "status 503, wanted 200",
	})
	with(b, round(web, 4, v4, 1), netsonde.Service{State: netsonde.ServiceClosed, Reason: "[Errno 111] Connection refused"})
	with(b, round(web, 4, v4, 2), netsonde.Service{State: netsonde.ServiceStalled})
	with(b, round(web, 5, v4, 1), netsonde.Service{
		State: netsonde.ServiceOpen, RTT: 700 * us, Answers: []string{"192.0.2.1", "evil\x1b[2J"},
	})

	ping := web.Groups[0].Probes[0].ID
	b.Stalls = []netsonde.Stall{
		{Probe: ping, First: 6, Rounds: 12, Due: began(6)},
		{Probe: web.Groups[4].Probes[0].ID, First: 3, Rounds: 2, Due: began(6)},
	}
	b.Amends = []netsonde.Amend{{Probe: ping, Round: 3, Sequence: 1, Outcome: netsonde.OutcomeLate, RTT: 2345 * time.Millisecond}}
	b.Events = []netsonde.Event{
		{Kind: netsonde.EventAddressChanged, At: began(1), Target: web, Old: netip.MustParseAddr(v4), New: netip.MustParseAddr("192.0.2.11")},
		{Kind: netsonde.EventUnresolved, At: began(2), Target: web},
		{Kind: netsonde.EventDropped, At: began(3), Text: "4,096 blocks wait"},
		{Kind: netsonde.EventEvidenceOmitted, At: began(4), Count: 9974},
	}
	b.Evidence = []netsonde.Evidence{stuckEvidence(web), localEvidence(router)}
	return b
}

// series is echoes of one identity, a hundred milliseconds apart.
func series(identity uint16, outcomes ...netsonde.Outcome) netsonde.EchoSeries {
	s := netsonde.EchoSeries{Identity: identity}
	for i, outcome := range outcomes {
		sample := netsonde.Sample{Sequence: i, Sent: began(9).Add(time.Duration(i) * 100 * time.Millisecond), Outcome: outcome}
		switch outcome {
		case netsonde.OutcomeOK:
			sample.RTT, sample.Stamps = 412*time.Microsecond, netsonde.StampsUser
		case netsonde.OutcomeUnreachable:
			sample.From, sample.ICMPType, sample.ICMPCode = netip.MustParseAddr("192.0.2.1"), 3, 1
		case netsonde.OutcomeSendFailed:
			sample.Errno = syscall.ENETUNREACH
		}
		s.Samples = append(s.Samples, sample)
	}
	return s
}

// evidentRoute is a trace by the addresses of its hops, "" for a silent one.
func evidentRoute(flow uint8, end netsonde.RouteEnd, hops ...string) netsonde.Route {
	route := netsonde.Route{Started: began(9), Flow: flow, End: end}
	for i, hop := range hops {
		h := netsonde.Hop{TTL: uint8(i + 1)}
		if hop != "" {
			h.Addr, h.RTT, h.Stamps = netip.MustParseAddr(hop), time.Duration(i+1)*time.Millisecond, netsonde.StampsKernel
		}
		route.Hops = append(route.Hops, h)
	}
	return route
}

// stuckEvidence has everything in it, hostile names among it.
func stuckEvidence(web *netsonde.Target) netsonde.Evidence {
	good := evidentRoute(0, netsonde.RouteReached, "192.0.2.1", "198.51.100.7", "192.0.2.10")
	good.Started = began(5)
	gone, ok := netsonde.OutcomeUnanswered, netsonde.OutcomeOK
	return netsonde.Evidence{
		Target: web, Probe: web.Groups[0].Probes[0].ID, Round: 7, Addr: netip.MustParseAddr("192.0.2.10"),
		Since: began(7), Detected: began(9), Sent: 3, Lost: 3, Verdict: netsonde.VerdictStuckSession, Moved: true,
		Traces: []netsonde.Route{
			evidentRoute(0, netsonde.RouteReached, "192.0.2.1", "198.51.100.7", "192.0.2.10"),
			evidentRoute(1, netsonde.RouteSilent, "192.0.2.1", "", ""),
			evidentRoute(2, netsonde.RouteSilent, "192.0.2.1", "", ""),
		},
		LastGood: &good,
		Same:     series(4660, gone, gone, gone, gone, gone),
		Fresh:    series(9320, ok, ok, ok, ok, ok),
		Local: &netsonde.LocalPath{
			Route: &netsonde.LocalRoute{
				Type: "unicast", Gateway: netip.MustParseAddr("192.0.2.1"), Source: netip.MustParseAddr("192.0.2.9"),
				Interface: "eth0", Table: 254, MTU: 1400,
			},
			Neighbour: &netsonde.Neighbour{Addr: netip.MustParseAddr("192.0.2.1"), State: "reachable", Hardware: "52:54:00:12:34:56"},
			Interface: &netsonde.Interface{
				Name: "eth\x1b[2J0", State: "up", Up: true, Carrier: true, CarrierChanges: 1, MTU: 1500,
				ReceiveErrors: 1, ReceiveDropped: 2, SendErrors: 3, SendDropped: 4,
			},
			Queues: []netsonde.Queue{
				{Kind: "mq", Drops: 3}, {Kind: "fq_codel", Length: 2, Backlog: 196, Drops: 3, Requeues: 1, Overlimit: 5},
			},
			Conntrack: &netsonde.Conntrack{
				Count: 120, Max: 65536, Sessions: []netsonde.ConntrackSession{{Identity: 4660, Replied: true, Left: 29 * time.Second}},
			},
			Problems: []string{"one\x07 thing"},
		},
		Took: 1410 * time.Millisecond,
	}
}

// localEvidence is that of a machine without a way, and without answers.
func localEvidence(router *netsonde.Target) netsonde.Evidence {
	failed := netsonde.OutcomeSendFailed
	return netsonde.Evidence{
		Target: router, Probe: router.Groups[0].Probes[0].ID, Round: 7, Addr: netip.MustParseAddr("2001:db8::1"),
		Since: began(8), Detected: began(8), Sent: 1, Lost: 1, Verdict: netsonde.VerdictLocal,
		Traces: []netsonde.Route{{Started: began(8), End: netsonde.RouteSendFailed, Errno: syscall.ENETUNREACH}},
		Same:   series(4660, failed, failed),
		Fresh:  netsonde.EchoSeries{Problem: "too many open files"},
		Local:  &netsonde.LocalPath{Route: &netsonde.LocalRoute{Errno: syscall.ENETUNREACH}},
		Took:   612 * time.Millisecond,
	}
}

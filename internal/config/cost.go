package config

import (
	"time"

	"netsonde"
)

// Cost is what a plan sends, takes and leaves behind once it runs. Every
// target is reckoned to answer, except where a field says otherwise; a name
// is reckoned as an IPv4 address unless the target is bound to IPv6.
type Cost struct {
	// Targets and Probes count what the plan has. Each probe is a series.
	Targets, Probes int
	// Kinds counts the probes of each kind.
	Kinds map[netsonde.Kind]int
	// PacketsSent is in packets a second, on average. An echo of more than 1,500
	// bytes is reckoned as the fragments that it leaves in. A trace is reckoned as
	// two packets for each of 12 hops, or for each that it may have if those
	// are fewer: on a way that ends in silence it looks beyond the end.
	PacketsSent float64
	// BitsSent and BitsReceived are in bits a second with the IP header and
	// without the link's.
	BitsSent, BitsReceived float64
	// Samples is how many outcomes are known a second: each echo is one, and so
	// is each trace and each check.
	Samples float64
	// DiskPerDay is the history's growth in bytes a day at 2.55 bytes a sample,
	// as was measured of echoes.
	DiskPerDay float64
	// Budgeted is PacketsSent without what goes to loopback addresses. It is what
	// falls under the budget, as do Destination and Network.
	Budgeted float64
	// Destination is the host that is sent the most.
	Destination Busiest
	// Network is the /24 of IPv4 or /48 of IPv6 that is sent the most. Names
	// are in no network before they are looked up.
	Network Busiest
}

// Busiest is what the destination or network that is sent the most is sent.
type Busiest struct {
	// To is a host as typed, or a network such as 192.0.2.0/24; "" when there is none.
	To string
	// PacketsSent is in packets a second.
	PacketsSent float64
}

const (
	// bytesPerSample is the history's size as it was measured over a day of echoes.
	bytesPerSample = 2.55
	// typicalHops is the path that a trace is reckoned to have.
	typicalHops = 12

	header4, header6 = 20, 40
	headerICMP       = 8
	headerTCP        = 32
	headerUDP        = 8
	// headerFragment is the header of an IPv6 fragment (RFC 8200, section 4.5).
	headerFragment = 8
	// linkMTU is the packet that the link of this machine and of a target is
	// reckoned to take. IPv6 echoes above it leave in fragments of leastMTU6,
	// which every path takes (RFC 8200, section 5).
	linkMTU, leastMTU6 = 1500, 1280
	// traceBytes is the UDP or ICMP payload of a trace's packet.
	traceBytes = 12
)

// How long the probes of a round take where nothing is amiss. They stand
// between two rounds of a cadence that waits for the end of the one before.
const (
	typicalPing  = 50 * time.Millisecond
	typicalCheck = 100 * time.Millisecond
	typicalTrace = time.Second
)

// CostOf reckons what a plan costs. It looks nothing up.
func CostOf(plan *netsonde.Plan) Cost {
	c := Cost{Targets: len(plan.Targets), Kinds: map[netsonde.Kind]int{}}
	loads := newLoads()
	var kinds [256]int
	for i, target := range plan.Targets {
		addr := literal(target.Host)
		header := header4
		if target.Family == netsonde.Family6 || addr.Is6() && !addr.Is4In6() {
			header = header6
		}
		sent := 0.0
		for g := range target.Groups {
			group := &target.Groups[g]
			rounds := roundsPerSecond(group)
			for p := range group.Probes {
				probe := &group.Probes[p]
				e := exchangeOf(probe, header)
				kinds[probe.Kind]++
				sent += rounds * e.sent
				c.BitsSent += rounds * e.bytesSent * 8
				c.BitsReceived += rounds * e.bytesReceived * 8
				c.Samples += rounds * e.samples
			}
			c.Probes += len(group.Probes)
		}
		c.PacketsSent += sent
		if !isLoopback(target.Host, addr) {
			c.Budgeted += sent
			loads.add(i, target.Host, addr, sent)
		}
	}
	for kind, count := range &kinds {
		if count > 0 {
			c.Kinds[netsonde.Kind(kind)] = count
		}
	}
	c.DiskPerDay = c.Samples * bytesPerSample * (24 * time.Hour).Seconds()
	c.Destination, c.Network = loads.busiest(plan)
	return c
}

// roundsPerSecond is a group's pace; a round that runs once has none.
func roundsPerSecond(group *netsonde.Group) float64 {
	switch {
	case group.Cadence.Once:
		return 0
	case group.Cadence.Every > 0:
		return 1 / group.Cadence.Every.Seconds()
	case len(group.Probes) == 0:
		return 0
	default:
		return 1 / (group.Cadence.Pause + typicalDuration(group)).Seconds()
	}
}

// typicalDuration is how long a round takes where nothing is amiss: as long as
// the slowest of its probes.
func typicalDuration(group *netsonde.Group) time.Duration {
	longest := time.Duration(0)
	for i := range group.Probes {
		probe := &group.Probes[i]
		duration := typicalCheck
		switch probe.Kind {
		case netsonde.KindPing:
			duration = typicalPing + time.Duration(max(probe.Count-1, 0))*probe.Spacing
		case netsonde.KindTrace:
			duration = typicalTrace
		}
		longest = max(longest, duration)
	}
	return longest
}

// exchange is what a probe sends and is sent in one round.
type exchange struct {
	sent, bytesSent, bytesReceived, samples float64
}

// conversation is what a service check exchanges: packets, and the bytes
// behind their headers.
type conversation struct{ sent, received, request, answer, header int }

// echoes reckons a round of echoes. An answer is reckoned to be cut by a host
// that cuts at its link.
func echoes(probe *netsonde.Probe, header int) exchange {
	count, bytes := float64(probe.Count), headerICMP+probe.Size
	e := exchange{sent: count, samples: count}
	if probe.DontFragment || header+bytes <= linkMTU {
		e.bytesSent, e.bytesReceived = count*float64(header+bytes), count*float64(header+bytes)
		return e
	}
	sentIn, receivedIn := linkMTU, linkMTU
	if header == header6 {
		header += headerFragment
		sentIn = leastMTU6
	}
	fragments := func(mtu int) float64 {
		// All but the last hold a multiple of 8 bytes (RFC 791, section 3.1).
		room := (mtu - header) / 8 * 8
		return count * float64((bytes+room-1)/room)
	}
	e.sent = fragments(sentIn)
	e.bytesSent = e.sent*float64(header) + count*float64(bytes)
	e.bytesReceived = fragments(receivedIn)*float64(header) + count*float64(bytes)
	return e
}

// exchangeOf reckons a round of a probe whose IP headers have the given length.
func exchangeOf(probe *netsonde.Probe, header int) exchange {
	var talk conversation
	switch probe.Kind {
	case netsonde.KindPing:
		return echoes(probe, header)
	case netsonde.KindTrace:
		sent, answered := min(probe.Hops, 2*typicalHops), min(probe.Hops, typicalHops)
		size := header + headerUDP + traceBytes
		// A router's error quotes the packet behind headers of its own.
		return exchange{float64(sent), float64(sent * size), float64(answered * (header + headerICMP + size)), 1}
	case netsonde.KindDNS:
		talk = conversation{sent: 1, received: 1, request: 40, answer: 100, header: headerUDP}
	case netsonde.KindTCP:
		talk = conversation{sent: 4, received: 2, header: headerTCP}
	case netsonde.KindHTTP:
		talk = conversation{sent: 5, received: 4, request: 100, answer: 1000, header: headerTCP}
	case netsonde.KindHTTPS:
		talk = conversation{sent: 9, received: 8, request: 700, answer: 5000, header: headerTCP}
	case netsonde.KindTLS:
		talk = conversation{sent: 7, received: 6, request: 600, answer: 4000, header: headerTCP}
	default: // MySQL and SSH, whose servers speak first.
		talk = conversation{sent: 5, received: 4, request: 20, answer: 100, header: headerTCP}
	}
	return exchange{
		float64(talk.sent),
		float64(talk.sent*(header+talk.header) + talk.request),
		float64(talk.received*(header+talk.header) + talk.answer),
		1,
	}
}

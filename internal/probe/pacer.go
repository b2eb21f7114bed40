package probe

import (
	"net/netip"
	"time"
)

// Rates are how many packets a second may leave: of all, into each IPv4 /24
// and IPv6 /48, to each address, and of traces those whose TTL runs out at one
// router. 0 is no bound. Router holds for traces of a plan as well, if their
// rounds start at a fixed rate, the others for targets that are begun.
type Rates struct {
	All, Network, Destination, Router int
}

const (
	// paceBurst is how much of a rate may leave at once after a rest.
	paceBurst = 10 * time.Millisecond
	// paceTick is what times to go on at are rounded up to, so that fast rates
	// do not wake the shard for every packet; the burst makes up for it.
	paceTick = time.Millisecond
	// fewBuckets are kept before those that are full are looked for.
	fewBuckets = 1024
	// The prefixes that count as one network.
	networkBits4, networkBits6 = 24, 48
)

// pacer says when packets may leave, by token buckets: one for all packets,
// and one for each network, address and router as long as it is not full.
type pacer struct {
	all                             bucket
	rate                            rate
	networks, destinations, routers buckets
}

// newPacer returns nil when there is no bound.
func newPacer(rates Rates) *pacer {
	if rates == (Rates{}) {
		return nil
	}
	return &pacer{
		rate: newRate(rates.All), networks: newBuckets(rates.Network), destinations: newBuckets(rates.Destination),
		routers: newBuckets(rates.Router),
	}
}

// opens returns when the bound on all packets lets one more leave that has so
// many before it.
func (p *pacer) opens(now time.Duration, before int) (at time.Duration) {
	return p.all.opens(p.rate, now, before)
}

// obstacle returns the bucket that a packet to an address has to wait for
// longest, and its rate; nil when it need not. Whoever has had its turn in a
// line does not stand behind those that still wait there.
func (p *pacer) obstacle(now time.Duration, to netip.Addr, hadTurn bool) (line *bucket, of rate) {
	latest := now
	for _, meter := range [...]struct {
		buckets *buckets
		key     netip.Prefix
	}{{&p.networks, network(to)}, {&p.destinations, host(to)}} {
		b := meter.buckets.kept[meter.key]
		if b == nil {
			continue
		}
		before := b.waiting
		if hadTurn {
			before = 0
		}
		if at := b.opens(meter.buckets.rate, now, before); at > latest {
			latest, line, of = at, b, meter.buckets.rate
		}
	}
	return line, of
}

// take takes a token of each kind for a packet that leaves.
func (p *pacer) take(now time.Duration, to netip.Addr) {
	p.all.take(p.rate, now)
	p.networks.take(now, network(to))
	p.destinations.take(now, host(to))
}

// rate is how fast a bucket fills, and how much it holds.
type rate struct {
	// interval is the time that a token takes to come, 0 for no bound.
	interval time.Duration
	// slack is how long before its time a packet may leave.
	slack time.Duration
}

func newRate(perSecond int) rate {
	if perSecond <= 0 {
		return rate{}
	}
	// Rounded up, so that the bound is kept.
	interval := (time.Second + time.Duration(perSecond) - 1) / time.Duration(perSecond)
	// A bucket for one packet lets it leave a little early, or every late
	// awakening would be lost.
	return rate{interval, max(paceBurst-interval, min(paceTick, interval/2))}
}

// bucket is a token bucket, kept as the one time that the virtual scheduling
// form of the generic cell rate algorithm wants (ITU-T I.371, annex A). Its
// zero value is full.
type bucket struct {
	// next is when the next packet is to leave that leaves in time.
	next time.Duration
	// waiting is how many stand in line.
	waiting int
}

// opens returns when one more packet may leave that has so many before it: now,
// or a later tick.
func (b *bucket) opens(r rate, now time.Duration, before int) time.Duration {
	at := max(b.next, now) + time.Duration(before)*r.interval - r.slack
	if at <= now {
		return now
	}
	return at + (paceTick-at%paceTick)%paceTick
}

func (b *bucket) take(r rate, now time.Duration) { b.next = max(b.next, now) + r.interval }

// buckets are those of a rate that are not full.
type buckets struct {
	rate rate
	kept map[netip.Prefix]*bucket
	most int
}

func newBuckets(perSecond int) buckets {
	return buckets{rate: newRate(perSecond), kept: map[netip.Prefix]*bucket{}, most: fewBuckets}
}

func (s *buckets) take(now time.Duration, key netip.Prefix) {
	if s.rate.interval == 0 {
		return
	}
	b := s.kept[key]
	if b == nil {
		if len(s.kept) >= s.most {
			s.forgetFull(now)
		}
		b = &bucket{}
		s.kept[key] = b
	}
	b.take(s.rate, now)
}

// forgetFull forgets the buckets that are as good as new.
func (s *buckets) forgetFull(now time.Duration) {
	for key, b := range s.kept {
		if b.next <= now && b.waiting == 0 {
			delete(s.kept, key)
		}
	}
	s.most = max(fewBuckets, 2*len(s.kept))
}

// network is the prefix that an address shares its bucket with.
func network(to netip.Addr) netip.Prefix {
	to = plainAddr(to)
	bits := networkBits6
	if to.Is4() {
		bits = networkBits4
	}
	prefix, err := to.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // only of an invalid address, which cannot be sent to
	}
	return prefix
}

func host(to netip.Addr) netip.Prefix {
	to = plainAddr(to)
	return netip.PrefixFrom(to, to.BitLen())
}

package agent_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// counted is an observer whose counters a test moves. A look takes a
// millisecond.
type counted struct {
	now func() netsonde.Instant

	mu            sync.Mutex
	looks         int
	queueDropped  uint64
	carrierLostAt time.Duration
	latest        *netsonde.Drops
}

func (c *counted) Latest() *netsonde.Drops {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest
}

func (c *counted) Look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	began := c.now().Monotonic
	time.AfterFunc(time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.latest = &netsonde.Drops{Began: began, Ended: c.now().Monotonic, Interfaces: []netsonde.InterfaceDrops{
			{Index: 1, Up: true, Carrier: true, QueueDropped: c.queueDropped},
		}}
		if c.carrierLostAt > 0 {
			c.latest.Outages = []netsonde.Outage{{Interface: 1, From: c.carrierLostAt, First: c.carrierLostAt + 1, Last: began}}
		}
	})
}

func (c *counted) Interface(netip.Addr, netip.Addr) int { return 1 }

// TestQueueDrops has this machine's queue drop every seventh echo without a word
// and the path drop some: each is told for what it is.
func TestQueueDrops(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(5)
		network.link.SetQuality(simnet.Quality{Loss: 0.05})
		observer := &counted{}
		sent, dropped := 0, 0
		o := options(0)
		o.Stamps = netsonde.StampsKernel
		o.Swallow = func(*packet.Probe) (lost, stamped bool) {
			sent++
			if sent > 20 && sent%7 == 0 {
				dropped++
				observer.mu.Lock()
				observer.queueDropped++
				observer.mu.Unlock()
				return true, false
			}
			return false, true
		}
		connection := network.Connect(o)
		observer.now = connection.Now
		s := start(t, agent.Config{Connections: []agent.Connection{connection}, Observer: observer})
		hosts := []*netsonde.Target{ping(host(0), time.Second), ping(host(1), time.Second)}
		s.apply(plan(hosts...))
		time.Sleep(10 * time.Minute)
		s.drain()
		failed, unanswered, lost := 0, 0, 0
		for _, target := range hosts {
			failed += s.seen.count(target, netsonde.OutcomeSendFailed)
			unanswered += s.seen.count(target, netsonde.OutcomeUnanswered)
			truth := network.Account(addr(target.Host))
			lost += truth.Sent - truth.Answered
		}
		if failed != dropped || unanswered != lost || dropped < 100 || lost < 50 {
			t.Errorf("the queue dropped %d, told are %d; the path lost %d, told are %d", dropped, failed, lost, unanswered)
		}
		// One with each echo, and one before each is given up.
		if most := sent + dropped + lost + 1; observer.looks > most {
			t.Errorf("%d looks for %d echoes", observer.looks, sent)
		}
	})
}

// TestCarrierLost has the carrier go away between two echoes.
func TestCarrierLost(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(5)
		observer := &counted{}
		connection := network.Connect(options(0))
		observer.now = connection.Now
		s := start(t, agent.Config{Connections: []agent.Connection{connection}, Observer: observer})
		target := ping(host(0), time.Second)
		s.apply(plan(target))
		time.Sleep(10*time.Second + 500*time.Millisecond)
		observer.mu.Lock()
		observer.carrierLostAt = connection.Now().Monotonic
		observer.mu.Unlock()
		network.link.SetQuality(simnet.Quality{Loss: 1})
		time.Sleep(20 * time.Second)
		s.drain()
		if ok, failed, lost := s.seen.count(target, netsonde.OutcomeOK), s.seen.count(target, netsonde.OutcomeSendFailed),
			s.seen.count(target, netsonde.OutcomeUnanswered); ok < 10 || failed < 9 || lost != 0 {
			t.Errorf("%d answered, %d not sent for want of a carrier, %d unanswered", ok, failed, lost)
		}
	})
}

// stuck is an observer whose first look is its last, as while the kernel's
// configuration of interfaces is locked.
type stuck struct{ first *netsonde.Drops }

func (s *stuck) Latest() *netsonde.Drops              { return s.first }
func (s *stuck) Look()                                {}
func (s *stuck) Interface(netip.Addr, netip.Addr) int { return 1 }

// TestStuckObserverHoldsNothingUp has no look ever come: echoes that nobody
// answers must be given up nevertheless, though no next round waits.
func TestStuckObserverHoldsNothingUp(t *testing.T) {
	simulate(t, func(t *testing.T) {
		network := newLAN(5)
		network.link.SetQuality(simnet.Quality{Loss: 1})
		observer := &stuck{first: &netsonde.Drops{Interfaces: []netsonde.InterfaceDrops{{Index: 1, Up: true, Carrier: true}}}}
		s := start(t, agent.Config{Connections: []agent.Connection{network.Connect(options(0))}, Observer: observer})
		target := ping(host(0), time.Second)
		target.Groups[0].Cadence = netsonde.Cadence{Pause: time.Second}
		s.apply(plan(target))
		time.Sleep(time.Minute)
		s.drain()
		if lost := s.seen.count(target, netsonde.OutcomeUnanswered); lost < 10 {
			t.Errorf("%d echoes were given up in a minute", lost)
		}
	})
}

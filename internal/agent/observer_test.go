package agent_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
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
	// busyUntil is when a look that has begun ends at the earliest.
	busyUntil time.Duration
	latest    *netsonde.Drops
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
	time.AfterFunc(max(time.Millisecond, c.busyUntil-began), func() {
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

// TestLookHeldUp has the kernel answer no question for longer than an echo is waited
// for. Either it sets an interface down meanwhile: what it was given in that time is
// told for what it is, though the next round is due. Or the path loses all that left:
// then rounds go on.
func TestLookHeldUp(t *testing.T) {
	for _, setDown := range []bool{true, false} {
		t.Run(fmt.Sprintf("interface set down %v", setDown), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				m := newWatched(0)
				observer := &counted{now: m.connection.Now}
				m.start(t, observer, everyPing(250*time.Millisecond, 200*time.Millisecond))
				time.Sleep(10*time.Second + 100*time.Millisecond)
				observer.mu.Lock()
				now := m.connection.Now().Monotonic
				observer.busyUntil = now + 1700*time.Millisecond
				if setDown {
					observer.carrierLostAt = now
				}
				observer.mu.Unlock()
				m.withheld.Store(setDown)
				m.link.SetQuality(simnet.Quality{Loss: 1})
				time.Sleep(5 * time.Second)
				m.drain()
				failed, lost, stalls := m.count(netsonde.OutcomeSendFailed), m.count(netsonde.OutcomeUnanswered), len(m.seen.stalls)
				if setDown && (failed < 12 || lost > 0) || !setDown && (failed > 0 || lost < 19 || stalls > 0) {
					t.Errorf("%d not sent for want of a carrier, %d unanswered, %d rounds stalled", failed, lost, stalls)
				}
			})
		})
	}
}

// watched is a monitor of one target with an observer.
type watched struct {
	*simulation
	lan
	connection agent.Connection
	target     *netsonde.Target
	// withheld has echoes given to no device, as those are whose next hop is not
	// found.
	withheld atomic.Bool
}

func newWatched(loss float64) *watched {
	w := &watched{lan: newLAN(5)}
	w.link.SetQuality(simnet.Quality{Loss: loss})
	o := options(0)
	o.Stamps = netsonde.StampsKernel
	o.Swallow = func(*packet.Probe) (lost, stamped bool) {
		lost = w.withheld.Load()
		return lost, !lost
	}
	w.connection = w.Connect(o)
	return w
}

func (w *watched) start(t *testing.T, observer agent.Observer, target *netsonde.Target) {
	t.Helper()
	w.target = target
	w.simulation = start(t, agent.Config{Connections: []agent.Connection{w.connection}, Observer: observer})
	w.apply(plan(target))
}

func (w *watched) count(outcome netsonde.Outcome) int { return w.seen.count(w.target, outcome) }

// everyPing is a target whose rounds begin at fixed times.
func everyPing(every, timeout time.Duration) *netsonde.Target {
	target := ping(host(0), 0)
	target.Groups[0].Cadence = netsonde.Cadence{Every: every}
	target.Groups[0].Probes[0].Timeout = timeout
	return target
}

// slow is an observer whose looks take long, as with thousands of interfaces. It
// takes one at a time and rests after each.
type slow struct {
	now        func() netsonde.Instant
	took, rest time.Duration

	mu          sync.Mutex
	busy, asked bool
	latest      *netsonde.Drops
}

func (s *slow) Latest() *netsonde.Drops {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

func (s *slow) Interface(netip.Addr, netip.Addr) int { return 1 }

func (s *slow) Look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		s.asked = true
		return
	}
	s.busy = true
	began := s.now().Monotonic
	time.AfterFunc(s.took, func() {
		s.mu.Lock()
		s.latest = &netsonde.Drops{Began: began, Ended: s.now().Monotonic, Interfaces: []netsonde.InterfaceDrops{{Index: 1, Up: true, Carrier: true}}}
		s.mu.Unlock()
	})
	time.AfterFunc(s.took+s.rest, func() {
		s.mu.Lock()
		again := s.asked
		s.busy, s.asked = false, false
		s.mu.Unlock()
		if again {
			s.Look()
		}
	})
}

// TestNeighbourOffLosesNoRound has a host on a network of our own be off: nothing
// that is sent to it leaves, and no look is late for that. Each round is told.
func TestNeighbourOffLosesNoRound(t *testing.T) {
	const off = 30 * time.Second
	for _, test := range []struct{ took, rest, every, timeout time.Duration }{
		{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
		{time.Millisecond, 20 * time.Millisecond, time.Second, 990 * time.Millisecond},
		{5 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
		{20 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 60 * time.Millisecond},
		{75 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
		{75 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 150 * time.Millisecond},
		{300 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 450 * time.Millisecond},
		{1800 * time.Millisecond, 100 * time.Millisecond, time.Second, 500 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("looks of %v and rests of %v, every %v, timeout %v", test.took, test.rest, test.every, test.timeout), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				m := newWatched(0)
				m.start(t, &slow{now: m.connection.Now, took: test.took, rest: test.rest}, everyPing(test.every, test.timeout))
				time.Sleep(10 * time.Second)
				m.withheld.Store(true)
				time.Sleep(off)
				m.drain()
				lost, stalls := m.count(netsonde.OutcomeUnanswered), len(m.seen.stalls)
				if lost < int(off/test.every)-1 || stalls > 0 {
					t.Errorf("%d echoes are told as unanswered, %d rounds as stalled", lost, stalls)
				}
			})
		})
	}
}

// TestSlowLooksHoldNothingUp has looks take longer than they may be old: echoes that
// the path has lost are given up soon nevertheless.
func TestSlowLooksHoldNothingUp(t *testing.T) {
	for _, took := range []time.Duration{75 * time.Millisecond, 300 * time.Millisecond, 1800 * time.Millisecond, 10 * time.Second} {
		t.Run(took.String(), func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				m := newWatched(1)
				m.start(t, &slow{now: m.connection.Now, took: took, rest: 100 * time.Millisecond}, ping(host(0), time.Second))
				time.Sleep(5 * time.Minute)
				m.drain()
				timeout := m.target.Groups[0].Probes[0].Timeout
				for _, round := range m.seen.roundsOf(m.target.Name) {
					if lasted := round.Ended.Monotonic - round.Started.Monotonic; lasted > timeout+min(2*took+200*time.Millisecond, 2100*time.Millisecond) {
						t.Errorf("round %d has lasted %v", round.N, lasted)
					}
				}
				if lost := m.count(netsonde.OutcomeUnanswered); lost < 40 {
					t.Errorf("%d echoes were given up in five minutes", lost)
				}
			})
		})
	}
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
		if lost := s.seen.count(target, netsonde.OutcomeUnanswered); lost < 25 {
			t.Errorf("%d echoes were given up in a minute", lost)
		}
	})
}

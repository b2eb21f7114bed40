package agent

import (
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// Observer tells what this machine's kernel has dropped. Its methods may be
// called by any goroutine and wait for nothing.
type Observer interface {
	// Latest is the last look, nil before the first. It is never changed.
	Latest() *netsonde.Drops
	// Look has another look taken soon.
	Look()
	// Interface is the index of the interface by which packets to an address
	// leave, from one of ours if that is valid; 0 when it is not known.
	Interface(to, from netip.Addr) int
}

const (
	// lookEvery is the least time between two looks for the sake of what is sent:
	// so exactly is known when a carrier was there.
	lookEvery = 100 * time.Millisecond
	// lookAhead is how long before something is given up a look is asked for, so
	// that it has been taken by then.
	lookAhead = 40 * time.Millisecond
	// lookApart is the least time between two looks for that.
	lookApart = 20 * time.Millisecond
)

// drops has a shard's engine know what this machine dropped.
type drops struct {
	observer Observer
	// sentAt and aheadAt are when looks were last asked for, for the sake of what
	// was sent and of what is to be given up.
	sentAt, aheadAt time.Duration
}

// machine is what the engine asks about single probes.
func machine(connection Connection, observer Observer) probe.Machine {
	if observer == nil {
		return probe.Machine{}
	}
	return probe.Machine{Departed: connection.Departed, Interface: observer.Interface}
}

// look tells the engine what the kernel dropped, and asks for another look when
// something is soon to be given up.
func (s *shard) look(now time.Duration) {
	d := &s.drops
	if d.observer == nil {
		return
	}
	s.engine.Dropped(d.observer.Latest())
	if at, ok := s.engine.NextReview(); ok && at-now <= lookAhead && now-d.aheadAt >= lookApart {
		d.aheadAt = now
		d.observer.Look()
	}
}

// nextLook is when a look is to be asked for, if anything is waited for.
func (s *shard) nextLook(now time.Duration) (at time.Duration, ok bool) {
	if s.drops.observer == nil {
		return 0, false
	}
	at, ok = s.engine.NextReview()
	at -= lookAhead
	return at, ok && at > now
}

// lookAfterSend has a look taken now and then while packets leave.
func (s *shard) lookAfterSend(now time.Duration) {
	if d := &s.drops; d.observer != nil && now-d.sentAt >= lookEvery {
		d.sentAt = now
		d.observer.Look()
	}
}

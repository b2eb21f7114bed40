package agent

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

const (
	// sendBatch is how many packets are sent between two looks at what has
	// come. Small, so that 20,000 targets that are due at once cannot fill the
	// receive buffer before it is read.
	sendBatch = 64
	// readBatch is larger, so that reading keeps up with duplicates and errors.
	readBatch = 128
	// emitEvery is the least time between two batches of a shard.
	emitEvery = 10 * time.Millisecond
	// emitLonger is how much longer a busy one waits, unless emitRounds have ended
	// before: to wake those who take its batches costs as much as many a probe.
	emitLonger = 4 * emitEvery
	emitRounds = 512
	// longestWait is how long a shard waits when nothing is scheduled.
	longestWait = time.Hour
)

// shard runs one engine on one connection. Only post may be called by other
// goroutines than that of run.
type shard struct {
	index      int
	connection Connection
	engine     *probe.Engine
	sinks      []Sink
	checks     *checkPool
	inquirers  *inquirers
	drops      drops
	// self is nil where nothing is to be known of the error of RTTs.
	self   *probe.SelfEcho
	health netsonde.ShardHealth

	mu    sync.Mutex
	inbox []func(netsonde.Instant)

	// taken is the inbox of the turn before, kept for its memory.
	taken  []func(netsonde.Instant)
	due    []probe.Due
	asked  []probe.Inquiry
	events []netsonde.Event
	// number counts the batches from 1.
	number uint64
	// emitAt is when the next batch may go out at the earliest, if the shard is not busy.
	emitAt   time.Duration
	draining bool
	// once is set while the plan comes to an end by itself: how many groups of
	// each target have not ended.
	once map[string]int
}

// share is a shard's part of a plan.
type share struct {
	targets []*netsonde.Target
	// addresses[i] is that of targets[i], invalid while unknown.
	addresses []netip.Addr
	once      bool
	// inquiries is how many may run at the same time, and evidence what they may
	// cost.
	inquiries int
	evidence  netsonde.Allowance
}

// post has f called by the shard's goroutine soon, after what was posted before.
func (s *shard) post(f func(netsonde.Instant)) {
	s.mu.Lock()
	// Whoever posted first, of what has not been taken, wakes the shard.
	first := len(s.inbox) == 0
	s.inbox = append(s.inbox, f)
	s.mu.Unlock()
	if first {
		s.connection.Wake()
	}
}

// run monitors until ctx ends, the shard has nothing left to do, or the
// connection fails for good.
func (s *shard) run(ctx context.Context) error {
	// A locked thread is woken by the kernel itself, without the scheduler's detour.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer context.AfterFunc(ctx, s.connection.Wake)()

	replies := make([]packet.Reply, readBatch)
	packets := make([]packet.Probe, sendBatch)
	// Nothing is known to be scheduled before the inbox has been seen, so the
	// first read does not wait.
	until := time.Duration(0)
	for {
		unread, err := s.read(replies, until)
		if err != nil {
			return err
		}
		s.takeInbox()
		unsent, err := s.send(packets)
		if err != nil {
			return err
		}
		if err := s.echoSelf(); err != nil {
			return err
		}
		s.startChecks(ctx)
		s.startInquiries(ctx)
		now := s.connection.Now()
		s.emit(now)
		if ctx.Err() != nil || s.finished() {
			s.emitRest(now)
			return nil
		}
		if until = s.next(now); unread || unsent {
			until = 0
		}
	}
}

// read hands to the engine what has come and lets expire what has not. more
// tells that the sockets may hold more.
func (s *shard) read(replies []packet.Reply, until time.Duration) (more bool, err error) {
	n, empty, err := s.connection.ReadBatch(replies, until)
	if err != nil {
		return false, fmt.Errorf("read from connection %d: %w", s.index, err)
	}
	s.engine.Foresee(replies[:n])
	for i := range replies[:n] {
		if s.self != nil && s.self.Receive(&replies[i]) {
			continue
		}
		s.engine.Receive(&replies[i])
	}
	now := s.connection.Now()
	// Drops are told before anything expires, so that what they cost is
	// settled with its true cause and need not be amended.
	s.engine.Overran(now, s.connection.Overruns())
	if n == len(replies) {
		return true, nil
	}
	s.look(now.Monotonic)
	s.engine.Expire(now, empty)
	return false, nil
}

// send sends one batch of what is due. more tells that there may be more.
func (s *shard) send(packets []packet.Probe) (more bool, err error) {
	// What comes due in the middle of a rest is half of it early or late.
	s.engine.Ahead(s.connection.Rest() / 2)
	n := s.engine.Advance(s.connection.Now(), packets)
	if n == 0 {
		return false, nil
	}
	if err := s.connection.WriteBatch(packets[:n]); err != nil {
		return false, fmt.Errorf("write to connection %d: %w", s.index, err)
	}
	s.engine.Sent(packets[:n])
	s.lookAfterSend(packets[n-1].Sent.Monotonic)
	return n == len(packets), nil
}

func (s *shard) takeInbox() {
	s.mu.Lock()
	s.taken, s.inbox = s.inbox, s.taken[:0]
	s.mu.Unlock()
	for i, f := range s.taken {
		f(s.connection.Now())
		s.taken[i] = nil
	}
}

func (s *shard) startChecks(ctx context.Context) {
	s.due = s.engine.Due(s.due[:0])
	for _, due := range s.due {
		s.checks.start(ctx, &check{
			due: due,
			done: func(found netsonde.Service) {
				s.post(func(now netsonde.Instant) { s.engine.Checked(now, found) })
			},
			dropped: func() {
				s.post(func(netsonde.Instant) { s.engine.Forget(due.Probe.ID, due.Round) })
			},
		})
	}
}

// startInquiries has those beside the shard look for what its engine asks.
func (s *shard) startInquiries(ctx context.Context) {
	s.asked = s.engine.Inquiries(s.asked[:0])
	for _, asked := range s.asked {
		s.inquirers.start(ctx, asked,
			func(fresh netsonde.EchoSeries) {
				s.post(func(now netsonde.Instant) { s.engine.Freshly(now, asked.Number, fresh) })
			},
			func(local *netsonde.LocalPath) {
				s.post(func(now netsonde.Instant) { s.engine.Locally(now, asked.Number, local) })
			})
	}
}

func (s *shard) apply(now netsonde.Instant, part share) {
	s.engine.Gather(part.inquiries, part.evidence)
	s.engine.Apply(now, part.targets)
	for i, target := range part.targets {
		s.engine.SetAddress(now, target.Name, part.addresses[i])
	}
	s.once = nil
	if part.once {
		s.once = make(map[string]int, len(part.targets))
		for _, target := range part.targets {
			if len(target.Groups) > 0 {
				s.once[target.Name] = len(target.Groups)
			}
		}
	}
}

// setAddress gives a target its address and tells the change when it had another.
func (s *shard) setAddress(now netsonde.Instant, target *netsonde.Target, old, address netip.Addr) {
	s.engine.SetAddress(now, target.Name, address)
	if old.IsValid() {
		s.events = append(s.events, netsonde.Event{
			Kind: netsonde.EventAddressChanged, At: now, Target: target, Old: old, New: address,
		})
	}
}

// unresolved tells that a target has no address. A plan that runs once does
// not wait for it.
func (s *shard) unresolved(now netsonde.Instant, target *netsonde.Target, reason string) {
	s.events = append(s.events, netsonde.Event{
		Kind: netsonde.EventUnresolved, At: now, Target: target, Text: reason,
	})
	delete(s.once, target.Name)
}

func (s *shard) drain(now netsonde.Instant) {
	s.draining = true
	s.engine.Drain(now)
}

// finished reports whether nothing is left to do: drained, or all done of a
// plan that runs once.
func (s *shard) finished() bool {
	return s.engine.Idle() && (s.draining || s.once != nil && len(s.once) == 0)
}

// next is when the engine, or results that wait, have something to do.
func (s *shard) next(now netsonde.Instant) time.Duration {
	until := now.Monotonic + longestWait
	if due, ok := s.engine.Next(); ok {
		until = min(until, due)
	}
	if s.self != nil && !s.draining {
		until = min(until, s.self.Due())
	}
	if at, ok := s.nextLook(now.Monotonic); ok {
		until = min(until, at)
	}
	if s.engine.Found() || len(s.events) > 0 {
		until = min(until, s.emitDue())
	}
	return until
}

func (s *shard) emit(now netsonde.Instant) {
	if now.Monotonic >= s.emitDue() {
		s.emitRest(now)
	}
}

// emitDue is when the next batch may go out: a lone result at once.
func (s *shard) emitDue() time.Duration {
	if s.connection.Rest() > 0 && s.engine.Ended() < emitRounds {
		return s.emitAt + emitLonger
	}
	return s.emitAt
}

// emitRest gives the sinks what was seen since the last batch, if anything.
func (s *shard) emitRest(now netsonde.Instant) {
	batch := s.engine.Take()
	if batch == nil {
		if len(s.events) == 0 {
			return
		}
		batch = &netsonde.Batch{}
	}
	batch.Events = append(batch.Events, s.events...)
	s.events = nil
	s.number++
	batch.Shard, batch.Number = s.index, s.number
	s.count(batch)
	if s.once != nil {
		for i := range batch.Rounds {
			s.ended(batch.Rounds[i].Target.Name)
		}
	}
	for _, sink := range s.sinks {
		sink.Consume(batch)
	}
	s.emitAt = now.Monotonic + emitEvery
}

// ended counts down the groups of a plan that runs once.
func (s *shard) ended(target string) {
	switch left := s.once[target]; left {
	case 0:
	case 1:
		delete(s.once, target)
	default:
		s.once[target] = left - 1
	}
}

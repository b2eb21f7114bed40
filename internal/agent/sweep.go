package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

const (
	// mostBegun bounds how many targets are measured at the same time, and so
	// the memory of a sweep whose targets are all silent.
	mostBegun = 1 << 15
	// mostHeld bounds how many of them wait for the rate of their address or
	// network while others may begin. Of a large network taken in order it holds
	// as many /24s as fill the probe budget.
	mostHeld = 2048
	// leastWindow lets every sweep go on, however small the receive buffer.
	leastWindow = 16
)

// SweepConfig is what a sweep is made of.
type SweepConfig struct {
	// Connection is the way to the network. Whoever opened it closes it, after
	// Run has returned.
	Connection Connection
	// Checks run the service checks by kind. A kind without one always fails.
	Checks map[netsonde.Kind]Check
	// Resolver finds addresses; nil means the system's.
	Resolver Resolver
	// Sinks are given every batch, as an agent's are.
	Sinks []Sink
	// Targets are measured once each, whatever their cadence says, and taken
	// one by one. ProbeIDs must differ between targets, names need not. The
	// sequence must not wait for anything.
	Targets iter.Seq[*netsonde.Target]
	// Room waits while those that read the sinks are behind; no target is taken
	// meanwhile. Its error ends the sweep as Drain does, and Run returns it.
	// nil never waits.
	Room func(context.Context) error
	// Observer tells what this machine drops itself; nil knows only what the
	// connection does. Whoever made it runs it.
	Observer Observer
	// Rates are how many packets a second may leave and checks begin, 0 for as
	// many as can be answered: then answers that stand in the receive buffer are
	// the bound. A check counts as one packet.
	Rates probe.Rates
	// Exempt reports whether the rates do not hold for an address; nil means
	// that they hold for all.
	Exempt func(netip.Addr) bool
	// Window is how many answers the receive buffers hold: so many packets of
	// the last moments may be unanswered at a time. 0 is no bound.
	Window int
	// CheckLimit bounds how many checks run at the same time; 0 means as many
	// as an agent's.
	CheckLimit int
	// Proc is where the kernel's routes are read from for the name _gateway;
	// nil means /proc.
	Proc fs.FS
	// Key seeds the tokens in the packets; 0 means a random one.
	Key uint64
}

// Sweep measures each of many targets once. What a target takes is given back
// as soon as its results have been handed out, so that their number is no
// matter of memory.
type Sweep struct {
	config  SweepConfig
	shard   *shard
	feed    *feed
	checks  *sweepChecks
	started atomic.Bool

	// ending ends when Drain is called or Run returns. It is no request's context.
	ending context.Context
	end    context.CancelFunc

	// The rest belongs to the goroutine of Run.
	// next are targets that may begin, of which the first taken have.
	next  []candidate
	taken int
	// fed tells that no more will come.
	fed bool
}

// NewSweep makes a sweep and starts nothing. It fails when there is no
// connection or no identity to send under.
func NewSweep(config SweepConfig) (*Sweep, error) {
	if config.Connection == nil {
		return nil, errors.New("make sweep: no connection to the network given")
	}
	can := config.Connection.Capabilities()
	if len(can.ICMP) == 0 {
		return nil, fmt.Errorf("make sweep: the connection (%s) has no identity for echoes", can.Description)
	}
	usual(&config.Resolver, &config.CheckLimit, &config.Proc, &config.Key)
	if config.Room == nil {
		config.Room = func(context.Context) error { return nil }
	}
	if config.Exempt == nil {
		config.Exempt = func(netip.Addr) bool { return false }
	}
	if config.Window > 0 {
		config.Window = max(config.Window, leastWindow)
	}
	s := &Sweep{config: config}
	s.ending, s.end = context.WithCancel(context.Background())
	s.shard = &shard{
		connection: config.Connection,
		engine: probe.New(probe.Options{
			ICMP: can.ICMP, UDP: can.UDP, Trace: can.Trace, HopMethod: can.HopMethod, Key: config.Key,
			Rates: config.Rates, Exempt: config.Exempt, Machine: machine(config.Connection, config.Observer),
		}),
		sinks: config.Sinks,
		drops: drops{observer: config.Observer},
	}
	pool := newCheckPool(config.Checks, config.CheckLimit, func(string) {})
	s.checks = newSweepChecks(s.shard, pool)
	s.feed = newFeed(config, s.shard, s.drain)
	return s, nil
}

// Run measures until every target has been told, which takes no longer when
// some have no address: each of those is one netsonde.EventUnresolved. It ends
// earlier, without error, at once when ctx ends, or when what was under way at
// a Drain has been told. It fails when the connection does, or Room. It returns
// when all its goroutines have, and may be called once.
func (s *Sweep) Run(ctx context.Context) error {
	if s.started.Swap(true) {
		return errors.New("run sweep: it has run already")
	}
	defer s.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, s.end)()
	var feeding sync.WaitGroup
	var unfed error
	feeding.Go(func() { unfed = s.feed.run(s.ending) })
	// The first targets are there before the loop looks for some. It would else
	// go to sleep in a thread of its own, and have the other woken first.
	runtime.Gosched()
	err := s.loop(ctx)
	cancel()
	s.end()
	feeding.Wait()
	s.checks.end()
	switch {
	case err != nil:
		return fmt.Errorf("run sweep: %w", err)
	case unfed != nil:
		return fmt.Errorf("run sweep: wait for the writer: %w", unfed)
	default:
		return nil
	}
}

// Drain takes no further target and lets what is on its way finish: echoes and
// hops that were sent, checks that run. Then Run returns. It does not wait.
func (s *Sweep) Drain() {
	s.end()
	s.shard.post(s.drain)
}

func (s *Sweep) drain(now netsonde.Instant) {
	s.shard.engine.DrainSweep(now)
	s.shard.drain(now)
	s.next, s.taken = nil, 0
}

// loop reads, begins and sends in turn, as a shard does.
func (s *Sweep) loop(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer context.AfterFunc(ctx, s.shard.connection.Wake)()

	replies := make([]packet.Reply, readBatch)
	packets := make([]packet.Probe, sendBatch)
	until := time.Duration(0)
	for {
		unread, err := s.shard.read(replies, until)
		if err != nil {
			return err
		}
		s.shard.takeInbox()
		s.checks.collect()
		next := s.begin(s.shard.connection.Now())
		unsent, err := s.shard.send(packets)
		if err != nil {
			return err
		}
		now := s.shard.connection.Now()
		unbegun := s.checks.start(ctx, now)
		s.shard.emit(now)
		if ctx.Err() != nil || s.finished() {
			s.shard.emitRest(now)
			return nil
		}
		until = min(next, s.shard.next(now))
		if room, ok := s.checks.window.next(now.Monotonic); ok {
			until = min(until, room)
		}
		if unread || unsent || unbegun {
			until = 0
		}
	}
}

// begin begins as many targets as one batch of packets can serve, if the
// bounds allow. It returns when it will next be of use, if that is known.
func (s *Sweep) begin(now netsonde.Instant) (next time.Duration) {
	const never = time.Duration(1<<63 - 1)
	engine := s.shard.engine
	if s.shard.draining {
		return never
	}
	awaited := engine.Awaited(now.Monotonic) + engine.Unsent()
	for engine.Unsent() < sendBatch {
		switch {
		case engine.Begun() >= mostBegun, engine.Held() >= mostHeld:
			return never // a round that ends makes room, or a turn that comes
		case s.config.Window > 0 && awaited >= s.config.Window:
			return now.Monotonic + probe.AwaitedFor/8
		case s.taken == len(s.next):
			if s.next, s.fed = s.feed.take(s.next[:0]); len(s.next) == 0 {
				s.taken = 0
				return never // the feed wakes us
			}
			s.taken = 0
		}
		candidate := &s.next[s.taken]
		// What has begun goes first: its echoes have their times.
		if !s.config.Exempt(candidate.address) {
			if at := engine.Opens(now.Monotonic); at > now.Monotonic {
				return at
			}
		}
		awaited++
		engine.Begin(now, candidate.target, candidate.address)
		candidate.target = nil
		s.taken++
	}
	return never // what was sent makes room
}

// finished reports whether nothing is left to do.
func (s *Sweep) finished() bool {
	if !s.shard.engine.Idle() {
		return false
	}
	return s.shard.draining || s.fed && s.taken == len(s.next) && s.shard.inboxEmpty()
}

// inboxEmpty reports whether nothing was posted that has not been called.
func (s *shard) inboxEmpty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inbox) == 0
}

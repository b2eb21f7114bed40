package agent

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde"
	"netsonde/internal/probe"
)

// ErrNoHosts tells that not one host of a plan has an address.
var ErrNoHosts = errors.New("no host of the plan has an address: check the names and the resolver")

// ErrEnding tells that a plan came after the agent had begun to end.
var ErrEnding = errors.New("the agent is ending and takes no new plan")

// Config is what an agent is made of.
type Config struct {
	// Connections are the ways to the network, at least one; each gets a shard.
	// Whoever opened them closes them, after Run has returned.
	Connections []Connection
	// Checks run the service checks by kind. A kind without one always fails.
	Checks map[netsonde.Kind]Check
	// Resolver finds addresses; nil means the system's.
	Resolver Resolver
	// Sinks are given every batch. Consume is called by all shards at once.
	Sinks []Sink
	// Observer tells what this machine drops itself; nil knows only what the
	// connections do. Whoever made it runs it.
	Observer Observer
	// Warn is told what is rare and worth a line; nil means nobody is. It is
	// called by any goroutine and must not block.
	Warn func(text string)
	// Health is told every minute, when it is asked for, and at the end how the
	// agent is; nil means that nobody wants to know. It must not block.
	Health func(*netsonde.Health)
	// CheckLimit bounds how many checks run at the same time; 0 means 4,096 or
	// half of the files that the process may open, whichever is less.
	CheckLimit int
	// ResolveEvery is how often names are looked up again where a plan does not
	// say; 0 means a minute.
	ResolveEvery time.Duration
	// RouterRate is how many packets a second of traces whose rounds start at a
	// fixed rate may run out at one router; 0 is no bound. All shards share it.
	RouterRate int
	// Exempt reports whether that does not hold for an address; nil means that
	// it holds for all.
	Exempt func(netip.Addr) bool
	// Proc is where the kernel's routes are read from for the name _gateway;
	// nil means /proc.
	Proc fs.FS
	// Key seeds the tokens in the packets; 0 means a random one.
	Key uint64
	// Fresh opens the sockets that evidence is gathered with beside the shards'
	// own, and Local asks the kernel. Plans ask for evidence; without Fresh it
	// tells no stuck session. Any goroutine calls them.
	Fresh Fresh
	Local Local
}

// Agent is the running monitor. Its methods may be called by any goroutine.
type Agent struct {
	config    Config
	shards    []*shard
	checks    *checkPool
	inquirers *inquirers
	started   atomic.Bool
	health    *healthWatch

	// ending ends when Drain is called or Run returns, and with it every
	// lookup that an Apply waits for. It is no request's context.
	ending context.Context
	end    context.CancelFunc

	lookups lookupLimit
	// changed makes the loop that looks names up again reckon anew.
	changed chan struct{}

	mu sync.Mutex
	// plans counts the plans so far, the last of which holds.
	plans uint64
	names map[string]*name
	// again is the names that wait to be looked up again.
	again nameQueue
	// resolveEvery is how often those of the last plan are.
	resolveEvery time.Duration
	// supersede ends the waiting of the Apply before.
	supersede context.CancelFunc
}

// usual fills in what agents and sweeps use unless they are told otherwise.
func usual(resolver *Resolver, checks *int, proc *fs.FS, key *uint64) {
	if *resolver == nil {
		*resolver = net.DefaultResolver
	}
	if *checks <= 0 {
		*checks = defaultCheckLimit()
	}
	if *proc == nil {
		*proc = os.DirFS("/proc")
	}
	if *key == 0 {
		var random [8]byte
		rand.Read(random[:])
		*key = binary.BigEndian.Uint64(random[:])
	}
}

// New makes an agent and starts nothing. It fails when there is no connection
// or no identity to send under.
func New(config Config) (*Agent, error) {
	if len(config.Connections) == 0 {
		return nil, errors.New("make agent: no connection to the network given")
	}
	usual(&config.Resolver, &config.CheckLimit, &config.Proc, &config.Key)
	if config.Warn == nil {
		config.Warn = func(string) {}
	}
	if config.ResolveEvery <= 0 {
		config.ResolveEvery = time.Minute
	}
	a := &Agent{
		config:    config,
		checks:    newCheckPool(config.Checks, config.CheckLimit, config.Warn),
		inquirers: newInquirers(config.Fresh, config.Local),
		lookups:   newLookupLimit(),
		changed:   make(chan struct{}, 1),
		names:     map[string]*name{},
	}
	a.ending, a.end = context.WithCancel(context.Background())
	for i, connection := range config.Connections {
		can := connection.Capabilities()
		if len(can.ICMP) == 0 {
			return nil, fmt.Errorf("make agent: connection %d (%s) has no identity for echoes", i, can.Description)
		}
		identities, self := can.ICMP, (*probe.SelfEcho)(nil)
		if config.Health != nil {
			identities, self = selfEcho(can.ICMP, config.Key)
		}
		a.shards = append(a.shards, &shard{
			self:       self,
			index:      i,
			connection: connection,
			engine: probe.New(probe.Options{
				Shard:     i,
				ICMP:      identities,
				UDP:       can.UDP,
				Trace:     can.Trace,
				HopMethod: can.HopMethod,
				Key:       config.Key,
				Spare:     config.Fresh != nil,
				Rates:     probe.Rates{Router: shareOf(config.RouterRate, len(config.Connections))},
				Exempt:    config.Exempt,
				Machine:   machine(connection, config.Observer),
			}),
			sinks:     config.Sinks,
			checks:    a.checks,
			inquirers: a.inquirers,
			drops:     drops{observer: config.Observer},
		})
	}
	a.health = newHealthWatch(a)
	return a, nil
}

// shareOf is one shard's part of a rate. Whoever bounds has no shard without any.
func shareOf(rate, shards int) int { return (rate + shards - 1) / shards }

// Run monitors until ctx ends, which it does at once and without error; until
// what ran when Drain was called has ended; until a plan whose groups all run
// once is done; or until a connection fails for good. It returns when all its
// goroutines have, and the sinks have been given everything. It may be called
// once.
func (a *Agent) Run(ctx context.Context) error {
	if a.started.Swap(true) {
		return errors.New("run agent: it has run already")
	}
	defer a.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shards, ctx := errgroup.WithContext(ctx)
	// The others serve the shards: they end after them, and not before.
	var servants sync.WaitGroup
	servants.Go(func() { a.lookUpAgain(ctx) })
	watching, ended := context.WithCancel(context.WithoutCancel(ctx))
	defer ended()
	if a.config.Health != nil {
		servants.Go(func() { a.health.run(watching) })
	}
	for _, s := range a.shards {
		shards.Go(func() error { return s.run(ctx) })
	}
	err := shards.Wait()
	cancel()
	ended()
	servants.Wait()
	a.checks.wait()
	a.inquirers.wait()
	if err != nil {
		return fmt.Errorf("run agent: %w", err)
	}
	return nil
}

// Drain lets what is on its way finish and starts nothing more: no round, no
// further echo of a burst, no check that waits for its turn. Then Run returns.
// It does not wait.
func (a *Agent) Drain() {
	a.end()
	for _, s := range a.shards {
		s.post(s.drain)
	}
	a.checks.drain()
}

// Apply makes plan what is monitored, before or while Run runs. What is the
// same in both plans, by target name, group name and ProbeID, keeps its pace
// and its memory. Targets start as soon as they have an address.
//
// It returns when every name that had no address has been looked up once, which
// takes long when many wait for a resolver that is dead, and then gives ErrNoHosts if no target of the
// plan has an address. A newer Apply takes over from one that still waits,
// which then returns nil. When ctx ends it returns its error; the plan stays.
// After Drain or the end of Run it does nothing and returns ErrEnding.
func (a *Agent) Apply(ctx context.Context, plan *netsonde.Plan) error {
	if a.ending.Err() != nil {
		return fmt.Errorf("apply plan: %w", ErrEnding)
	}
	lookups, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()

	number, unknown := a.install(plan, cancel)
	complete := a.lookUpFirst(lookups, unknown)

	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.plans != number:
		return nil
	case complete:
		// A plan that runs once may be over by now: it is judged all the same.
	case ctx.Err() != nil:
		return fmt.Errorf("apply plan: look up its hosts: %w", ctx.Err())
	default:
		return fmt.Errorf("apply plan: %w", ErrEnding)
	}
	for _, n := range a.names {
		if n.address.IsValid() {
			return nil
		}
	}
	return fmt.Errorf("apply plan: %w", ErrNoHosts)
}

// install gives the plan to the shards and returns its number and the names
// that must be looked up before anything of theirs can run. cancel is called
// when a newer plan is installed.
func (a *Agent) install(plan *netsonde.Plan, cancel context.CancelFunc) (number uint64, unknown []*name) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.supersede != nil {
		a.supersede()
	}
	a.supersede = cancel
	a.plans++

	a.resolveEvery = a.config.ResolveEvery
	if plan.ResolveEvery > 0 {
		a.resolveEvery = plan.ResolveEvery
	}
	now := time.Now()
	a.again.clear()
	names := make(map[string]*name, len(plan.Targets))
	shares := make([]share, len(a.shards))
	var known []*name
	once := runsOnce(plan)
	for _, target := range plan.Targets {
		n := a.names[target.Name]
		if n == nil || n.target.Host != target.Host || n.target.Family != target.Family {
			n = newName(target)
		}
		n.target = target
		n.again = now
		names[target.Name] = n
		switch {
		case !n.address.IsValid():
			n.awaited = true
			unknown = append(unknown, n)
		case !n.literal:
			known = append(known, n)
		}
		s := &shares[a.shardOf(target.Name)]
		s.targets = append(s.targets, target)
		s.addresses = append(s.addresses, n.address)
	}
	a.names = names
	for _, n := range known {
		a.wait(n)
	}
	a.checks.retain(plan)
	for i, s := range a.shards {
		shares[i].once = once
		shares[i].inquiries, shares[i].evidence = a.evidence(plan)
		s.post(func(now netsonde.Instant) { s.apply(now, shares[i]) })
	}
	a.reckonAnew()
	return a.plans, unknown
}

// runsOnce reports whether the plan comes to an end by itself.
func runsOnce(plan *netsonde.Plan) bool {
	for _, target := range plan.Targets {
		for i := range target.Groups {
			if !target.Groups[i].Cadence.Once {
				return false
			}
		}
	}
	return len(plan.Targets) > 0
}

// shardOf spreads the targets by name, so that a target stays on its shard
// whatever the rest of a plan is.
func (a *Agent) shardOf(target string) int {
	h := fnv.New64a()
	h.Write([]byte(target))
	return int(h.Sum64() % uint64(len(a.shards)))
}

// Responds reports whether every shard takes work before ctx ends. It is for
// watchdogs, while Run runs.
func (a *Agent) Responds(ctx context.Context) bool {
	answers := make(chan struct{}, len(a.shards))
	for _, s := range a.shards {
		s.post(func(netsonde.Instant) { answers <- struct{}{} })
	}
	for range a.shards {
		select {
		case <-answers:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// evidence is how many inquiries each shard may run at the same time, and what
// they may cost it.
func (a *Agent) evidence(plan *netsonde.Plan) (inquiries int, share netsonde.Allowance) {
	if plan.Evidence == nil {
		return 0, netsonde.Allowance{}
	}
	each := func(of int) int {
		if of <= 0 {
			return of
		}
		return max(of/len(a.shards), 1)
	}
	return each(mostInquiries), netsonde.Allowance{
		All: each(plan.Evidence.All), Network: each(plan.Evidence.Network), Destination: each(plan.Evidence.Destination),
	}
}

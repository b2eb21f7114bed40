package agent_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// lan is a network whose hosts, all of 10.1.0.0/16 and fd00:1::/32, are two
// milliseconds behind a router. 10.9.0.0/16 is a black hole at its far end.
type lan struct {
	*simnet.Network
	router, hosts *simnet.Node
	link          *simnet.Link
}

func newLAN(seed uint64) lan {
	n := simnet.New(seed, addr("10.0.0.2"), addr("fd00::2"))
	l := lan{Network: n}
	l.router = n.Node(addr("10.0.0.1"), addr("fd00::1"))
	l.hosts = n.Node(addr("10.0.1.1"), addr("fd00:2::1"))
	l.hosts.Answer(netip.MustParsePrefix("10.1.0.0/16"), simnet.AnswerAll)
	l.hosts.Answer(netip.MustParsePrefix("fd00:1::/32"), simnet.AnswerAll)
	l.hosts.Answer(netip.MustParsePrefix("10.9.0.0/16"), simnet.AnswerNothing)
	n.Link(n.Client(), l.router, simnet.Quality{Delay: time.Millisecond})
	l.link = n.Link(l.router, l.hosts, simnet.Quality{Delay: time.Millisecond})
	return l
}

// options are those of the i-th connection.
func options(i int) simnet.Options {
	first := uint16(0x1000 + 16*i)
	return simnet.Options{Capabilities: packet.Capabilities{
		ICMP: []uint16{first, first + 1}, UDP: []uint16{uint16(40000 + i)}, Trace: true,
	}}
}

// ping plans one echo a second, or whatever the pause is.
func ping(name string, pause time.Duration) *netsonde.Target {
	return target(name, pause, netsonde.Probe{Kind: netsonde.KindPing, Timeout: time.Second, Count: 1, Size: 41})
}

func target(name string, pause time.Duration, probes ...netsonde.Probe) *netsonde.Target {
	for i := range probes {
		probes[i].ID = netsonde.NewProbeID(name, netsonde.FamilyPrefer4, probes[i])
	}
	return &netsonde.Target{
		Name: name, Host: name, Family: netsonde.FamilyPrefer4,
		Groups: []netsonde.Group{{Name: "all", Cadence: netsonde.Cadence{Pause: pause}, Probes: probes}},
	}
}

func plan(targets ...*netsonde.Target) *netsonde.Plan { return &netsonde.Plan{Targets: targets} }

// once makes a plan's groups run a single round.
func once(p *netsonde.Plan) *netsonde.Plan {
	for _, target := range p.Targets {
		for i := range target.Groups {
			target.Groups[i].Cadence = netsonde.Cadence{Once: true}
		}
	}
	return p
}

// record is a sink that keeps what it is given.
type record struct {
	mu       sync.Mutex
	outcomes map[netsonde.ProbeID]map[netsonde.Outcome]int
	rounds   map[string][]netsonde.Round
	events   []netsonde.Event
	amends   []netsonde.Amend
	routes   []netsonde.Route
	services []netsonde.Service
	stalls   []netsonde.Stall
	evidence []netsonde.Evidence
	longest  time.Duration
	batches  map[int][]uint64
	handed   []time.Time
}

func (r *record) Consume(b *netsonde.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcomes == nil {
		r.outcomes = map[netsonde.ProbeID]map[netsonde.Outcome]int{}
		r.rounds = map[string][]netsonde.Round{}
		r.batches = map[int][]uint64{}
	}
	for _, burst := range b.Bursts {
		if r.outcomes[burst.Probe] == nil {
			r.outcomes[burst.Probe] = map[netsonde.Outcome]int{}
		}
		for _, sample := range burst.Samples {
			r.outcomes[burst.Probe][sample.Outcome]++
			r.longest = max(r.longest, sample.RTT)
		}
	}
	for _, round := range b.Rounds {
		r.rounds[round.Target.Name] = append(r.rounds[round.Target.Name], round)
	}
	r.events = append(r.events, b.Events...)
	r.amends = append(r.amends, b.Amends...)
	r.routes = append(r.routes, b.Routes...)
	r.services = append(r.services, b.Services...)
	r.stalls = append(r.stalls, b.Stalls...)
	r.evidence = append(r.evidence, b.Evidence...)
	r.batches[b.Shard] = append(r.batches[b.Shard], b.Number)
	r.handed = append(r.handed, time.Now())
}

func (r *record) count(target *netsonde.Target, outcome netsonde.Outcome) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcomes[target.Groups[0].Probes[0].ID][outcome]
}

func (r *record) roundsOf(name string) []netsonde.Round {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]netsonde.Round(nil), r.rounds[name]...)
}

func (r *record) eventsOf(kind netsonde.EventKind) (events []netsonde.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range r.events {
		if event.Kind == kind {
			events = append(events, event)
		}
	}
	return events
}

// book is a resolver of names whose addresses a test changes.
type book struct {
	mu        sync.Mutex
	addresses map[string][]netip.Addr
	// asked counts the lookups by name.
	asked map[string]int
	// slow names are looked up until the lookup is given up.
	slow map[string]bool
}

func newBook() *book {
	return &book{addresses: map[string][]netip.Addr{}, asked: map[string]int{}, slow: map[string]bool{}}
}

func (b *book) set(name string, addresses ...netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addresses[name] = addresses
}

func (b *book) askedFor(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[name]
}

func (b *book) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	b.asked[host]++
	addresses, slow := b.addresses[host], b.slow[host]
	b.mu.Unlock()
	if slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if len(addresses) == 0 {
		return nil, errors.New("no such host")
	}
	return addresses, nil
}

// simulation is an agent that runs in a bubble of simulated time.
type simulation struct {
	t      *testing.T
	agent  *agent.Agent
	seen   *record
	names  *book
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// simulate calls body in a bubble of simulated time. The bubble fails the test
// when a goroutine is left at its end.
func simulate(t *testing.T, body func(t *testing.T)) { synctest.Test(t, body) }

func start(t *testing.T, config agent.Config) *simulation {
	t.Helper()
	s := &simulation{t: t, seen: &record{}, names: newBook(), ended: make(chan struct{})}
	config.Sinks = append(config.Sinks, s.seen)
	if config.Resolver == nil {
		config.Resolver = s.names
	}
	config.Key = 1
	a, err := agent.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s.agent = a
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		defer close(s.ended)
		s.err = a.Run(ctx)
	}()
	t.Cleanup(func() { s.stop() })
	return s
}

// startOn runs an agent with one connection to the network.
func startOn(t *testing.T, n *simnet.Network) *simulation {
	t.Helper()
	return start(t, agent.Config{Connections: []agent.Connection{n.Connect(options(0))}})
}

func (s *simulation) apply(p *netsonde.Plan) {
	s.t.Helper()
	if err := s.agent.Apply(context.Background(), p); err != nil {
		s.t.Fatalf("Apply: %v", err)
	}
}

// stop ends the agent at once.
func (s *simulation) stop() {
	s.cancel()
	<-s.ended
}

// end waits for the agent to end by itself and returns how long that took.
func (s *simulation) end() time.Duration {
	s.t.Helper()
	began := time.Now()
	select {
	case <-s.ended:
	case <-time.After(time.Hour):
		s.t.Fatal("the agent has not ended within an hour")
	}
	return time.Since(began)
}

// drain ends the agent after what runs.
func (s *simulation) drain() time.Duration {
	s.agent.Drain()
	return s.end()
}

func host(i int) string { return fmt.Sprintf("10.1.%d.%d", i/250, i%250+1) }

// nativeHex writes an IPv4 address as the kernel's table of routes does.
func nativeHex(a netip.Addr) string {
	b := a.As4()
	return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
}

package acceptance_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
)

// patience bounds every wait for what must come.
const patience = 60 * time.Second

// monitor is a running agent and what it has told so far.
type monitor struct {
	t     *testing.T
	agent *agent.Agent
	ended chan error

	mutex   sync.Mutex
	changed chan struct{}
	batches []*netsonde.Batch
}

// Consume takes what a shard saw.
func (m *monitor) Consume(b *netsonde.Batch) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.batches = append(m.batches, b)
	close(m.changed)
	m.changed = make(chan struct{})
}

// startMonitor runs an agent over a fresh connection to the network.
func startMonitor(t *testing.T, n network, targets ...*netsonde.Target) *monitor {
	t.Helper()
	m := &monitor{t: t, changed: make(chan struct{}), ended: make(chan error, 1)}
	connection := n.connect(t)
	var err error
	m.agent, err = agent.New(agent.Config{Connections: []agent.Connection{connection}, Sinks: []agent.Sink{m}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan struct{})
	go func() {
		defer close(running)
		m.ended <- m.agent.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-running
	})
	if err := m.agent.Apply(ctx, &netsonde.Plan{Targets: targets}); err != nil {
		t.Fatal(err)
	}
	return m
}

// drain ends the agent after what runs.
func (m *monitor) drain() {
	m.t.Helper()
	m.agent.Drain()
	select {
	case err := <-m.ended:
		if err != nil {
			m.t.Errorf("the agent ended with %v", err)
		}
	case <-time.After(patience):
		m.t.Fatal("the agent does not end")
	}
}

// await waits until a condition on what was told holds.
func (m *monitor) await(what string, condition func() bool) {
	m.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		m.mutex.Lock()
		changed := m.changed
		m.mutex.Unlock()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			m.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// awaitRounds waits until a target has had n rounds.
func (m *monitor) awaitRounds(target *netsonde.Target, n uint64) {
	m.t.Helper()
	m.await("the rounds of "+target.Name, func() bool {
		return slices.ContainsFunc(m.told(), func(b *netsonde.Batch) bool {
			return slices.ContainsFunc(b.Rounds, func(r netsonde.Round) bool {
				return r.Target == target && r.N >= n
			})
		})
	})
}

// awaitRoutes waits until the last n routes of a target all go by one middle
// router; an invalid address is a silent one.
func (m *monitor) awaitRoutes(target *netsonde.Target, n int, by netip.Addr) {
	m.t.Helper()
	m.await("routes by "+by.String(), func() bool {
		routes := m.routes(target)
		if len(routes) < n {
			return false
		}
		return !slices.ContainsFunc(routes[len(routes)-n:], func(r netsonde.Route) bool { return middle(r) != by })
	})
}

// middle is the first hop at which the two ways differ, invalid when it was
// silent.
func middle(route netsonde.Route) netip.Addr {
	if len(route.Hops) < 2 {
		return netip.Addr{}
	}
	return route.Hops[1].Addr
}

// told returns the batches so far.
func (m *monitor) told() []*netsonde.Batch {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.batches)
}

// outcomes counts the outcomes of all pings.
func (m *monitor) outcomes() map[netsonde.Outcome]int {
	count := map[netsonde.Outcome]int{}
	m.eachSample(func(s *netsonde.Sample) { count[s.Outcome]++ })
	return count
}

// bestRTT is the smallest of all pings, 0 when nothing was answered.
func (m *monitor) bestRTT() (best time.Duration) {
	m.eachSample(func(s *netsonde.Sample) {
		if s.Outcome.Answered() && (best == 0 || s.RTT < best) {
			best = s.RTT
		}
	})
	return best
}

func (m *monitor) eachSample(visit func(*netsonde.Sample)) {
	for _, batch := range m.told() {
		for i := range batch.Bursts {
			for j := range batch.Bursts[i].Samples {
				visit(&batch.Bursts[i].Samples[j])
			}
		}
	}
}

// routes returns the traces of a target in their order.
func (m *monitor) routes(target *netsonde.Target) (routes []netsonde.Route) {
	for _, batch := range m.told() {
		for _, route := range batch.Routes {
			if slices.ContainsFunc(target.Groups[0].Probes, func(p netsonde.Probe) bool { return p.ID == route.Probe }) {
				routes = append(routes, route)
			}
		}
	}
	return routes
}

// news returns the middle hops of the routes that were told as changed.
func (m *monitor) news(target *netsonde.Target) (hops []netip.Addr) {
	for _, route := range m.routes(target) {
		if route.Changed {
			hops = append(hops, middle(route))
		}
	}
	return hops
}

// checkRoutes makes sure that every trace has reached the host over routers
// that stand where they were seen. Any may have been silent.
func (m *monitor) checkRoutes(target *netsonde.Target) {
	m.t.Helper()
	places := [][]netip.Addr{
		{nearRouter},
		{upperRouter, lowerRouter},
		{upperRouter2, lowerRouter2},
		{farRouter},
		{netip.MustParseAddr(target.Host)},
	}
	for i, route := range m.routes(target) {
		fits := route.End == netsonde.RouteReached && len(route.Hops) == len(places)
		for j := range route.Hops {
			fits = fits && (route.Hops[j].Silent() || slices.Contains(places[j], route.Hops[j].Addr))
		}
		if !fits {
			m.t.Errorf("%s: trace %d is %+v", target.Host, i+1, route)
		}
	}
}

package agent_test

import (
	"fmt"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/probe"
	"netsonde/internal/simnet"
)

// traced is targets that are traced and pinged at a fixed rate.
func traced(count int) *netsonde.Plan {
	p := plan()
	for i := range count {
		target := target(host(i), 0, netsonde.Probe{
			Kind: netsonde.KindTrace, Protocol: netsonde.TraceICMP, Hops: 30, Timeout: time.Second,
		})
		target.Groups = append(target.Groups, ping(host(i), 0).Groups...)
		target.Groups[1].Name = "ping"
		p.Targets = append(p.Targets, fixed(time.Second, target))
	}
	return p
}

// TestRouterRateKeepsAnswers has a router that answers no more than so many
// packets a second. Within the rate it answers all of them; without one most
// hops are silent, which is neither loss nor another route.
func TestRouterRateKeepsAnswers(t *testing.T) {
	const count, rate = 200, 50
	for _, connections := range []int{1, 2} {
		for _, bounded := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d shards, bounded %v", connections, bounded), func(t *testing.T) {
				simulate(t, func(t *testing.T) {
					network := newLAN(1)
					// The bucket of a hop that is not known yet and that of the
					// router which turns out to be there add up at most.
					network.router.SetLimit(simnet.Limit{PerSecond: 2 * rate, Burst: 20})
					config := agent.Config{}
					for i := range connections {
						config.Connections = append(config.Connections, network.Connect(options(i)))
					}
					if bounded {
						config.RouterRate = rate
					}
					s := start(t, config)
					s.apply(traced(count))
					time.Sleep(20 * time.Second)
					s.drain()
					silent, news := 0, map[netsonde.ProbeID]int{}
					for _, route := range s.seen.routes {
						if route.End != netsonde.RouteReached || len(route.Hops) != 2 {
							t.Fatalf("a route ended as %v after %d hops", route.End, len(route.Hops))
						}
						if route.Hops[0].Silent() {
							silent++
						}
						if route.Changed {
							news[route.Probe]++
						}
					}
					if bounded != (silent == 0) || len(news) != count {
						t.Errorf("the router was silent in %d of %d traces of %d targets", silent, len(s.seen.routes), len(news))
					}
					if rate := len(s.seen.routes) / 20; !bounded && rate < count*9/10 {
						t.Errorf("%d traces a second", rate)
					}
					for id, times := range news {
						// A hop that becomes known is news once.
						if times > 2 {
							t.Fatalf("the route of %v was called new %d times", id, times)
						}
					}
					for i := range count {
						target := traced(i + 1).Targets[i]
						target.Groups = target.Groups[1:]
						ok, lost := s.seen.count(target, netsonde.OutcomeOK), s.seen.count(target, netsonde.OutcomeUnanswered)
						if ok < 19 || lost > 0 {
							t.Fatalf("%s: %d echoes were answered, %d were not", target.Name, ok, lost)
						}
					}
				})
			})
		}
	}
}

// TestSweepKeepsRouterRate does the same for targets that are traced once.
func TestSweepKeepsRouterRate(t *testing.T) {
	const count, rate = 300, 100
	for _, bounded := range []bool{true, false} {
		simulate(t, func(t *testing.T) {
			network := newLAN(1)
			network.router.SetLimit(simnet.Limit{PerSecond: rate, Burst: 5})
			config := agent.SweepConfig{Connection: network.Connect(options(0))}
			if bounded {
				config.Rates = probe.Rates{All: 10_000, Network: 2000, Destination: 100, Router: rate}
			}
			targets := sweepTargets(hostNames(1, count), netsonde.Probe{
				Kind: netsonde.KindTrace, Protocol: netsonde.TraceICMP, Hops: 30, Timeout: time.Second,
			})
			s := startSweep(t, config, targets).run()
			s.end()
			silent := 0
			for _, route := range s.seen.routes {
				if route.End != netsonde.RouteReached || len(route.Hops) != 2 {
					t.Fatalf("a route ended as %v after %d hops", route.End, len(route.Hops))
				}
				if route.Hops[0].Silent() {
					silent++
				}
			}
			if len(s.seen.routes) != count || bounded != (silent == 0) {
				t.Errorf("bounded %v: the router was silent in %d of %d traces", bounded, silent, len(s.seen.routes))
			}
		})
	}
}

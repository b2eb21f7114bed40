package agent_test

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// suspecting is an agent whose plans ask for evidence, and what it was asked.
type suspecting struct {
	*simulation
	lan
	// refused, if there is one, is why no second socket is to be had.
	refused error
	opened  atomic.Int32
	asked   atomic.Pointer[agent.LocalQuestion]
	// slow has the kernel say nothing.
	slow bool
	// stuck has the identities below it dropped.
	stuck atomic.Bool
}

func suspect(t *testing.T, configure func(*suspecting)) *suspecting {
	t.Helper()
	s := &suspecting{lan: newLAN(1)}
	if configure != nil {
		configure(s)
	}
	first := options(0)
	first.SendError = func(p *packet.Probe) syscall.Errno {
		if s.stuck.Load() && p.Protocol == packet.Echo {
			p.Destination = addr("10.9.0.1") // the black hole
		}
		return 0
	}
	s.simulation = start(t, agent.Config{
		Connections: []agent.Connection{s.Connect(first)},
		Fresh: func() (agent.Connection, error) {
			if s.refused != nil {
				return nil, s.refused
			}
			return s.Connect(options(int(s.opened.Add(1)))), nil
		},
		Local: func(ctx context.Context, question agent.LocalQuestion) *netsonde.LocalPath {
			s.asked.Store(&question)
			if s.slow {
				<-ctx.Done()
				return nil
			}
			return &netsonde.LocalPath{Route: &netsonde.LocalRoute{Type: "unicast", Interface: "eth0"}}
		},
	})
	return s
}

func evidentPlan(targets ...*netsonde.Target) *netsonde.Plan {
	p := plan(targets...)
	p.Evidence = &netsonde.Allowance{All: 10_000, Network: 2000, Destination: 100}
	return p
}

// cut has the link behind the router lose everything, or nothing again.
func (s *suspecting) cut(cut bool) {
	quality := simnet.Quality{Delay: time.Millisecond}
	if cut {
		quality.Loss = 1
	}
	s.link.SetQuality(quality)
}

// one returns the only piece of evidence.
func (s *suspecting) one(t *testing.T) netsonde.Evidence {
	t.Helper()
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if len(s.seen.evidence) != 1 {
		t.Fatalf("%d pieces of evidence, want one", len(s.seen.evidence))
	}
	return s.seen.evidence[0]
}

func TestEvidence(t *testing.T) {
	t.Run("dead host", func(t *testing.T) {
		simulate(t, func(t *testing.T) {
			s := suspect(t, nil)
			s.apply(evidentPlan(target("10.1.0.1", time.Second,
				netsonde.Probe{Kind: netsonde.KindPing, Timeout: time.Second, Count: 1, Size: 41},
				netsonde.Probe{Kind: netsonde.KindTrace, Timeout: time.Second, Hops: 30})))
			time.Sleep(5 * time.Second)
			s.hosts.Answer(netip.MustParsePrefix("10.1.0.0/16"), simnet.AnswerNothing)
			time.Sleep(10 * time.Second)
			found := s.one(t)
			if found.Verdict != netsonde.VerdictDown || found.Took > 2*time.Second || found.Target.Name != "10.1.0.1" {
				t.Errorf("evidence: %+v", found)
			}
			for _, route := range found.Traces {
				if route.End != netsonde.RouteSilent || len(route.Hops) == 0 || route.Hops[0].Addr != addr("10.0.0.1") {
					t.Errorf("trace: %+v", route)
				}
			}
			if len(found.Traces) != 3 || found.LastGood == nil || found.LastGood.End != netsonde.RouteReached {
				t.Errorf("%d traces, the last good one %+v", len(found.Traces), found.LastGood)
			}
			if fresh := found.Fresh.Statistics(); fresh.Theirs != 5 || found.Fresh.Identity == found.Same.Identity {
				t.Errorf("echoes of a new socket: %+v", found.Fresh)
			}
			asked := s.asked.Load()
			if asked == nil || asked.Addr != addr("10.1.0.1") || asked.Identity != found.Same.Identity || found.Local == nil {
				t.Errorf("the kernel was asked %+v and said %+v", asked, found.Local)
			}
		})
	})
	t.Run("stuck session", func(t *testing.T) {
		simulate(t, func(t *testing.T) {
			s := suspect(t, nil)
			s.apply(evidentPlan(ping("10.1.0.1", time.Second)))
			time.Sleep(5 * time.Second)
			s.stuck.Store(true)
			time.Sleep(10 * time.Second)
			found := s.one(t)
			if found.Verdict != netsonde.VerdictStuckSession || found.Took > 2*time.Second {
				t.Errorf("evidence: %+v", found)
			}
			if fresh := found.Fresh.Statistics(); fresh.Answered != 5 || fresh.Min < 4*time.Millisecond || fresh.Max > 5*time.Millisecond {
				t.Errorf("echoes of a new socket: %+v", fresh)
			}
			if found.Moved {
				t.Error("moved, where two identities are all there are")
			}
		})
	})
	t.Run("a moment's loss", func(t *testing.T) {
		simulate(t, func(t *testing.T) {
			s := suspect(t, nil)
			s.apply(evidentPlan(ping("10.1.0.1", time.Second)))
			time.Sleep(5500 * time.Millisecond)
			s.cut(true)
			time.Sleep(900 * time.Millisecond)
			s.cut(false)
			time.Sleep(10 * time.Second)
			if found := s.one(t); found.Verdict != netsonde.VerdictRecovered || len(found.Traces) != 3 || found.Traces[2].End != netsonde.RouteReached {
				t.Errorf("evidence: %+v", found)
			}
		})
	})
	t.Run("no second socket", func(t *testing.T) {
		simulate(t, func(t *testing.T) {
			s := suspect(t, func(s *suspecting) { s.refused, s.slow = errors.New("too many open files"), true })
			s.apply(evidentPlan(ping("10.1.0.1", time.Second)))
			time.Sleep(5 * time.Second)
			s.cut(true)
			time.Sleep(10 * time.Second)
			found := s.one(t)
			if found.Verdict != netsonde.VerdictUnknown || found.Fresh.Problem != "too many open files" || found.Local != nil || found.Took > 2*time.Second {
				t.Errorf("evidence: %+v", found)
			}
		})
	})
	t.Run("not asked for", func(t *testing.T) {
		simulate(t, func(t *testing.T) {
			s := suspect(t, nil)
			s.apply(plan(ping("10.1.0.1", time.Second)))
			time.Sleep(5 * time.Second)
			s.cut(true)
			time.Sleep(10 * time.Second)
			s.seen.mu.Lock()
			defer s.seen.mu.Unlock()
			if len(s.seen.evidence) > 0 || s.opened.Load() > 0 {
				t.Errorf("evidence: %+v", s.seen.evidence)
			}
		})
	})
}

// TestEvidenceEndsWithTheAgent ends an agent in the middle of an inquiry: the
// bubble fails the test when a goroutine is left.
func TestEvidenceEndsWithTheAgent(t *testing.T) {
	for name, end := range map[string]func(*suspecting){
		"stop":  func(s *suspecting) { s.stop() },
		"drain": func(s *suspecting) { s.drain() },
		"reload": func(s *suspecting) {
			s.apply(evidentPlan(ping("10.1.0.2", time.Second)))
			time.Sleep(10 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, func(t *testing.T) {
				s := suspect(t, func(s *suspecting) { s.slow = true })
				s.apply(evidentPlan(ping("10.1.0.1", time.Second)))
				time.Sleep(5 * time.Second)
				s.cut(true)
				for i := 0; s.opened.Load() == 0; i++ {
					if time.Sleep(10 * time.Millisecond); i == 1000 {
						t.Fatal("nothing is looked into")
					}
				}
				began := time.Now()
				end(s)
				if took := time.Since(began); name != "reload" && took > 2*time.Second {
					t.Errorf("it took %v to end", took)
				}
				s.seen.mu.Lock()
				defer s.seen.mu.Unlock()
				for _, found := range s.seen.evidence {
					if found.Target.Name == "10.1.0.1" {
						t.Errorf("evidence of what is no more watched: %+v", found)
					}
				}
			})
		})
	}
}

// TestEvidenceDelaysNobody keeps every probe at its time while many inquiries run.
func TestEvidenceDelaysNobody(t *testing.T) {
	simulate(t, func(t *testing.T) {
		s := suspect(t, nil)
		var targets []*netsonde.Target
		for i := range 500 {
			p := ping(host(i), 0)
			p.Groups[0].Cadence = netsonde.Cadence{Every: time.Second}
			targets = append(targets, p)
		}
		s.apply(evidentPlan(targets...))
		time.Sleep(5 * time.Second)
		s.cut(true)
		time.Sleep(20 * time.Second)
		s.stop()
		told := len(s.seen.evidence)
		for _, event := range s.seen.eventsOf(netsonde.EventEvidenceOmitted) {
			told += int(event.Count)
		}
		if len(s.seen.evidence) < 8 || told != len(targets) {
			t.Errorf("%d pieces of evidence, with those left out %d, of %d", len(s.seen.evidence), told, len(targets))
		}
		for _, target := range targets {
			rounds := s.seen.roundsOf(target.Name)
			for i := 1; i < len(rounds); i++ {
				if gap := rounds[i].Started.Monotonic - rounds[i-1].Started.Monotonic; gap != time.Second {
					t.Fatalf("%s: %v between two rounds", target.Name, gap)
				}
			}
		}
	})
}

package probe_test

import (
	"net/netip"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

// TestOnlySecondAnswersAreDuplicates has an echo answered three times, and a
// reply come that answers none.
func TestOnlySecondAnswersAreDuplicates(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1})
	e.Apply(at(0), []*netsonde.Target{pingTarget("a", 1, time.Second)})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	sent := sendAll(e, at(0))
	if len(sent) != 1 {
		t.Fatalf("%d echoes are sent", len(sent))
	}
	reply := packet.Reply{
		Kind: packet.EchoReply, From: sent[0].Destination, Destination: sent[0].Destination,
		Identity: sent[0].Identity, Sequence: sent[0].Sequence, HasToken: true, Token: sent[0].Token,
	}
	for range 3 {
		e.Receive(&reply)
	}
	stranger := reply
	stranger.Sequence++
	e.Receive(&stranger)
	forged := reply
	forged.Token++
	e.Receive(&forged)
	var h netsonde.ShardHealth
	e.Counters(&h)
	if h.Received != 1 || h.Duplicates != 2 {
		t.Errorf("%d answers and %d duplicates, want 1 and 2", h.Received, h.Duplicates)
	}
}

// TestTraceWithoutCarrierIsNoNews has a trace go nowhere, once because the
// interface has no carrier and once because nobody answers.
func TestTraceWithoutCarrierIsNoNews(t *testing.T) {
	for _, test := range []struct {
		name    string
		outages []netsonde.Outage
		want    netsonde.RouteEnd
	}{
		{"no carrier", []netsonde.Outage{{Interface: 2, From: -1, First: -1, Last: time.Hour}}, netsonde.RouteSendFailed},
		{"another interface", []netsonde.Outage{{Interface: 3, From: -1, First: -1, Last: time.Hour}}, netsonde.RouteSilent},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := probe.New(probe.Options{ICMP: []uint16{1}, UDP: []uint16{7}, Trace: true, Key: 1, Machine: probe.Machine{
				Interface: func(_, _ netip.Addr) int { return 2 },
			}})
			e.Apply(at(time.Second), []*netsonde.Target{traceTarget("a", 30, time.Second)})
			e.SetAddress(at(time.Second), "a", netip.MustParseAddr("192.0.2.1"))
			var routes []netsonde.Route
			for now := time.Second; now < 20*time.Second; now += 10 * time.Millisecond {
				e.Dropped(&netsonde.Drops{
					Began: now, Ended: now, Outages: test.outages,
					Interfaces: []netsonde.InterfaceDrops{{Index: 2}, {Index: 3}},
				})
				e.Expire(at(now), at(now))
				sendAll(e, at(now))
				if batch := e.Take(); batch != nil {
					routes = append(routes, batch.Routes...)
				}
			}
			if len(routes) == 0 {
				t.Fatal("no trace is told")
			}
			if first := routes[0]; first.End != test.want || first.Changed != (test.want == netsonde.RouteSilent) {
				t.Errorf("it ends with %v, changed %v, want %v", first.End, first.Changed, test.want)
			}
		})
	}
}

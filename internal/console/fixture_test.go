package console_test

import (
	"bytes"
	"context"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// The moment of every line and round in these tests: 04:38:45 in a zone two
// hours east of Greenwich, with a blank for the day's first digit.
var (
	zone   = time.FixedZone("east", 2*60*60)
	moment = time.Date(2026, time.November, 2, 4, 38, 45, 123456789, zone)
)

const momentText = "Mon Nov  2 04:38:45 2026"

func clock() time.Time { return moment }

// watched is a target with one group whose probes are numbered from 1.
func watched(host string, output netsonde.Output, kinds ...netsonde.Kind) *netsonde.Target {
	group := netsonde.Group{Name: "all"}
	for i, kind := range kinds {
		group.Probes = append(group.Probes, netsonde.Probe{ID: netsonde.ProbeID(i + 1), Kind: kind, Port: kind.Port()})
	}
	return &netsonde.Target{Name: host + "#1", Host: host, Groups: []netsonde.Group{group}, Output: output}
}

func roundOf(target *netsonde.Target, addr string, n uint64) netsonde.Round {
	round := netsonde.Round{Target: target, N: n, Ended: netsonde.Instant{Real: moment.UnixNano()}}
	if addr != "" {
		round.Addr = netip.MustParseAddr(addr)
	}
	return round
}

// answered makes samples with the given RTTs; 0 is one that stays unanswered.
func answered(rtts ...time.Duration) []netsonde.Sample {
	samples := make([]netsonde.Sample, len(rtts))
	for i, rtt := range rtts {
		samples[i] = netsonde.Sample{Sequence: i, Outcome: netsonde.OutcomeOK, RTT: rtt}
		if rtt == 0 {
			samples[i].Outcome = netsonde.OutcomeUnanswered
		}
	}
	return samples
}

func unsent(n int, errno syscall.Errno) []netsonde.Sample {
	samples := make([]netsonde.Sample, n)
	for i := range samples {
		samples[i] = netsonde.Sample{Sequence: i, Outcome: netsonde.OutcomeSendFailed, Errno: errno}
	}
	return samples
}

// hopsOf makes hops that answered after 0.1 ms, 0.2 ms, …; "" is a silent one.
func hopsOf(addrs ...string) []netsonde.Hop {
	hops := make([]netsonde.Hop, len(addrs))
	for i, addr := range addrs {
		hops[i].TTL = uint8(i + 1)
		if addr != "" {
			hops[i].Addr = netip.MustParseAddr(addr)
			hops[i].RTT = time.Duration(i+1) * 100 * time.Microsecond
		}
	}
	return hops
}

func openHTTP(server string) netsonde.Service {
	return netsonde.Service{
		Kind: netsonde.KindHTTP, State: netsonde.ServiceOpen, RTT: 1057 * time.Microsecond, Code: 200, Server: server,
	}
}

// printed lets a console with these options consume the batches and returns
// what it wrote.
func printed(t *testing.T, o console.Options, batches ...*netsonde.Batch) (results, diagnostics string) {
	t.Helper()
	var out, errs bytes.Buffer
	o.Results, o.Location = &out, zone
	o.Diagnostics = console.NewDiagnostics(&errs, false, clock)
	c := console.New(o)
	for _, batch := range batches {
		c.Consume(batch)
	}
	if err := c.Run(ended()); err != nil {
		t.Fatalf("Run: %v", err)
	}
	return out.String(), errs.String()
}

// ended is a context that has ended, with which Run only writes what waits.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

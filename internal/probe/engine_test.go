package probe_test

import (
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

func pingTarget(name string, count int, pause time.Duration) *netsonde.Target {
	p := netsonde.Probe{Kind: netsonde.KindPing, Count: count, Size: 56, Timeout: time.Second}
	p.ID = netsonde.NewProbeID(name, 0, p)
	return &netsonde.Target{Name: name, Host: name, Groups: []netsonde.Group{{
		Name: "all", Cadence: netsonde.Cadence{Pause: pause}, Probes: []netsonde.Probe{p},
	}}}
}

// sendAll advances the engine until it has nothing more to send now.
func sendAll(e *probe.Engine, now netsonde.Instant) []packet.Probe {
	var all []packet.Probe
	out := make([]packet.Probe, 64)
	for {
		n := e.Advance(now, out)
		for i := range out[:n] {
			out[i].Sent = now
		}
		e.Sent(out[:n])
		all = append(all, out[:n]...)
		if n < len(out) {
			return all
		}
	}
}

func answer(e *probe.Engine, now netsonde.Instant, p packet.Probe) {
	e.Receive(&packet.Reply{
		Kind: packet.EchoReply, Protocol: p.Protocol, From: p.Destination, Destination: p.Destination,
		Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: now,
	})
}

func at(d time.Duration) netsonde.Instant {
	return netsonde.Instant{Monotonic: d, Real: 1_800_000_000_000_000_000 + int64(d)}
}

func TestSequencesWrapAndAreNeverSharedInFlight(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{1, 2}, Key: 1})
	target := pingTarget("a", 1000, time.Millisecond)
	e.Apply(at(0), []*netsonde.Target{target})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	type key struct{ identity, sequence uint16 }
	uses := map[key]int{}
	tokens := map[uint64]bool{}
	var stuck []packet.Probe
	for round := range 400 {
		now := at(time.Duration(round) * 2 * time.Millisecond)
		sent := sendAll(e, now)
		if len(sent) != 1000 {
			t.Fatalf("round %d sent %d packets, want 1000", round, len(sent))
		}
		for _, p := range sent {
			uses[key{p.Identity, p.Sequence}]++
			if tokens[p.Token] {
				t.Fatalf("round %d uses token %x again", round, p.Token)
			}
			tokens[p.Token] = true
			answer(e, now, p)
		}
		batch := e.Take()
		if batch == nil || len(batch.Rounds) != 1 || batch.Bursts[0].Samples[999].Outcome != netsonde.OutcomeOK {
			t.Fatalf("round %d was not told whole: %+v", round, batch)
		}
		stuck = sent
	}
	if len(uses) != 2<<16 {
		t.Errorf("400,000 packets used %d sequences, want all %d", len(uses), 2<<16)
	}
	for k, n := range uses {
		if n < 3 || n > 4 {
			t.Fatalf("%v was used %d times, want 3 or 4: sequences are not taken in turn", k, n)
		}
	}
	answer(e, at(time.Second), stuck[0])
	if batch := e.Take(); batch != nil {
		t.Errorf("a second answer was told as %+v", batch)
	}
}

func TestFullSequencesGiveUpLateAnswersFirst(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, Key: 1})
	target := pingTarget("a", 65535, time.Millisecond)
	other := pingTarget("b", 3, time.Millisecond)
	e.Apply(at(0), []*netsonde.Target{target, other})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	first := sendAll(e, at(0))
	e.SetAddress(at(0), "b", netip.MustParseAddr("192.0.2.2"))
	if sent := sendAll(e, at(0)); len(first) != 65535 || len(sent) != 1 {
		t.Fatalf("sent %d and %d packets, want 65,535 and the last sequence", len(first), len(sent))
	}
	if sent := sendAll(e, at(0)); len(sent) != 0 {
		t.Fatalf("with no sequence free sent %d packets", len(sent))
	}
	answer(e, at(time.Millisecond), first[7])
	if sent := sendAll(e, at(time.Millisecond)); len(sent) != 1 || sent[0].Sequence != first[7].Sequence {
		t.Fatalf("after one answer sent %d packets, want the one sequence that is free again", len(sent))
	}
	e.Expire(at(time.Second), at(time.Second))
	sent := sendAll(e, at(1500*time.Millisecond))
	if len(sent) != 65534 {
		t.Fatalf("after the loss sent %d packets, want every sequence but the two that b still waits for", len(sent))
	}
	e.Take()
	answer(e, at(1500*time.Millisecond), first[0])
	if batch := e.Take(); batch != nil {
		t.Errorf("a late answer to a sequence that was given away was told as %+v", batch)
	}
}

func TestTraceOf255Hops(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, UDP: []uint16{40000}, Trace: true, Key: 1})
	e.Apply(at(0), []*netsonde.Target{traceTarget("a", 255, time.Second)})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	router := netip.MustParseAddr("198.51.100.1")
	sequences := map[uint16]bool{}
	flow := packet.Probe{}
	for sent := sendAll(e, at(0)); len(sent) > 0; {
		probed := sent[0]
		if probed.Protocol != packet.UDP || probed.Port == 0 || probed.Sequence == 0 || probed.Sequence == 0xffff || !probed.FixedFlow {
			t.Fatalf("hop %d is probed by %+v", probed.TTL, probed)
		}
		if flow.TTL == 0 {
			flow = probed
		}
		if probed.Port != flow.Port || probed.Identity != flow.Identity || probed.Size != flow.Size {
			t.Fatalf("hop %d leaves the flow of hop %d", probed.TTL, flow.TTL)
		}
		if sequences[probed.Sequence] {
			t.Fatalf("hop %d has the sequence of another", probed.TTL)
		}
		sequences[probed.Sequence] = true
		e.Receive(&packet.Reply{
			Kind: packet.TimeExceeded, Protocol: packet.UDP, From: router, Destination: probed.Destination,
			Identity: probed.Identity, Sequence: probed.Sequence, Read: at(time.Millisecond),
		})
		sent = append(sent[1:], sendAll(e, at(time.Millisecond))...)
	}
	batch := e.Take()
	if batch == nil || len(batch.Routes) != 1 {
		t.Fatalf("told %+v, want one route", batch)
	}
	route := batch.Routes[0]
	if len(route.Hops) != 255 || route.Hops[254].TTL != 255 || route.Hops[254].Addr != router || route.End != netsonde.RouteExhausted {
		t.Errorf("told %d hops, end %d", len(route.Hops), route.End)
	}
}

func TestTracesGiveTheirSequencesBack(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, UDP: []uint16{40000}, Trace: true, Key: 1})
	e.Apply(at(0), []*netsonde.Target{traceTarget("a", 8, time.Millisecond)})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	for round := range 40_000 {
		now := at(time.Duration(round) * time.Millisecond)
		for _, hop := range sendAll(e, now) {
			reply := packet.Reply{
				Kind: packet.TimeExceeded, Protocol: packet.UDP, From: netip.MustParseAddr("198.51.100.1"),
				Destination: hop.Destination, Identity: hop.Identity, Sequence: hop.Sequence, Read: now,
			}
			if hop.TTL == 2 {
				reply.Kind, reply.From = packet.Unreachable, hop.Destination
			}
			e.Receive(&reply)
		}
		if batch := e.Take(); batch == nil || len(batch.Routes) != 1 || batch.Routes[0].End != netsonde.RouteReached {
			t.Fatalf("round %d told %+v", round, batch)
		}
	}
}

func traceTarget(name string, hops int, pause time.Duration) *netsonde.Target {
	p := netsonde.Probe{Kind: netsonde.KindTrace, Hops: hops, Timeout: time.Second}
	p.ID = netsonde.NewProbeID(name, 0, p)
	return &netsonde.Target{Name: name, Host: name, Groups: []netsonde.Group{{
		Name: "all", Cadence: netsonde.Cadence{Pause: pause}, Probes: []netsonde.Probe{p},
	}}}
}

func TestMoreHopsThanDatagramsHaveSequences(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, UDP: []uint16{40000}, Trace: true, Key: 1})
	var targets []*netsonde.Target
	for i := range 16_400 {
		targets = append(targets, traceTarget(strconv.Itoa(i), 8, time.Second))
	}
	e.Apply(at(0), targets)
	for _, target := range targets {
		e.SetAddress(at(0), target.Name, netip.MustParseAddr("192.0.2.1"))
	}
	if sent := sendAll(e, at(0)); len(sent) != 65534 {
		t.Errorf("sent %d datagrams at once, want one for each sequence, 65,534", len(sent))
	}
}

func TestReloadsGiveSequencesBack(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, UDP: []uint16{40000}, Trace: true, Key: 1})
	for round := range 20_000 {
		ping := pingTarget("a", 4+round%2, time.Second)
		trace := traceTarget("b", 20+round%2, time.Second)
		e.Apply(at(0), []*netsonde.Target{ping, trace})
		e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
		e.SetAddress(at(0), "b", netip.MustParseAddr("192.0.2.1"))
		if sent := sendAll(e, at(0)); len(sent) != 8+round%2 {
			t.Fatalf("after %d reloads sent %d packets, want %d", round, len(sent), 8+round%2)
		}
	}
}

func TestFailedSendsGiveSequencesBack(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{9}, Key: 1})
	e.Apply(at(0), []*netsonde.Target{pingTarget("a", 1000, time.Millisecond)})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	out := make([]packet.Probe, 1000)
	for round := range 100 {
		now := at(time.Duration(round) * time.Millisecond)
		if n := e.Advance(now, out); n != len(out) {
			t.Fatalf("round %d sends %d packets, want %d", round, n, len(out))
		}
		for i := range out {
			out[i].Sent, out[i].Errno = now, syscall.ENOBUFS
		}
		e.Sent(out)
	}
}

func TestTracesOfOneProbeKeepTheirFlow(t *testing.T) {
	e := probe.New(probe.Options{ICMP: []uint16{1, 2, 3, 4, 5}, Trace: true, Key: 1})
	var targets []*netsonde.Target
	for _, name := range []string{"a", "b", "c", "d"} {
		targets = append(targets, traceTarget(name, 9, time.Second))
	}
	e.Apply(at(0), targets)
	identities := map[netip.Addr]uint16{}
	for i, target := range targets {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		e.SetAddress(at(0), target.Name, addr)
	}
	for round := range 5 {
		now := at(time.Duration(round) * 2 * time.Second)
		for _, p := range sendAll(e, now) {
			if known, found := identities[p.Destination]; found && known != p.Identity {
				t.Fatalf("round %d probes %s as %d, before as %d", round, p.Destination, p.Identity, known)
			}
			identities[p.Destination] = p.Identity
			if p.TTL == 1 {
				answer(e, now, p)
			}
		}
	}
	if len(identities) != 4 {
		t.Fatalf("traced %d targets, want 4", len(identities))
	}
}

func TestKeysMakeOtherTokens(t *testing.T) {
	token := func(key uint64) (uint16, uint64) {
		e := probe.New(probe.Options{ICMP: []uint16{9}, Key: key})
		e.Apply(at(0), []*netsonde.Target{pingTarget("a", 1, time.Second)})
		e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
		sent := sendAll(e, at(0))
		return sent[0].Sequence, sent[0].Token
	}
	sequence1, token1 := token(1)
	sequence2, token2 := token(2)
	if token1 == token2 || sequence1 == sequence2 {
		t.Errorf("two processes begin with sequences %d, %d and tokens %x, %x", sequence1, sequence2, token1, token2)
	}
}

func TestBatchesAreNumbered(t *testing.T) {
	e := probe.New(probe.Options{Shard: 3, ICMP: []uint16{9}})
	e.Apply(at(0), []*netsonde.Target{pingTarget("a", 0, time.Second)})
	e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
	for number := range uint64(3) {
		e.Advance(at(time.Duration(number)*time.Second), make([]packet.Probe, 1))
		if batch := e.Take(); batch == nil || batch.Shard != 3 || batch.Number != number+1 {
			t.Fatalf("batch %d is %+v", number+1, batch)
		}
	}
	if e.Take() != nil {
		t.Error("an empty batch was told")
	}
}

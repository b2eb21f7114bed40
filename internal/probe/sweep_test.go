package probe

import (
	"net/netip"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"

	"pgregory.net/rapid"
)

func at(d time.Duration) netsonde.Instant { return netsonde.Instant{Monotonic: d, Real: int64(d)} }

func begunTarget(id netsonde.ProbeID, probes ...netsonde.Probe) *netsonde.Target {
	for i := range probes {
		probes[i].ID = id + netsonde.ProbeID(i)
	}
	return &netsonde.Target{Name: "host", Host: "host", Groups: []netsonde.Group{{Name: "all", Probes: probes}}}
}

// exchange sends all that an engine has to send and has a share answered.
func exchange(e *Engine, now time.Duration, answered func(i int) bool) {
	var out [64]packet.Probe
	for n := e.Advance(at(now), out[:]); n > 0; n = e.Advance(at(now), out[:]) {
		for i := range out[:n] {
			out[i].Sent = at(now)
		}
		e.Sent(out[:n])
		for i := range out[:n] {
			if p := &out[i]; answered(i) {
				e.Receive(&packet.Reply{
					Kind: packet.EchoReply, From: p.Destination, Destination: p.Destination,
					Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(now + 1),
				})
			}
		}
	}
}

func sweepEngine() *Engine { return New(Options{ICMP: []uint16{1, 2}, Key: 1}) }

func TestBegunTargetsLeaveNothingBehind(t *testing.T) {
	e := sweepEngine()
	host := netip.MustParseAddr("192.0.2.1")
	now := time.Duration(0)
	for turn := range 50 {
		for i := range 20 {
			id := netsonde.ProbeID(turn*1000 + i*10 + 1)
			probes := []netsonde.Probe{{Kind: netsonde.KindPing, Count: 1 + i%3, Size: 8, Timeout: time.Second}}
			if i%4 == 0 {
				probes = append(probes, netsonde.Probe{Kind: netsonde.KindHTTP, Timeout: time.Second})
			}
			e.Begin(at(now), begunTarget(id, probes...), host)
		}
		if e.Begun() != 20 {
			t.Fatalf("%d targets are under way, want 20", e.Begun())
		}
		exchange(e, now, func(i int) bool { return i%2 == 0 })
		for _, due := range e.Admit(at(now), nil, 5) {
			e.Checked(at(now), netsonde.Service{Probe: due.Probe.ID, Round: due.Round})
		}
		now += time.Second
		e.Expire(at(now), at(now))
		if batch := e.Take(); len(batch.Rounds) != 20 || len(batch.Bursts) != 20 || len(batch.Services) != 5 {
			t.Fatalf("%d rounds, %d bursts and %d services were told", len(batch.Rounds), len(batch.Bursts), len(batch.Services))
		}
		now += time.Second
	}
	used := 0
	for _, space := range e.slots.spaces[packet.Echo] {
		used += space.used
	}
	if e.Begun() != 0 || !e.Idle() || len(e.probes) != 0 || len(e.targets) != 0 || used != 0 || e.reviews.length() != 0 {
		t.Errorf("left behind: %d targets, %d probes, %d sequences, %d timers", e.Begun(), len(e.probes), used, e.reviews.length())
	}
	if len(e.sweep.spare) > 20 {
		t.Errorf("%d targets are kept for their memory, though 20 at most were under way", len(e.sweep.spare))
	}
}

func TestBegunTargetThatIsCutLeavesNothingBehind(t *testing.T) {
	e := sweepEngine()
	host := netip.MustParseAddr("192.0.2.1")
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 3, Size: 8, Timeout: time.Second, Spacing: time.Second}
	check := netsonde.Probe{Kind: netsonde.KindHTTP, Timeout: time.Second}
	e.Begin(at(0), begunTarget(1, ping), host)
	exchange(e, 0, func(int) bool { return true })
	e.Begin(at(1), begunTarget(11, ping), host)         // not sent
	e.Begin(at(1), begunTarget(31, check, check), host) // half
	e.Begin(at(1), begunTarget(21, check), host)        // not run
	if due := e.Admit(at(1), nil, 1); len(due) != 1 || due[0].Probe.ID != 31 {
		t.Fatalf("admitted are %+v, want the first check alone", due)
	}
	e.Checked(at(1), netsonde.Service{Probe: 31, Round: 1})
	e.DrainSweep(at(2))
	e.Drain(at(2))
	batch := e.Take()
	if len(batch.Rounds) != 2 || len(batch.Bursts) != 1 || len(batch.Bursts[0].Samples) != 1 || len(batch.Services) != 1 {
		t.Errorf("told are %+v", batch)
	}
	if e.Begun() != 0 || !e.Idle() || len(e.probes) != 0 {
		t.Errorf("%d targets and %d probes are left", e.Begun(), len(e.probes))
	}
	e.Begin(at(3), begunTarget(41, ping), host)
	if e.Begun() != 0 {
		t.Error("a target began after the drain")
	}
}

func TestAnswerOfAForgottenTargetIsIgnored(t *testing.T) {
	e := sweepEngine()
	host := netip.MustParseAddr("192.0.2.1")
	ping := netsonde.Probe{Kind: netsonde.KindPing, Count: 1, Size: 8, Timeout: time.Second}
	e.Begin(at(0), begunTarget(1, ping), host)
	var out [1]packet.Probe
	e.Advance(at(0), out[:])
	e.Sent(out[:])
	e.Expire(at(time.Second), at(time.Second))
	e.Take()
	e.Begin(at(time.Second), begunTarget(2, ping), host)
	e.Receive(&packet.Reply{
		Kind: packet.EchoReply, From: host, Destination: host,
		Identity: out[0].Identity, Sequence: out[0].Sequence, HasToken: true, Token: out[0].Token, Read: at(time.Second),
	})
	if batch := e.Take(); batch != nil {
		t.Errorf("the answer was told as %+v", batch)
	}
}

// spacedEngine has begun three echoes, a second apart and half a second waited
// for, and sent as many as are due by then.
func spacedEngine(until time.Duration) (*Engine, []packet.Probe) {
	e := sweepEngine()
	e.Begin(at(0), begunTarget(1, netsonde.Probe{
		Kind: netsonde.KindPing, Count: 3, Size: 8, Timeout: time.Second / 2, Spacing: time.Second,
	}), netip.MustParseAddr("192.0.2.1"))
	var sent []packet.Probe
	for now := time.Duration(0); now <= until; now += time.Second / 2 {
		e.Expire(at(now), at(now))
		var out [4]packet.Probe
		n := e.Advance(at(now), out[:])
		for i := range out[:n] {
			out[i].Sent = at(now)
		}
		e.Sent(out[:n])
		sent = append(sent, out[:n]...)
	}
	return e, sent
}

func echoed(p *packet.Probe, read time.Duration) *packet.Reply {
	return &packet.Reply{
		Kind: packet.EchoReply, From: p.Destination, Destination: p.Destination,
		Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(read),
	}
}

// Nothing of a begun target is waited for once its burst has ended, but until
// then an answer that comes too late is late, and no loss.
func TestLateAnswerWithinABegunBurst(t *testing.T) {
	e, sent := spacedEngine(2 * time.Second)
	e.Receive(echoed(&sent[0], 2100*time.Millisecond))
	e.Receive(echoed(&sent[0], 2150*time.Millisecond))
	e.Receive(echoed(&sent[2], 2200*time.Millisecond))
	batch := e.Take()
	if batch == nil || len(batch.Bursts) != 1 || len(batch.Amends) != 0 {
		t.Fatalf("told is %+v", batch)
	}
	for i, want := range []netsonde.Sample{
		{Outcome: netsonde.OutcomeLate, RTT: 2100 * time.Millisecond},
		{Outcome: netsonde.OutcomeUnanswered},
		{Outcome: netsonde.OutcomeOK, RTT: 200 * time.Millisecond},
	} {
		if got := batch.Bursts[0].Samples[i]; got.Outcome != want.Outcome || got.RTT != want.RTT {
			t.Errorf("echo %d is %v after %v, want %v after %v", i, got.Outcome, got.RTT, want.Outcome, want.RTT)
		}
	}
	used := 0
	for _, space := range e.slots.spaces[packet.Echo] {
		used += space.used
	}
	if used != 0 {
		t.Errorf("%d sequences are left behind", used)
	}
	e.Begin(at(3*time.Second), begunTarget(2, netsonde.Probe{
		Kind: netsonde.KindPing, Count: 3, Size: 8, Timeout: time.Second, Spacing: time.Second,
	}), netip.MustParseAddr("192.0.2.1"))
	e.Receive(echoed(&sent[1], 3*time.Second))
	if batch := e.Take(); batch != nil {
		t.Errorf("an answer to a target that was forgotten is told as %+v", batch)
	}
}

// Slots that only wait for late answers make room for what is to be sent, and
// nobody else's is freed in their stead.
func TestLateAnswersMakeRoom(t *testing.T) {
	e, sent := spacedEngine(time.Second)
	for e.slots.evict() {
	}
	other := e.slots.take(packet.Echo, -1)
	e.slots.pool[other].measured = &measurement{}
	e.Receive(echoed(&sent[1], 1100*time.Millisecond))
	e.Expire(at(3*time.Second), at(3*time.Second))
	var out [4]packet.Probe
	n := e.Advance(at(3*time.Second), out[:])
	for i := range out[:n] {
		out[i].Sent = at(3 * time.Second)
	}
	e.Sent(out[:n])
	e.Expire(at(4*time.Second), at(4*time.Second))
	if e.slots.pool[other].measured == nil || e.Begun() != 0 {
		t.Errorf("the other's slot is %+v, %d targets are under way", e.slots.pool[other], e.Begun())
	}
}

// Whoever interrupts waits for what is in flight and not for what was not sent.
func TestDrainWaitsForWhatWasSent(t *testing.T) {
	e, sent := spacedEngine(time.Second)
	e.DrainSweep(at(1100 * time.Millisecond))
	e.Drain(at(1100 * time.Millisecond))
	if due, ok := e.Next(); !ok || due != 1500*time.Millisecond {
		t.Errorf("the next is due at %v, %v; want 1.5s", due, ok)
	}
	e.Receive(echoed(&sent[0], 1200*time.Millisecond))
	e.Expire(at(1500*time.Millisecond), at(1500*time.Millisecond))
	batch := e.Take()
	if batch == nil || len(batch.Bursts) != 1 || len(batch.Bursts[0].Samples) != 2 || e.Begun() != 0 {
		t.Fatalf("told is %+v, %d are under way", batch, e.Begun())
	}
	if got := batch.Bursts[0].Samples[0].Outcome; got != netsonde.OutcomeLate {
		t.Errorf("the first echo is %v", got)
	}
}

// A target's state is used again; what is handed out is not, so it comes in
// large pieces.
func TestBegunTargetsAllocateLittle(t *testing.T) {
	e := sweepEngine()
	host := netip.MustParseAddr("192.0.2.1")
	target := begunTarget(1, netsonde.Probe{Kind: netsonde.KindPing, Count: 1, Size: 8, Timeout: time.Second})
	now := time.Duration(0)
	turn := func() {
		for range 64 {
			e.Begin(at(now), target, host)
		}
		exchange(e, now, func(int) bool { return true })
		e.Take()
		now += time.Millisecond
	}
	turn()
	if perTarget := testing.AllocsPerRun(100, turn) / 64; perTarget > 0.5 {
		t.Errorf("%.2f allocations a target, want less than 0.5", perTarget)
	}
}

func TestAwaitedCountsThePacketsOfTheLastMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var counted awaited
		var flying []time.Duration
		now := time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, int(AwaitedFor/4)).Draw(t, "wait"))
			if rapid.Bool().Draw(t, "answer") && len(flying) > 0 {
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				counted.answered(flying[i])
				flying = append(flying[:i], flying[i+1:]...)
			} else {
				counted.sent(now)
				flying = append(flying, now)
			}
			// Time is reckoned in spans, so one span is neither here nor there.
			least, most := 0, 0
			for _, sent := range flying {
				if now-sent < AwaitedFor-awaitedSpan {
					least++
				}
				if now-sent <= AwaitedFor {
					most++
				}
			}
			counted.advance(now)
			if counted.total < least || counted.total > most {
				t.Fatalf("%d packets are counted, want %d to %d", counted.total, least, most)
			}
		}
	})
}

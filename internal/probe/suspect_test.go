package probe_test

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

// suspectWorld is an engine in a world that answers each packet at once, or not.
type suspectWorld struct {
	t      *testing.T
	engine *probe.Engine
	now    netsonde.Instant
	// answer returns what comes back for a packet, a zero kind for nothing.
	answer func(p *packet.Probe) packet.Reply
	// freshly is what the echoes of a new socket come to; nil when nobody says.
	freshly func(probe.Inquiry) netsonde.EchoSeries
	// errno is why every send fails, 0 if none does.
	errno   syscall.Errno
	sent    []packet.Probe
	asked   []probe.Inquiry
	found   []netsonde.Evidence
	omitted uint64
	bursts  int
	routes  int
	rounds  int
	amends  int
}

// ways answers as a target three hops away does, dead or alive.
func ways(p *packet.Probe, alive bool) packet.Reply {
	switch {
	case p.TTL == 1 || p.TTL == 2:
		return packet.Reply{Kind: packet.TimeExceeded, From: netip.AddrFrom4([4]byte{192, 0, 2, p.TTL})}
	case !alive:
		return packet.Reply{}
	case p.Protocol == packet.UDP:
		return packet.Reply{Kind: packet.Unreachable, Type: 3, Code: 3, From: p.Destination}
	default:
		return packet.Reply{Kind: packet.EchoReply, From: p.Destination, HasToken: true}
	}
}

func newSuspectWorld(t *testing.T) *suspectWorld {
	w := &suspectWorld{
		t: t,
		engine: probe.New(probe.Options{
			ICMP: []uint16{0x10, 0x11, 0x12, 0x13}, UDP: []uint16{40000, 40001, 40002}, Trace: true, Key: 7, Spare: true,
		}),
		now: netsonde.Instant{Monotonic: time.Second, Real: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()},
	}
	w.engine.Gather(8, netsonde.Allowance{All: 10_000, Network: 2000, Destination: 100})
	return w
}

// watch makes a plan of so many targets that are pinged each second.
func (w *suspectWorld) watch(count int, kinds ...netsonde.Kind) []*netsonde.Target {
	var targets []*netsonde.Target
	for i := range count {
		target := &netsonde.Target{Name: fmt.Sprintf("t%d", i), Host: fmt.Sprintf("t%d", i)}
		for _, kind := range append([]netsonde.Kind{netsonde.KindPing}, kinds...) {
			p := netsonde.Probe{Kind: kind, Timeout: 500 * time.Millisecond, Count: 1, Size: 56, Hops: 30}
			p.ID = netsonde.NewProbeID(target.Name, target.Family, p)
			target.Groups = append(target.Groups, netsonde.Group{
				Name: kind.String(), Cadence: netsonde.Cadence{Every: time.Second}, Probes: []netsonde.Probe{p},
			})
		}
		targets = append(targets, target)
	}
	w.apply(targets)
	return targets
}

func (w *suspectWorld) apply(targets []*netsonde.Target) {
	w.engine.Apply(w.now, targets)
	for _, target := range targets {
		var number int
		fmt.Sscanf(target.Name, "t%d", &number)
		w.engine.SetAddress(w.now, target.Name, netip.AddrFrom4([4]byte{10, 1, byte(number >> 8), byte(number)}))
	}
}

// run lets so much time pass.
func (w *suspectWorld) run(length time.Duration) {
	end := w.now.Monotonic + length
	out := make([]packet.Probe, 64)
	for {
		w.engine.Expire(w.now, w.now)
		for n := len(out); n == len(out); {
			n = w.engine.Advance(w.now, out)
			for i := range out[:n] {
				out[i].Sent, out[i].Errno = w.now, w.errno
			}
			w.engine.Sent(out[:n])
			w.sent = append(w.sent, out[:n]...)
			for i := range out[:n] {
				if w.errno == 0 {
					w.reply(&out[i])
				}
			}
		}
		for _, asked := range w.engine.Inquiries(nil) {
			w.asked = append(w.asked, asked)
			if w.freshly != nil {
				w.engine.Freshly(w.now, asked.Number, w.freshly(asked))
				w.engine.Locally(w.now, asked.Number, &netsonde.LocalPath{})
			}
		}
		w.take()
		due, ok := w.engine.Next()
		if !ok || due > end {
			break
		}
		w.now = w.now.Add(max(due-w.now.Monotonic, 0))
	}
	w.now = w.now.Add(end - w.now.Monotonic)
}

func (w *suspectWorld) reply(p *packet.Probe) {
	r := w.answer(p)
	if r.Kind == 0 {
		return
	}
	r.Protocol, r.Destination, r.Identity, r.Sequence = p.Protocol, p.Destination, p.Identity, p.Sequence
	r.Port, r.Token, r.TTL, r.Read = p.Port, p.Token, 64, w.now
	w.engine.Receive(&r)
}

func (w *suspectWorld) take() {
	batch := w.engine.Take()
	if batch == nil {
		return
	}
	w.found = append(w.found, batch.Evidence...)
	w.bursts += len(batch.Bursts)
	w.routes += len(batch.Routes)
	w.rounds += len(batch.Rounds)
	w.amends += len(batch.Amends)
	for _, event := range batch.Events {
		if event.Kind == netsonde.EventEvidenceOmitted {
			w.omitted += event.Count
		}
	}
}

// series is five echoes with one outcome.
func series(outcome netsonde.Outcome) func(probe.Inquiry) netsonde.EchoSeries {
	return func(asked probe.Inquiry) netsonde.EchoSeries {
		return netsonde.EchoSeries{
			Identity: 0x99, Samples: slices.Repeat([]netsonde.Sample{{Outcome: outcome}}, asked.Probe.Count),
		}
	}
}

func always(alive bool) func(*packet.Probe) packet.Reply {
	return func(p *packet.Probe) packet.Reply { return ways(p, alive) }
}

func TestVerdicts(t *testing.T) {
	outcomes := map[byte]netsonde.Outcome{
		'o': netsonde.OutcomeOK, 'l': netsonde.OutcomeLate, '-': netsonde.OutcomeUnanswered,
		'u': netsonde.OutcomeUnreachable, 'f': netsonde.OutcomeSendFailed, 'v': netsonde.OutcomeOverrun,
		's': netsonde.OutcomeStalled,
	}
	for _, c := range []struct {
		same, fresh string
		want        netsonde.Verdict
	}{
		{"-----", "-----", netsonde.VerdictDown},
		{"uuuuu", "-----", netsonde.VerdictDown},
		{"-----", "ooooo", netsonde.VerdictStuckSession},
		{"-----", "ooo--", netsonde.VerdictStuckSession},
		{"--", "ll", netsonde.VerdictStuckSession},
		{"-----", "oo---", netsonde.VerdictLossy},
		{"-----", "o", netsonde.VerdictLossy},
		{"-", "ooooo", netsonde.VerdictLossy},
		{"o----", "ooooo", netsonde.VerdictLossy},
		{"ooooo", "-----", netsonde.VerdictLossy},
		{"ooooo", "ooooo", netsonde.VerdictRecovered},
		{"ooolo", "", netsonde.VerdictRecovered},
		{"fffff", "ooooo", netsonde.VerdictRecovered},
		{"-----", "", netsonde.VerdictUnknown},
		{"-----", "fffff", netsonde.VerdictUnknown},
		{"fffff", "fffff", netsonde.VerdictLocal},
		{"fffff", "", netsonde.VerdictUnknown},
		{"ffsff", "fffss", netsonde.VerdictLocal},
		{"fffff", "sssss", netsonde.VerdictUnknown},
		{"sssss", "sssss", netsonde.VerdictUnknown},
		{"vvvvv", "-----", netsonde.VerdictUnknown},
		{"", "", netsonde.VerdictUnknown},
	} {
		var both [2]netsonde.EchoSeries
		for i, text := range []string{c.same, c.fresh} {
			for j := range len(text) {
				both[i].Samples = append(both[i].Samples, netsonde.Sample{Outcome: outcomes[text[j]]})
			}
		}
		if got := netsonde.NewVerdict(&both[0], &both[1]); got != c.want {
			t.Errorf("same %q, fresh %q: %v, want %v", c.same, c.fresh, got, c.want)
		}
	}
}

// TestEvidenceOfADeadHost sees one event with everything in it, and nothing of
// it among the ordinary results.
func TestEvidenceOfADeadHost(t *testing.T) {
	w := newSuspectWorld(t)
	w.answer, w.freshly = always(true), series(netsonde.OutcomeUnanswered)
	targets := w.watch(1, netsonde.KindTrace)
	w.run(3 * time.Second)
	if len(w.found)+len(w.asked) > 0 {
		t.Fatalf("evidence of a target that answers: %+v", w.found)
	}
	w.answer = always(false)
	w.run(10 * time.Second)
	if len(w.found) != 1 || len(w.asked) != 1 {
		t.Fatalf("%d pieces of evidence, %d inquiries, want one", len(w.found), len(w.asked))
	}
	found := w.found[0]
	if found.Target != targets[0] || found.Probe != targets[0].Groups[0].Probes[0].ID || found.Addr != netip.MustParseAddr("10.1.0.0") {
		t.Errorf("evidence about %v, %x, %v", found.Target, found.Probe, found.Addr)
	}
	if found.Verdict != netsonde.VerdictDown || found.Moved || found.Lost != 1 || found.Sent != 1 {
		t.Errorf("verdict %v, moved %v, lost %d of %d", found.Verdict, found.Moved, found.Lost, found.Sent)
	}
	if gap := found.Detected.Monotonic - found.Since.Monotonic; gap != 500*time.Millisecond {
		t.Errorf("detected %v after the echo left, want its timeout", gap)
	}
	if found.Took <= 0 || found.Took > 2*time.Second {
		t.Errorf("it took %v", found.Took)
	}
	if len(found.Traces) != 3 {
		t.Fatalf("%d traces", len(found.Traces))
	}
	for i, route := range found.Traces {
		if int(route.Flow) != i || route.End != netsonde.RouteSilent || route.Changed ||
			len(route.Hops) < 2 || route.Hops[1].Addr != netip.MustParseAddr("192.0.2.2") {
			t.Errorf("trace %d: %+v", i, route)
		}
	}
	if found.LastGood == nil || len(found.LastGood.Hops) != 3 || found.LastGood.Started.Monotonic >= found.Since.Monotonic+time.Second {
		t.Errorf("the last good trace: %+v", found.LastGood)
	}
	if s := found.Same.Statistics(); s.Sent != 5 || s.Theirs != 5 || found.Same.Identity != w.asked[0].Identity {
		t.Errorf("echoes under the old identity: %+v", found.Same)
	}
	if found.Local == nil || len(found.Fresh.Samples) != 5 {
		t.Errorf("what others told: %+v, %+v", found.Local, found.Fresh)
	}
	if w.bursts != w.rounds-w.routes || w.routes > 13 || w.amends != 0 {
		t.Errorf("%d bursts, %d routes, %d rounds, %d amends: the evidence's own must not be told", w.bursts, w.routes, w.rounds, w.amends)
	}
}

// TestEvidenceWaits sees that a target has one inquiry until it was up again and
// a minute has passed.
func TestEvidenceWaits(t *testing.T) {
	w := newSuspectWorld(t)
	w.answer, w.freshly = always(false), series(netsonde.OutcomeUnanswered)
	w.watch(1)
	w.run(5 * time.Second)
	if len(w.found) > 0 {
		t.Fatalf("evidence of a target that was never up")
	}
	flap := func(up, down time.Duration, want int) {
		t.Helper()
		w.answer = always(true)
		w.run(up)
		w.answer = always(false)
		w.run(down)
		if len(w.found) != want {
			t.Fatalf("%d pieces of evidence, want %d", len(w.found), want)
		}
	}
	flap(5*time.Second, 10*time.Second, 1)
	flap(5*time.Second, 10*time.Second, 1) // within the minute
	flap(5*time.Second, 100*time.Second, 1)
	flap(5*time.Second, 10*time.Second, 2)
	if w.found[0].LastGood != nil {
		t.Errorf("a last good trace where none was made: %+v", w.found[0].LastGood)
	}
}

// TestEvidenceOfLossThatEnds keeps the trace that reached the target for the
// next time.
func TestEvidenceOfLossThatEnds(t *testing.T) {
	w := newSuspectWorld(t)
	w.answer, w.freshly = always(true), series(netsonde.OutcomeOK)
	w.watch(1)
	w.run(3 * time.Second)
	sent := len(w.sent)
	w.answer = func(p *packet.Probe) packet.Reply { return ways(p, len(w.sent) > sent+1) }
	w.run(70 * time.Second)
	w.answer, w.freshly = always(false), series(netsonde.OutcomeUnanswered)
	w.run(5 * time.Second)
	if len(w.found) != 2 || w.found[0].Verdict != netsonde.VerdictRecovered || w.found[1].Verdict != netsonde.VerdictDown {
		t.Fatalf("evidence: %+v", w.found)
	}
	if good := w.found[1].LastGood; good == nil || good.End != netsonde.RouteReached || len(good.Hops) != 3 {
		t.Errorf("the last good trace: %+v", good)
	}
}

// TestStuckSessionMoves has a firewall drop all identities that it knows: the
// target is up again as soon as its probe has moved.
func TestStuckSessionMoves(t *testing.T) {
	w := newSuspectWorld(t)
	w.answer, w.freshly = always(true), series(netsonde.OutcomeOK)
	w.watch(1)
	w.run(5 * time.Second)
	stuck := map[uint16]bool{}
	for _, p := range w.sent {
		if p.Protocol == packet.Echo {
			stuck[p.Identity] = true
		}
	}
	if len(stuck) != 3 || stuck[0x13] {
		t.Fatalf("identities in use: %v, want all but the last", stuck)
	}
	w.answer = func(p *packet.Probe) packet.Reply { return ways(p, p.Protocol != packet.Echo || !stuck[p.Identity]) }
	w.run(4 * time.Second)
	if len(w.found) != 1 || w.found[0].Verdict != netsonde.VerdictStuckSession || !w.found[0].Moved {
		t.Fatalf("evidence: %+v", w.found)
	}
	for _, route := range w.found[0].Traces {
		if route.End != netsonde.RouteReached {
			t.Errorf("a trace in datagrams does not pass: %+v", route)
		}
	}
	moved := len(w.sent)
	w.run(10 * time.Second)
	for _, p := range w.sent[moved:] {
		if p.Identity != 0x13 {
			t.Fatalf("an echo under %#x after the move", p.Identity)
		}
	}
	// Now that one is stuck too, and the others have been idle.
	w.answer = func(p *packet.Probe) packet.Reply { return ways(p, p.Protocol != packet.Echo || p.Identity != 0x13) }
	w.run(time.Minute)
	w.answer = always(true)
	w.run(3 * time.Second)
	w.answer = func(p *packet.Probe) packet.Reply { return ways(p, p.Protocol != packet.Echo || p.Identity != 0x13) }
	w.run(5 * time.Second)
	if len(w.found) != 2 || w.found[1].Verdict != netsonde.VerdictStuckSession || w.found[1].Same.Identity != 0x13 {
		t.Fatalf("evidence: %+v", w.found[1:])
	}
	if last := w.sent[len(w.sent)-1]; last.Identity == 0x13 {
		t.Error("the probe has not moved back")
	}
}

// TestEvidenceOfAMachineWithoutAWay looks into sends that fail, but not into a
// queue that is full.
func TestEvidenceOfAMachineWithoutAWay(t *testing.T) {
	for errno, want := range map[syscall.Errno]int{
		syscall.ENETUNREACH: 1, syscall.EHOSTUNREACH: 1, syscall.EPERM: 1, syscall.ENETDOWN: 1,
		syscall.ENOBUFS: 0, syscall.EMSGSIZE: 0,
	} {
		w := newSuspectWorld(t)
		w.answer, w.freshly = always(true), series(netsonde.OutcomeSendFailed)
		w.watch(1)
		w.run(3 * time.Second)
		w.errno = errno
		w.run(5 * time.Second)
		if len(w.found) != want {
			t.Fatalf("%v: %d pieces of evidence, want %d", errno, len(w.found), want)
		}
		if want == 0 {
			continue
		}
		if found := w.found[0]; found.Verdict != netsonde.VerdictLocal || found.Lost != 1 || found.Traces[0].End != netsonde.RouteSendFailed {
			t.Errorf("%v: %+v", errno, found)
		}
	}
}

// TestEvidenceStorm loses 10,000 targets at once: few are looked into, the rest
// are counted, and no rate is exceeded.
func TestEvidenceStorm(t *testing.T) {
	w := newSuspectWorld(t)
	w.engine.Gather(8, netsonde.Allowance{All: 400, Network: 200, Destination: 50})
	w.answer, w.freshly = always(true), series(netsonde.OutcomeUnanswered)
	const count = 10_000
	w.watch(count)
	w.run(12 * time.Second)
	w.answer = always(false)
	before, start := len(w.sent), w.now.Monotonic
	w.run(20 * time.Second)
	if len(w.found) < 8 || len(w.found) > 16+20 {
		t.Errorf("%d pieces of evidence", len(w.found))
	}
	if uint64(len(w.found))+w.omitted != count {
		t.Errorf("%d pieces of evidence and %d left out, of %d targets", len(w.found), w.omitted, count)
	}
	for _, found := range w.found {
		if found.Took > 2*time.Second {
			t.Errorf("one took %v", found.Took)
		}
	}
	// What is left are the plan's own echoes, count a second.
	perSecond := map[time.Duration]int{}
	for _, p := range w.sent[before:] {
		if p.FixedFlow {
			perSecond[(p.Sent.Monotonic-start)/time.Second]++
		}
	}
	for second, packets := range perSecond {
		if packets > 410 {
			t.Errorf("%d packets of traces in second %d", packets, second)
		}
	}
}

// TestEvidencePacesADestination sees that no destination is sent more than it may.
func TestEvidencePacesADestination(t *testing.T) {
	w := newSuspectWorld(t)
	w.engine.Gather(8, netsonde.Allowance{All: 1000, Network: 1000, Destination: 20})
	w.answer, w.freshly = always(true), series(netsonde.OutcomeUnanswered)
	w.watch(1)
	w.run(3 * time.Second)
	w.answer = always(false)
	before := len(w.sent)
	w.run(10 * time.Second)
	if len(w.found) != 1 || w.found[0].Took > 2*time.Second {
		t.Fatalf("evidence: %+v", w.found)
	}
	traced := 0
	for _, p := range w.sent[before:] {
		if p.FixedFlow {
			traced++
		}
	}
	// 1.8 s at 20 a second, of which the echoes have some.
	if traced == 0 || traced > 38 {
		t.Errorf("%d packets of traces", traced)
	}
	for _, sample := range w.found[0].Same.Samples {
		if sample.Outcome == netsonde.OutcomePending {
			t.Errorf("an echo that was not waited for is told: %+v", w.found[0].Same)
		}
	}
}

// TestEvidenceWithoutAnswers ends in time though those beside the engine, or the
// sockets, say nothing.
func TestEvidenceWithoutAnswers(t *testing.T) {
	w := newSuspectWorld(t)
	w.answer = always(true)
	w.watch(1)
	w.run(3 * time.Second)
	w.answer = always(false)
	w.run(6 * time.Second)
	if len(w.found) != 1 || w.found[0].Verdict != netsonde.VerdictUnknown || w.found[0].Took > 2*time.Second ||
		w.found[0].Fresh.Problem == "" || w.found[0].Local != nil {
		t.Fatalf("evidence: %+v", w.found)
	}
	w.engine.Freshly(w.now, w.asked[0].Number, netsonde.EchoSeries{})
	w.engine.Locally(w.now, w.asked[0].Number, nil)
	if w.take(); len(w.found) != 1 {
		t.Error("an answer that came too late is told")
	}
}

// TestEvidenceEndsWithItsTarget drops an inquiry whose target leaves the plan,
// and keeps one whose target stays.
func TestEvidenceEndsWithItsTarget(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *suspectWorld, targets []*netsonde.Target)
		want int
	}{
		{"the target leaves", func(w *suspectWorld, targets []*netsonde.Target) { w.apply(targets[1:]) }, 1},
		{"the same plan again", func(w *suspectWorld, targets []*netsonde.Target) { w.apply(targets) }, 2},
		{"another trace beside", func(w *suspectWorld, targets []*netsonde.Target) {
			changed := *targets[0]
			changed.Groups = changed.Groups[:1]
			w.apply([]*netsonde.Target{&changed, targets[1]})
		}, 2},
		{"a drain", func(w *suspectWorld, _ []*netsonde.Target) { w.engine.Drain(w.now) }, 0},
		{"no evidence any more", func(w *suspectWorld, _ []*netsonde.Target) { w.engine.Gather(0, netsonde.Allowance{}) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newSuspectWorld(t)
			w.answer = always(true)
			targets := w.watch(2, netsonde.KindTrace)
			w.run(3 * time.Second)
			w.answer = always(false)
			for len(w.asked) < 2 {
				w.run(10 * time.Millisecond)
			}
			c.do(w, targets)
			w.run(5 * time.Second)
			if len(w.found) != c.want {
				t.Errorf("%d pieces of evidence, want %d", len(w.found), c.want)
			}
			if c.want == 0 && w.engine.Idle() == false && c.name == "a drain" {
				t.Error("something still runs")
			}
		})
	}
}

// TestSparedIdentity is out of use until it is asked for.
func TestSparedIdentity(t *testing.T) {
	for _, c := range []struct {
		identities, want int
		spare            bool
	}{{4, 3, true}, {16, 15, true}, {3, 3, true}, {4, 4, false}} {
		options := probe.Options{Key: 7, Spare: c.spare}
		for i := range c.identities {
			options.ICMP = append(options.ICMP, uint16(i+1))
		}
		w := newSuspectWorld(t)
		w.engine = probe.New(options)
		w.answer = always(true)
		w.watch(40)
		w.run(5 * time.Second)
		used := map[uint16]bool{}
		for _, p := range w.sent {
			used[p.Identity] = true
		}
		if len(used) != c.want {
			t.Errorf("%d identities, spare %v: %d in use, want %d", c.identities, c.spare, len(used), c.want)
		}
	}
}

package probe_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

// verdict is how an echo ended and why.
type verdict struct {
	outcome netsonde.Outcome
	cause   netsonde.Cause
}

func (v verdict) String() string { return fmt.Sprint(v.outcome, " ", v.cause) }

// TestDropsOfThisMachine has ten echoes sent, some of them answered, and the
// kernel's counters tell of drops meanwhile: nothing that the path lost may be
// charged to them, and all that they explain must be.
func TestDropsOfThisMachine(t *testing.T) {
	const echoes = 10
	theirs := verdict{netsonde.OutcomeUnanswered, netsonde.CauseNone}
	queue := verdict{netsonde.OutcomeSendFailed, netsonde.CauseQueue}
	out := verdict{netsonde.OutcomeSendFailed, netsonde.CauseInterfaceOut}
	in := verdict{netsonde.OutcomeOverrun, netsonde.CauseInterfaceIn}
	backlog := verdict{netsonde.OutcomeOverrun, netsonde.CauseBacklog}
	carrier := verdict{netsonde.OutcomeSendFailed, netsonde.CauseNoCarrier}
	// Packets of ours and others, as the interface counts them.
	alone := netsonde.InterfaceDrops{Received: 5, Sent: 10}
	crowd := netsonde.InterfaceDrops{Received: 5000, Sent: 5000}
	with := func(d netsonde.InterfaceDrops, f func(*netsonde.InterfaceDrops)) netsonde.InterfaceDrops {
		f(&d)
		return d
	}
	for _, test := range []struct {
		name     string
		answered int
		// unsent are echoes that have no stamp; unstamped, that none ever has.
		unsent    int
		unstamped bool
		passed    netsonde.InterfaceDrops
		backlog   uint64
		elsewhere bool
		gone      bool // the way there
		loopback  bool
		overruns  uint64
		outages   []netsonde.Outage
		want      map[verdict]int
	}{
		{name: "nothing dropped", answered: 5, unsent: 5, passed: alone, want: map[verdict]int{theirs: 5}},
		{name: "queue, and the path lost as many", answered: 4, unsent: 3, want: map[verdict]int{queue: 3, theirs: 3},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.QueueDropped = 50 })},
		{name: "queue of others' packets", answered: 4, want: map[verdict]int{theirs: 6},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.QueueDropped = 50 })},
		{name: "queue dropped fewer than have no stamp", answered: 5, unsent: 5, want: map[verdict]int{queue: 2, theirs: 3},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.QueueDropped = 2 })},
		{name: "queue where nothing is ever stamped", answered: 5, unsent: 5, unstamped: true, want: map[verdict]int{theirs: 5},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.QueueDropped = 5 })},
		{name: "queue of another interface", answered: 5, unsent: 5, elsewhere: true, want: map[verdict]int{theirs: 5},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.QueueDropped = 5 })},
		{name: "interface out, before the stamp", answered: 5, unsent: 5, want: map[verdict]int{out: 5},
			passed: with(crowd, func(d *netsonde.InterfaceDrops) { d.SendDropped = 5 })},
		{name: "interface out, behind the stamp", answered: 7, want: map[verdict]int{out: 3},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.SendDropped = 3 })},
		{name: "interface out, in a crowd", answered: 7, want: map[verdict]int{theirs: 3},
			passed: with(crowd, func(d *netsonde.InterfaceDrops) { d.SendDropped = 100 })},
		{name: "interface in", answered: 5, want: map[verdict]int{in: 2, theirs: 3},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.ReceiveMissed = 2 })},
		{name: "interface in, in a crowd", answered: 5, want: map[verdict]int{theirs: 5},
			passed: with(crowd, func(d *netsonde.InterfaceDrops) { d.ReceiveMissed = 400 })},
		{name: "interface in, of what never left", answered: 5, unsent: 5, want: map[verdict]int{theirs: 5},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.ReceiveMissed = 5 })},
		{name: "backlog", answered: 5, backlog: 3, want: map[verdict]int{backlog: 3, theirs: 2},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.ReceiveDropped = 3 })},
		{name: "backlog of another namespace", answered: 5, backlog: 30, want: map[verdict]int{theirs: 5}, passed: alone},
		{name: "unknown protocols", answered: 5, want: map[verdict]int{theirs: 5},
			passed: with(alone, func(d *netsonde.InterfaceDrops) { d.ReceiveDropped = 3 })},
		{name: "backlog of the loopback, both ways", answered: 5, backlog: 5, loopback: true, want: map[verdict]int{backlog: 5},
			passed: netsonde.InterfaceDrops{Received: 15, Sent: 15, ReceiveDropped: 5}},
		{name: "receive buffer", answered: 5, overruns: 2, passed: alone,
			want: map[verdict]int{{netsonde.OutcomeOverrun, netsonde.CauseReceiveBuffer}: 2, theirs: 3}},
		{name: "no carrier", passed: alone, unstamped: true, want: map[verdict]int{carrier: echoes},
			outages: []netsonde.Outage{{Interface: 2, From: 18 * time.Second, First: 19 * time.Second, Last: 21 * time.Second}}},
		{name: "no carrier, of what was given to the device", passed: alone, want: map[verdict]int{carrier: echoes},
			outages: []netsonde.Outage{{Interface: 2, From: 18 * time.Second, First: 19 * time.Second, Last: 21 * time.Second}}},
		{name: "the carrier came back, while some may have waited for it", unsent: 4, passed: alone, want: map[verdict]int{carrier: 4, theirs: 6},
			outages: []netsonde.Outage{{Interface: 2, From: 18 * time.Second, First: 19 * time.Second, Last: 20 * time.Second, To: 21 * time.Second}}},
		{name: "the carrier may have been lost before", unsent: 4, passed: alone, want: map[verdict]int{carrier: 4, theirs: 6},
			outages: []netsonde.Outage{{Interface: 2, From: 19 * time.Second, First: 21*time.Second + 1, Last: 21 * time.Second}}},
		{name: "the carrier may have been lost before, without stamps", unstamped: true, passed: alone, want: map[verdict]int{theirs: echoes},
			outages: []netsonde.Outage{{Interface: 2, From: 19 * time.Second, First: 21*time.Second + 1, Last: 21 * time.Second}}},
		{name: "what the interface drops as its carrier goes", want: map[verdict]int{theirs: echoes},
			passed:  with(alone, func(d *netsonde.InterfaceDrops) { d.SendDropped = 50 }),
			outages: []netsonde.Outage{{Interface: 2, From: 20 * time.Second, First: 21*time.Second + 1, Last: 21 * time.Second}}},
		{name: "the carrier was lost after that", unsent: 4, passed: alone, want: map[verdict]int{theirs: echoes},
			outages: []netsonde.Outage{{Interface: 2, From: 20*time.Second + 1, First: 21 * time.Second, Last: 21 * time.Second}}},
		{name: "the way is gone with its link", unsent: 4, gone: true, passed: alone, want: map[verdict]int{carrier: 4, theirs: 6},
			outages: []netsonde.Outage{{Interface: 2, From: 19 * time.Second, First: 21 * time.Second, Last: 19 * time.Second, To: 21 * time.Second}}},
		{name: "the next hop is still looked for", unsent: 4, passed: alone, want: map[verdict]int{carrier: 4, theirs: 6},
			outages: []netsonde.Outage{{Interface: 2, From: 17 * time.Second, First: 18 * time.Second, Last: 18 * time.Second, To: 19 * time.Second}}},
		{name: "the carrier had come back", passed: alone, want: map[verdict]int{theirs: echoes},
			outages: []netsonde.Outage{{Interface: 2, From: 15 * time.Second, First: 16 * time.Second, Last: 16 * time.Second, To: 17 * time.Second}}},
		{name: "the carrier of another interface", answered: 0, passed: alone, want: map[verdict]int{theirs: echoes},
			outages: []netsonde.Outage{{Interface: 3, Last: 30 * time.Second}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			unsent := map[uint16]bool{}
			e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1, Machine: probe.Machine{
				Departed: func(_ packet.Protocol, _, sequence uint16, since int64) (packet.Departure, int64) {
					if unsent[sequence] {
						return packet.NotDeparted, 0
					}
					return packet.HasDeparted, since
				},
				Interface: func(netip.Addr, netip.Addr) int {
					if test.gone {
						return 0
					}
					if test.elsewhere {
						return 7
					}
					return 2
				},
			}})
			target := pingTarget("a", echoes, 10*time.Second)
			e.Apply(at(0), []*netsonde.Target{target})
			e.SetAddress(at(0), "a", netip.MustParseAddr("192.0.2.1"))
			reply := func(now time.Duration, p packet.Probe) {
				r := packet.Reply{
					Kind: packet.EchoReply, From: p.Destination, Destination: p.Destination, Identity: p.Identity,
					Sequence: p.Sequence, HasToken: true, Token: p.Token, Read: at(now), Stamp: at(now).Real,
				}
				if !test.unstamped {
					r.Left = p.Sent.Real
				}
				e.Receive(&r)
			}
			for _, p := range sendAll(e, at(0)) {
				reply(time.Millisecond, p)
			}
			e.Take()
			const round = 20 * time.Second
			before := &netsonde.Drops{Began: round - 2, Ended: round - 1, Interfaces: []netsonde.InterfaceDrops{{Index: 2, Loopback: test.loopback}}}
			e.Dropped(before)
			sent := sendAll(e, at(round))
			if len(sent) != echoes {
				t.Fatalf("%d echoes are sent", len(sent))
			}
			for i, p := range sent {
				if i < test.answered {
					reply(round+time.Millisecond, p)
				} else {
					unsent[p.Sequence] = i-test.answered < test.unsent
				}
			}
			after := &netsonde.Drops{
				Began: round + time.Second, Ended: round + time.Second + 1, Backlog: test.backlog,
				Interfaces: []netsonde.InterfaceDrops{test.passed}, Outages: test.outages,
			}
			after.Interfaces[0].Index, after.Interfaces[0].Loopback = 2, test.loopback
			e.Dropped(after)
			end := at(round + 2*time.Second)
			e.Overran(end, test.overruns)
			e.Expire(end, end)
			got := map[verdict]int{}
			for _, burst := range e.Take().Bursts {
				for i := range burst.Samples {
					if s := &burst.Samples[i]; !s.Outcome.Answered() {
						got[verdict{s.Outcome, s.Cause}]++
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// TestNextHopNotFoundWithoutCarrier has this machine itself tell that it did not
// find the next hop by an interface without carrier, while another one, as a
// bridge that nobody uses, has had none for ever.
func TestNextHopNotFoundWithoutCarrier(t *testing.T) {
	const round = 20 * time.Second
	unused := netsonde.Outage{Interface: 3, From: -1}
	lost := netsonde.Outage{Interface: 2, From: round - time.Second}
	for _, test := range []struct {
		name    string
		outages []netsonde.Outage
		want    verdict
	}{
		{"carrier lost", []netsonde.Outage{lost}, verdict{netsonde.OutcomeSendFailed, netsonde.CauseNoCarrier}},
		{"carrier lost beside an unused one", []netsonde.Outage{unused, lost}, verdict{netsonde.OutcomeSendFailed, netsonde.CauseNoCarrier}},
		{"only the unused one", []netsonde.Outage{unused}, verdict{netsonde.OutcomeUnreachable, netsonde.CauseNone}},
	} {
		t.Run(test.name, func(t *testing.T) {
			self := netip.MustParseAddr("192.0.2.9")
			e := probe.New(probe.Options{ICMP: []uint16{1}, Key: 1, Machine: probe.Machine{
				Interface: func(to, _ netip.Addr) int {
					if to == self {
						return 1
					}
					return 2
				},
			}})
			e.Dropped(&netsonde.Drops{
				Began: round - 2, Ended: round - 1, Outages: test.outages,
				Interfaces: []netsonde.InterfaceDrops{{Index: 1, Loopback: true}, {Index: 2}, {Index: 3}},
			})
			e.Apply(at(round), []*netsonde.Target{pingTarget("a", 1, 10*time.Second)})
			e.SetAddress(at(round), "a", netip.MustParseAddr("192.0.2.1"))
			sent := sendAll(e, at(round))
			if len(sent) != 1 {
				t.Fatalf("%d echoes are sent", len(sent))
			}
			p := sent[0]
			e.Receive(&packet.Reply{
				Kind: packet.Unreachable, Type: 3, Code: 1, From: self, Destination: p.Destination,
				Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token,
				Read: at(round + time.Second), Stamp: at(round + time.Second).Real,
			})
			bursts := e.Take().Bursts
			if len(bursts) != 1 || len(bursts[0].Samples) != 1 {
				t.Fatalf("told are %v", bursts)
			}
			s := bursts[0].Samples[0]
			if got := (verdict{s.Outcome, s.Cause}); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

package agent

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

const (
	// mostInquiries is how many inquiries all shards run at the same time.
	mostInquiries = 8
	// echoReplies is how many answers are read from a new socket at once.
	echoReplies = 64
)

// LocalQuestion is what a kernel is asked about the way to an address.
type LocalQuestion struct {
	Addr netip.Addr
	// Source is the address that is sent from; invalid lets the system choose.
	Source netip.Addr
	// DSCP is the differentiated services codepoint of what is sent.
	DSCP uint8
	// Identity is that of the ICMP session that is looked for.
	Identity uint16
}

// Local tells what this machine's kernel knows of the way to an address. It
// returns soon after ctx ends.
type Local func(ctx context.Context, question LocalQuestion) *netsonde.LocalPath

// inquirers answer what the shards' inquiries ask beside their own sockets.
type inquirers struct {
	fresh Fresh
	local Local
	// places bounds the answers that are looked for at the same time, of
	// inquiries that have ended as well.
	places  chan struct{}
	running sync.WaitGroup
}

// Fresh opens a connection whose identities nobody has used lately. The caller
// closes it.
type Fresh func() (Connection, error)

func newInquirers(fresh Fresh, local Local) *inquirers {
	return &inquirers{fresh: fresh, local: local, places: make(chan struct{}, 2*mostInquiries)}
}

// start looks for the answers to an inquiry and has them told, unless ctx ends.
func (p *inquirers) start(ctx context.Context, asked probe.Inquiry, freshly func(netsonde.EchoSeries), locally func(*netsonde.LocalPath)) {
	select {
	case p.places <- struct{}{}:
	default:
		freshly(netsonde.EchoSeries{Problem: "too many are looked into at the same time"})
		locally(nil)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, asked.Patience)
	var both sync.WaitGroup
	p.running.Go(func() {
		defer func() { <-p.places }()
		defer cancel()
		both.Go(func() { locally(p.ask(ctx, asked)) })
		freshly(p.echo(ctx, asked))
		both.Wait()
	})
}

func (p *inquirers) ask(ctx context.Context, asked probe.Inquiry) *netsonde.LocalPath {
	if p.local == nil {
		return nil
	}
	return p.local(ctx, LocalQuestion{
		Addr: asked.Addr, Source: asked.Probe.Source, DSCP: asked.Probe.DSCP, Identity: asked.Identity,
	})
}

func (p *inquirers) echo(ctx context.Context, asked probe.Inquiry) netsonde.EchoSeries {
	if p.fresh == nil {
		return netsonde.EchoSeries{Problem: "no second socket is to be had"}
	}
	connection, err := p.fresh()
	if err != nil {
		return netsonde.EchoSeries{Problem: err.Error()}
	}
	defer connection.Close()
	return echoes(ctx, connection, asked.Addr, asked.Probe)
}

// wait returns when nothing is looked for any more.
func (p *inquirers) wait() { p.running.Wait() }

// echoSeries is echoes of one identity of a connection that nobody else uses.
type echoSeries struct {
	netsonde.EchoSeries
	connection Connection
	addr       netip.Addr
	probe      *netsonde.Probe
	token      uint64
	first      uint16
	waiting    int
}

// echoes sends a burst through a connection and returns what came of it.
func echoes(ctx context.Context, connection Connection, addr netip.Addr, p *netsonde.Probe) netsonde.EchoSeries {
	ids := connection.Capabilities().ICMP
	if len(ids) == 0 {
		return netsonde.EchoSeries{Problem: "the new socket cannot send echoes"}
	}
	// Blocks of identities come back into use, so which of one it is is left to
	// chance.
	s := &echoSeries{
		EchoSeries: netsonde.EchoSeries{Identity: ids[rand.IntN(len(ids))]},
		connection: connection, addr: addr, probe: p,
		token: rand.Uint64()>>1 + 1, first: uint16(rand.Uint32()) & 0x7fff,
	}
	defer context.AfterFunc(ctx, connection.Wake)()
	start := connection.Now().Monotonic
	end := start
	replies := make([]packet.Reply, echoReplies)
	for {
		now := connection.Now().Monotonic
		for len(s.Samples) < p.Count && now >= start+time.Duration(len(s.Samples))*p.Spacing {
			if err := s.send(len(s.Samples)); err != nil {
				s.Problem = err.Error()
				return s.EchoSeries
			}
			end = s.Samples[len(s.Samples)-1].Sent.Monotonic + p.Timeout
		}
		until := end
		if len(s.Samples) < p.Count {
			until = start + time.Duration(len(s.Samples))*p.Spacing
		}
		n, empty, err := connection.ReadBatch(replies, until)
		if err != nil {
			s.Problem = err.Error()
			return s.EchoSeries
		}
		for i := range replies[:n] {
			s.receive(&replies[i])
		}
		over := len(s.Samples) == p.Count && (s.waiting == 0 || n < len(replies) && empty.Monotonic >= end)
		if over || ctx.Err() != nil {
			s.giveUp(empty.Monotonic)
			return s.EchoSeries
		}
	}
}

func (s *echoSeries) send(i int) error {
	out := [1]packet.Probe{{
		Protocol: packet.Echo, Destination: s.addr, Source: s.probe.Source,
		Identity: s.Identity, Sequence: s.first + uint16(i), //nolint:gosec // a count is at most 65,535
		DSCP: s.probe.DSCP, DontFragment: s.probe.DontFragment, Size: s.probe.Size, Token: s.token + uint64(i), //nolint:gosec // it is not negative
	}}
	if err := s.connection.WriteBatch(out[:]); err != nil {
		return err
	}
	sample := netsonde.Sample{Sequence: i, Sent: out[0].Sent}
	if out[0].Errno != 0 {
		sample.Outcome, sample.Errno = netsonde.OutcomeSendFailed, out[0].Errno
	} else {
		s.waiting++
	}
	s.Samples = append(s.Samples, sample)
	return nil
}

func (s *echoSeries) receive(r *packet.Reply) {
	i := int(r.Sequence - s.first)
	if r.Protocol != packet.Echo || r.Identity != s.Identity || i >= len(s.Samples) ||
		s.Samples[i].Outcome != netsonde.OutcomePending {
		return
	}
	if s.probe.Size >= packet.TokenSize && r.HasToken {
		if r.Token != s.token+uint64(i) { //nolint:gosec // it is not negative
			return
		}
	} else if r.Destination.Unmap() != s.addr.WithZone("").Unmap() {
		return
	}
	sample := &s.Samples[i]
	sample.Method, sample.From, sample.TTL = r.Method, r.From, r.TTL
	if r.Kind == packet.EchoReply || r.Kind == packet.PortAnswered {
		sample.Outcome, sample.Stamps = netsonde.OutcomeOK, netsonde.StampsUser
		sample.RTT = max(r.Read.Monotonic-sample.Sent.Monotonic, 0)
	} else {
		sample.Outcome, sample.ICMPType, sample.ICMPCode = netsonde.OutcomeUnreachable, r.Type, r.Code
	}
	s.waiting--
}

// giveUp ends the series as of a moment at which the sockets had been read
// empty: what was not waited for long enough by then is left out.
func (s *echoSeries) giveUp(empty time.Duration) {
	kept := s.Samples[:0]
	overran := s.connection.Overruns() > 0
	for _, sample := range s.Samples {
		if sample.Outcome == netsonde.OutcomePending {
			if empty < sample.Sent.Monotonic+s.probe.Timeout {
				continue
			}
			sample.Outcome = netsonde.OutcomeUnanswered
			if overran {
				sample.Outcome = netsonde.OutcomeOverrun
			}
		}
		kept = append(kept, sample)
	}
	s.Samples = kept
}

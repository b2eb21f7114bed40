package probe_test

import (
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/probe"
)

// TestErrorBound has a machine echo itself for some minutes, at first at 10 µs,
// then under a load at 90 µs with outliers, then at 10 µs again.
func TestErrorBound(t *testing.T) {
	s := probe.NewSelfEcho(7, 1)
	now := time.Duration(0)
	echo := func(rtt time.Duration, left bool) {
		t.Helper()
		now = s.Due()
		var p packet.Probe
		if !s.Fill(now, &p) || s.Fill(now, &p) {
			t.Fatal("not one is due when it is")
		}
		p.Sent = at(now)
		s.Sent(&p)
		r := packet.Reply{
			Kind: packet.EchoReply, Identity: p.Identity, Sequence: p.Sequence, HasToken: true, Token: p.Token,
			Read: at(now + rtt + time.Millisecond/2), Stamp: at(now + rtt).Real,
		}
		if left {
			r.Left = at(now).Real
		}
		foreign, old, forged := r, r, r
		foreign.Identity = 8
		old.Sequence--
		forged.Token++
		if s.Receive(&foreign) {
			t.Error("it takes another's reply")
		}
		if !s.Receive(&old) || !s.Receive(&forged) || !s.Receive(&r) || !s.Receive(&r) {
			t.Error("it leaves replies of its identity to others")
		}
	}
	echoes := func(n int, rtt time.Duration) {
		for range n {
			echo(rtt, true)
		}
	}
	expect := func(stamps netsonde.Stamps, limit time.Duration) {
		t.Helper()
		if b := s.Bound(); b.Stamps != stamps || b.Limit != limit {
			t.Errorf("the bound is %v (%v), want %v (%v)", b.Limit, b.Stamps, limit, stamps)
		}
	}
	// The RTTs of all but one of 500, and 50 µs.
	echoes(49, 10*time.Microsecond)
	expect(netsonde.StampsNone, 0)
	echoes(1, 10*time.Microsecond)
	expect(netsonde.StampsKernel, 60*time.Microsecond)
	echoes(600, 10*time.Microsecond)
	echoes(2, 90*time.Microsecond)
	expect(netsonde.StampsKernel, 140*time.Microsecond)
	echo(5*time.Millisecond, true)
	expect(netsonde.StampsKernel, 140*time.Microsecond)
	echo(5*time.Millisecond, true)
	expect(netsonde.StampsKernel, 5*time.Millisecond+50*time.Microsecond)
	echoes(600, 10*time.Microsecond)
	expect(netsonde.StampsKernel, 60*time.Microsecond)
	// Stamps of another kind make another bound, and each keeps its own.
	for range 49 {
		echo(100*time.Microsecond, false)
	}
	expect(netsonde.StampsNone, 0)
	echo(100*time.Microsecond, false)
	expect(netsonde.StampsKernelReceive, 250*time.Microsecond) // twice, as queues may be in it
	echo(10*time.Microsecond, true)
	expect(netsonde.StampsKernel, 60*time.Microsecond)
	for range 601 { // a minute without that kind
		echo(100*time.Microsecond, false)
	}
	echo(10*time.Microsecond, true)
	expect(netsonde.StampsNone, 0)
}

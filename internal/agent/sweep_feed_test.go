package agent_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

// lateBook fails a lookup as soon as it is told to.
type lateBook chan struct{}

func (b lateBook) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	select {
	case <-b:
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// betweenInboxAndFeed is a connection that does something once, after the sweep
// has emptied its inbox and before it asks the feed whether more will come: the
// clock is read twice from one read of the sockets to then.
type betweenInboxAndFeed struct {
	*simnet.Connection
	do       func()
	readings int
}

func (c *betweenInboxAndFeed) ReadBatch(replies []packet.Reply, until time.Duration) (int, netsonde.Instant, error) {
	c.readings = 0
	return c.Connection.ReadBatch(replies, until)
}

func (c *betweenInboxAndFeed) Now() netsonde.Instant {
	if c.readings++; c.readings == 2 && c.do != nil {
		c.do()
		c.do = nil
	}
	return c.Connection.Now()
}

// A name that turns out to have no address while the sweep looks whether it has
// finished is told nevertheless.
func TestSweepTellsTheLastNameWithoutAddress(t *testing.T) {
	simulate(t, func(t *testing.T) {
		book := make(lateBook)
		connection := &betweenInboxAndFeed{Connection: newLAN(1).Connect(options(0))}
		connection.do = func() {
			time.Sleep(time.Nanosecond) // the lookup is under way
			close(book)
			time.Sleep(time.Nanosecond) // and the feed has ended
		}
		s := startSweep(t, agent.SweepConfig{Connection: connection, Resolver: book}, echoes(1, "last.example")).run()
		s.end()
		if events := s.seen.eventsOf(netsonde.EventUnresolved); len(events) != 1 || s.err != nil {
			t.Errorf("%d names were told to have no address, want 1; Run returned %v", len(events), s.err)
		}
	})
}

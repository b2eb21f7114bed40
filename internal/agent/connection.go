package agent

import (
	"context"
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// Connection is a shard's way to the network: one set of sockets of both
// families. All methods but Wake and Close are called by one goroutine only.
type Connection interface {
	// Now reads both clocks. All monotonic times of one process share an origin.
	Now() netsonde.Instant
	// Capabilities says what the connection can send and under which identities.
	Capabilities() packet.Capabilities
	// ReadBatch fills replies with what has arrived. If nothing is there it
	// waits until something is, until the monotonic time until has come, or
	// until Wake is called; an until in the past does not wait. Fewer replies
	// than fit mean that the sockets have been read empty: then empty is a
	// reading of the clocks taken before the last read found nothing more.
	// An error is final.
	ReadBatch(replies []packet.Reply, until time.Duration) (n int, empty netsonde.Instant, err error)
	// WriteBatch sends the probes in order and fills in Sent, Handed and Errno of
	// each. A send that fails is told in Errno, not in the error, which is final.
	WriteBatch(probes []packet.Probe) error
	// Rest is how long ReadBatch sleeps at present before it looks for answers,
	// so that they, and what comes due meanwhile, go through together; 0 when it
	// does not.
	Rest() time.Duration
	// Wake makes a ReadBatch that waits, or the next one, return at once.
	Wake()
	// Overruns counts the packets that our own queues have dropped so far.
	Overruns() uint64
	// Corrupt counts the answers to us so far that were broken on the way.
	Corrupt() uint64
	// Departed tells whether a probe that was sent since a moment of the real
	// clock, in nanoseconds since the Unix epoch, was given to a device, and when by
	// that clock if it was.
	Departed(protocol packet.Protocol, identity, sequence uint16, since int64) (d packet.Departure, at int64)
	Close() error
}

// Resolver finds the addresses of a name, in the system's order of preference.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Sink takes what the shards saw. Consume is called by the goroutines of all
// shards, also at the same time, and must not block: a sink that writes has a
// queue and a goroutine of its own.
type Sink interface {
	Consume(*netsonde.Batch)
}

// Check runs one service check. It returns when it is done, or soon after ctx
// ends; the caller sets the deadline from the probe's timeout. host is the
// name as typed, for SNI and Host headers.
type Check func(ctx context.Context, probe *netsonde.Probe, host string, addr netip.Addr) netsonde.Service

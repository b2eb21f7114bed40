package pmonitor

import (
	"log/slog"
	"time"
)

// The original's times.
const (
	// DefaultPace is the pause before each ping.
	DefaultPace = 5 * time.Second
	// DefaultTimeout is how long an answer is waited for.
	DefaultTimeout = 3 * time.Second
)

// Options say how is pinged. The zero value pings whole rounds at once.
type Options struct {
	// Pace is the pause before each ping of a round; the timeouts of targets
	// that do not answer come on top. 0 pings all targets of a round at once,
	// spread so that no two nodes with clocks that agree ping the same target
	// at the same moment, and begins a round at most once a second.
	Pace time.Duration
	// Timeout is how long an answer is waited for; 0 means DefaultTimeout.
	Timeout time.Duration
	// Once ends a monitor after one round.
	Once bool
	// NoKeep has a monitor erase what earlier ones have left in the tables of
	// our own, netsonde_samples and netsonde_erased, as it does with targets.
	NoKeep bool
	// Pinger sends the echoes. nil means sockets of our own, the best that the
	// process may open, in the network namespace that it is in.
	Pinger Pinger
	// Log is told what is done, in the original's words where it had some; nil
	// means nobody is. Addresses come as they stand in the database: who
	// prints them escapes them.
	Log *slog.Logger

	// inTurn pings one after the other where Pace is 0.
	inTurn bool
}

// complete fills in what was left out.
func (o Options) complete() Options {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

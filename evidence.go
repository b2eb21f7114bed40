package netsonde

import (
	"net/netip"
	"syscall"
	"time"
)

// Allowance is how many packets a second evidence may cost beside the probes of
// a plan: in all, into each /24 of IPv4 or /48 of IPv6, and to each address.
type Allowance struct {
	All, Network, Destination int
}

// Verdict says what was found of a target that had just begun to lose echoes.
type Verdict uint8

// The verdicts.
const (
	// VerdictUnknown could not find out, for a reason of this machine.
	VerdictUnknown Verdict = iota
	// VerdictDown had no answer, under whatever identity.
	VerdictDown
	// VerdictStuckSession was answered under an identity that nobody had used
	// before, and at the same time not under the one whose echo was lost: a
	// firewall or a translator of addresses on the way is stuck, and the target
	// is up.
	VerdictStuckSession
	// VerdictLossy had answers to some echoes and not to others, without an
	// identity making the difference.
	VerdictLossy
	// VerdictRecovered had an answer to every echo.
	VerdictRecovered
	// VerdictLocal could not even send: this machine has no way out.
	VerdictLocal
)

var verdictNames = [...]string{"unknown", "down", "stuck_session", "lossy", "recovered", "local"}

// String returns the verdict's name as outputs print it.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "invalid"
}

// Evidence is what was gathered when a target that had answered began to lose
// echoes.
type Evidence struct {
	Target *Target
	// Probe is the ping that lost them, in its round Round.
	Probe ProbeID
	Round uint64
	Addr  netip.Addr
	// Since is when the first echo that was lost had left, Detected when it was
	// given up, or its error came.
	Since, Detected Instant
	// Lost of Sent echoes of the round were lost by then, or could not be sent.
	Lost, Sent int
	Verdict    Verdict
	// Moved tells that the probe goes on under another identity, since the one
	// that it had is stuck.
	Moved bool
	// Traces are traces of several flows, as far as they had come.
	Traces []Route
	// LastGood is the last trace before that reached the address; nil when none
	// is known.
	LastGood *Route
	// Same are echoes under the identity of the one that was lost, Fresh those
	// of a new socket under another, sent at the same time.
	Same, Fresh EchoSeries
	// Local is what this machine's kernel said of the way; nil when it was not
	// asked, or did not say in time.
	Local *LocalPath
	// Took is from Detected to the end.
	Took time.Duration
}

// EchoSeries is echoes of one identity.
type EchoSeries struct {
	Identity uint16
	Samples  []Sample
	// Problem says why there are none, or no more, "" where there is no reason
	// of ours.
	Problem string
}

// Statistics summarises the series.
func (s *EchoSeries) Statistics() Statistics {
	burst := Burst{Samples: s.Samples}
	return burst.Statistics()
}

// unsent reports whether the series is of echoes that never left.
func (s *EchoSeries) unsent() bool {
	return s.allButStalled(func(sample *Sample) bool { return sample.Outcome == OutcomeSendFailed })
}

// withoutCarrier reports whether the series is of echoes that never left for want
// of a carrier, which a new socket's own echoes do not know.
func (s *EchoSeries) withoutCarrier() bool {
	return s.allButStalled(func(sample *Sample) bool { return sample.Cause == CauseNoCarrier })
}

// allButStalled reports whether all echoes that were not stalled are such, and
// some are: one that this process did not get to says nothing of the others.
func (s *EchoSeries) allButStalled(such func(*Sample) bool) (some bool) {
	for i := range s.Samples {
		sample := &s.Samples[i]
		switch {
		case such(sample):
			some = true
		case sample.Outcome != OutcomeStalled:
			return false
		}
	}
	return some
}

// NewVerdict judges two series that were sent at the same time: one under the
// identity whose echo was lost, one under a new one.
func NewVerdict(same, fresh *EchoSeries) Verdict {
	old, other := same.Statistics(), fresh.Statistics()
	answered, lost := old.Answered+other.Answered, old.Theirs+other.Theirs
	switch {
	case old.Answered == 0 && old.Theirs > 1 && other.Answered > 1 && other.Answered > other.Theirs:
		return VerdictStuckSession
	case answered > 0 && lost > 0:
		return VerdictLossy
	case answered > 0:
		return VerdictRecovered
	case old.Theirs > 0 && other.Theirs > 0:
		return VerdictDown
	case lost == 0 && same.unsent() && fresh.unsent(), same.withoutCarrier():
		return VerdictLocal
	default:
		return VerdictUnknown
	}
}

// LocalPath is what a machine's kernel knows of the way to an address. Texts are
// the kernel's own and are not escaped.
type LocalPath struct {
	Route *LocalRoute
	// Neighbour is the next hop on the link; nil where there is none.
	Neighbour *Neighbour
	Interface *Interface
	// Queues are the queueing disciplines of the interface, the root first.
	Queues []Queue
	// Conntrack is nil on a machine that tracks no connections.
	Conntrack *Conntrack
	// Problems say what could not be asked, and why.
	Problems []string
}

// LocalRoute is the route that the kernel takes for an address.
type LocalRoute struct {
	// Errno is why there is none, 0 when there is.
	Errno syscall.Errno
	// Type is unicast, local, broadcast, multicast, blackhole, unreachable,
	// prohibit or throw.
	Type string
	// Gateway is invalid for an address on a link of this machine's own.
	Gateway, Source netip.Addr
	Interface       string
	Table           uint32
	// MTU is the largest datagram that is known to pass, or that the route says;
	// 0 when only the interface bounds it.
	MTU uint32
}

// Neighbour is an entry of the table of neighbours.
type Neighbour struct {
	Addr netip.Addr
	// State is reachable, stale, delay, probe, incomplete, failed, permanent,
	// noarp or none; "absent" when there is no entry.
	State string
	// Hardware is the link-layer address, "" when unknown.
	Hardware string
}

// Interface is the state of a network interface and what it has counted so far.
type Interface struct {
	Name string
	// State is the operational state (RFC 2863): up, down, dormant,
	// lowerlayerdown, testing, notpresent or unknown.
	State string
	// Up is what the administrator wants, Carrier what the link has.
	Up, Carrier    bool
	CarrierChanges uint32
	MTU            uint32
	// The counters of packets that were not received, or not sent.
	ReceiveErrors, ReceiveDropped uint64
	SendErrors, SendDropped       uint64
}

// Queue is a queueing discipline and what it has counted so far.
type Queue struct {
	Kind string
	// Length is the packets that wait, Backlog their bytes.
	Length, Backlog            uint32
	Drops, Requeues, Overlimit uint32
}

// Conntrack is the table of tracked connections.
type Conntrack struct {
	Count, Max uint64
	// Sessions are those of echoes to the address under the identity that was
	// asked for; nil when the kernel did not let that be seen.
	Sessions []ConntrackSession
}

// ConntrackSession is one entry.
type ConntrackSession struct {
	Identity uint16
	// Replied tells that an answer was seen.
	Replied bool
	// Left is for how long the entry still stands.
	Left time.Duration
}

package netsonde

import "net/netip"

// Round says that all probes of one group of a target have ended for this
// time: what it carries has stood in this or earlier batches, in this order,
// and may now be shown as one.
type Round struct {
	Target *Target
	// Group is the index into Target.Groups.
	Group int
	// N counts the group's rounds from 1.
	N uint64
	// Addr is the address that was probed.
	Addr    netip.Addr
	Started Instant
	Ended   Instant
}

// Stall is rounds of a fixed cadence that were not run, because this process
// did not run: each of them is a probe that ended as OutcomeStalled.
type Stall struct {
	Probe ProbeID
	// First is the number of the first of Rounds rounds.
	First, Rounds uint64
	// Due is when the first should have started.
	Due Instant
}

// EventKind is what an event tells.
type EventKind uint8

// The kinds of event.
const (
	// EventAddressChanged tells that a name now has another address.
	EventAddressChanged EventKind = iota + 1
	// EventUnresolved tells that a name has no address.
	EventUnresolved
	// EventDropped tells that output was dropped because nobody took it.
	EventDropped
	// EventEvidenceOmitted tells that targets began to lose echoes of which no
	// evidence was gathered, since too many others did: Count of them.
	EventEvidenceOmitted
)

// Event is something that happened beside the measurements.
type Event struct {
	Kind   EventKind
	At     Instant
	Target *Target
	// Old and New are the addresses of EventAddressChanged.
	Old, New netip.Addr
	Text     string
	// Count is how many targets EventEvidenceOmitted is about.
	Count uint64
}

// Batch is what one shard saw since its last batch. It is never changed once
// handed out.
type Batch struct {
	// Shard and Number name the batch within one run of the agent.
	Shard    int
	Number   uint64
	Bursts   []Burst
	Routes   []Route
	Services []Service
	Stalls   []Stall
	Amends   []Amend
	Events   []Event
	Evidence []Evidence
	Rounds   []Round
}

// Empty reports whether the batch tells nothing.
func (b *Batch) Empty() bool {
	return len(b.Bursts)+len(b.Routes)+len(b.Services)+len(b.Stalls)+len(b.Amends)+len(b.Events)+len(b.Evidence)+len(b.Rounds) == 0
}

package netsonde

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"time"
)

// Kind is what a probe does.
type Kind uint8

// The kinds of probe.
const (
	KindPing Kind = iota + 1
	KindTrace
	KindHTTP
	KindHTTPS
	KindMySQL
)

var kindNames = [...]string{"invalid", "ping", "trace", "http", "https", "mysql"}

// String returns the kind's name as outputs print it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// IsCheck reports whether the kind is a service check, which is run outside
// the packet engine.
func (k Kind) IsCheck() bool { return k >= KindHTTP && k <= KindMySQL }

// Port returns the well-known port of a service check, 0 for other kinds.
func (k Kind) Port() uint16 {
	switch k {
	case KindHTTP:
		return 80
	case KindHTTPS:
		return 443
	case KindMySQL:
		return 3306
	default:
		return 0
	}
}

// TraceProtocol is the protocol of a trace's probes.
type TraceProtocol uint8

// The trace protocols.
const (
	TraceUDP TraceProtocol = iota
	TraceICMP
)

// Family says which of a name's addresses are used.
type Family uint8

// The families.
const (
	// FamilyAny takes the first address in the order of the system's resolver.
	FamilyAny Family = iota
	// FamilyPrefer4 takes the first IPv4 address, or the first IPv6 one if there is none.
	FamilyPrefer4
	Family4
	Family6
)

// ProbeID names a probe across reloads and restarts: it depends on what is
// measured, not on how often, how patiently or how it is shown.
type ProbeID uint64

// Plan is everything that is to be watched. A plan and what hangs below it is
// never changed once made.
type Plan struct {
	Targets []*Target
}

// Target is one entry of what is watched.
type Target struct {
	// Name is unique in a plan: the host, "#" and the ordinal among identical
	// entries, so that duplicates are monitors of their own.
	Name string
	// Host is the name or address as the user typed it.
	Host   string
	Family Family
	Groups []Group
	Output Output
}

// Group is those probes of a target that start together as one round.
type Group struct {
	// Name is unique in the target and identifies the group across reloads.
	Name    string
	Cadence Cadence
	Probes  []Probe
}

// Cadence is when rounds start.
type Cadence struct {
	// Pause is the time between the end of a round and the start of the next; 0 is allowed.
	Pause time.Duration
	// Once ends after a single round.
	Once bool
}

// Probe is one thing that is measured again and again.
type Probe struct {
	ID   ProbeID
	Kind Kind
	// Timeout is how long an answer is waited for: of a ping burst after its
	// last packet, of a trace's packet, of a whole service check.
	Timeout time.Duration
	// Source is the local address to send from; invalid lets the system choose.
	Source netip.Addr
	// Port is the port of a service check.
	Port uint16
	// Count is the number of echoes in a burst, 0 to 65,535.
	Count int
	// Size is the number of payload bytes of an echo, 0 to 65,507.
	Size int
	// Hops is the largest TTL of a trace, 1 to 255.
	Hops int
	// Protocol is a trace's protocol.
	Protocol TraceProtocol
}

// NewProbeID hashes what identifies a probe: the target's name (which holds
// host and ordinal), the kind, the port, the trace protocol, the family and
// the source.
func NewProbeID(target string, family Family, p Probe) ProbeID {
	h := fnv.New64a()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(target)))
	h.Write(length[:])
	h.Write([]byte(target))
	h.Write([]byte{byte(p.Kind), byte(p.Protocol), byte(family), byte(p.Port >> 8), byte(p.Port)})
	h.Write(p.Source.AsSlice())
	return ProbeID(h.Sum64())
}

// Dialect is whose blocks are printed.
type Dialect uint8

// The dialects.
const (
	// DialectConnmonitor3 prints one block a round: all statistics, no time.
	DialectConnmonitor3 Dialect = iota
	// DialectConnmonitor4 prints one statistic a block, with the time unless it is off.
	DialectConnmonitor4
)

// Output is how a target's results are printed. It is no part of any ProbeID.
type Output struct {
	Dialect   Dialect
	JSON      bool
	Timestamp bool
}

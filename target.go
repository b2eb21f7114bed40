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
	// KindTCP is a connection that is opened and closed again.
	KindTCP
	// KindTLS is a TLS handshake.
	KindTLS
	// KindDNS is a question to a name server.
	KindDNS
	// KindSSH is the identification string of an SSH server (RFC 4253, section 4.2).
	KindSSH
)

var kindNames = [...]string{"invalid", "ping", "trace", "http", "https", "mysql", "tcp", "tls", "dns", "ssh"}

// String returns the kind's name as outputs print it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// IsCheck reports whether the kind is a service check, which is run outside
// the packet engine.
func (k Kind) IsCheck() bool { return k >= KindHTTP && k <= KindSSH }

// Port returns the well-known port of a service check, 0 for kinds that have none.
func (k Kind) Port() uint16 {
	switch k {
	case KindHTTP:
		return 80
	case KindHTTPS, KindTLS:
		return 443
	case KindMySQL:
		return 3306
	case KindDNS:
		return 53
	case KindSSH:
		return 22
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
	// TraceTCP sends the first packet of a connection to Probe.Port.
	TraceTCP
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
	// Node is the vantage point's name; "" leaves it to the program.
	Node string
	// ResolveEvery is how often names are looked up again; 0 means a minute.
	ResolveEvery time.Duration
	// Evidence is what may be spent on finding out why a target begins to lose
	// echoes; nil leaves that alone.
	Evidence *Allowance
}

// Target is one entry of what is watched.
type Target struct {
	// Name is unique in a plan. In connmonitor's formats it is the host, "#" and
	// the ordinal among identical entries, so that duplicates are monitors of
	// their own.
	Name string
	// Host is the name or address as the user typed it.
	Host string
	// Labels are the user's own words about the target; targets may share them.
	Labels map[string]string
	Groups []Group
	Family Family
	// Stable is set for a target that does not move, as against one that comes
	// and goes with an orbit or a lease.
	Stable bool
	Output Output
}

// Group is those probes of a target that start together as one round.
type Group struct {
	// Name is unique in the target and identifies the group across reloads.
	Name    string
	Cadence Cadence
	Probes  []Probe
}

// Cadence is when rounds start: at a fixed rate, or some time after the end of
// the round before, or once.
type Cadence struct {
	// Every, unless 0, is the time from the start of a round to that of the
	// next. The first ProbeID of the group decides where in the interval they
	// start: the same place after any reload, and spread over all groups.
	Every time.Duration
	// Pause is the time between the end of a round and the start of the next,
	// when Every is 0; 0 is allowed.
	Pause time.Duration
	// Once ends after a single round.
	Once bool
}

// Probe is one thing that is measured again and again.
type Probe struct {
	ID   ProbeID
	Kind Kind
	// Protocol is a trace's protocol.
	Protocol TraceProtocol
	// Ordinal numbers the probes of a target that would have the same ID
	// without it.
	Ordinal uint8
	// Flow numbers the flow that a trace follows: routers that share a load may
	// send two flows two ways.
	Flow uint8
	// DSCP is the differentiated services codepoint of echoes and of a trace's
	// packets, 0 to 63 (RFC 2474).
	DSCP uint8
	// DontFragment forbids to cut echoes, here and on the way.
	DontFragment bool
	// Port is the port of a service check and of a TCP trace; 0 for a UDP
	// trace is traceroute's.
	Port uint16
	// Hops is the largest TTL of a trace, 1 to 255.
	Hops int
	// HopWait is how long a silent hop of a trace is waited for at least when a
	// farther one has answered, at most Timeout; 0 is 20 ms. The longest round
	// trip that was seen on the way makes it more.
	HopWait time.Duration
	// Count is the number of echoes in a burst, 0 to 65,535.
	Count int
	// Size is the number of payload bytes of an echo, 0 to 65,507.
	Size int
	// Timeout is how long an answer is waited for: of a ping burst after its
	// last packet, of a trace's packet, of a whole service check.
	Timeout time.Duration
	// Spacing is the time from one echo of a burst to the next; 0 sends them
	// behind one another.
	Spacing time.Duration
	// Source is the local address to send from; invalid lets the system choose.
	Source netip.Addr
	// Check is what a service check asks for beside the port; nil asks for what
	// is usual. Probes share it.
	Check *CheckParameters
}

// CheckParameters are what a service check asks, and expects, beside the port.
type CheckParameters struct {
	// ServerName is the name in TLS's server name indication and in HTTP's Host
	// header; "" is the host as typed.
	ServerName string
	// Method and Path are those of an HTTP request; "" is GET and /.
	Method, Path string
	// Status are the HTTP status codes that are well; none takes any.
	Status []int
	// Verify has a certificate that a client would refuse count as a wrong
	// answer.
	Verify bool
	// Question and QuestionType are what a name server is asked: a name and a
	// type such as "A"; "" asks for the root's name servers.
	Question, QuestionType string
	// Answer, unless "", is what one of a name server's answers must be.
	Answer string
}

// NewProbeID hashes what identifies a probe: the target's name, the kind, the
// port, the trace protocol and flow, the family, the source, the codepoint and
// what a service is asked.
func NewProbeID(target string, family Family, p Probe) ProbeID {
	h := fnv.New64a()
	word := func(s string) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	word(target)
	h.Write([]byte{byte(p.Kind), byte(p.Protocol), byte(family), byte(p.Port >> 8), byte(p.Port)})
	h.Write(p.Source.AsSlice())
	// What came to be told apart later is hashed only where it is used, so that
	// the identities of simpler probes stay what they were.
	if p.Flow != 0 || p.DSCP != 0 || p.DontFragment || p.Ordinal != 0 {
		fragment := byte(0)
		if p.DontFragment {
			fragment = 1
		}
		h.Write([]byte{'+', p.Flow, p.DSCP, fragment, p.Ordinal})
	}
	// What is expected of an answer is no part of what is asked.
	if c := p.Check; c != nil && c.ServerName+c.Method+c.Path+c.Question+c.QuestionType != "" {
		for _, s := range []string{c.ServerName, c.Method, c.Path, c.Question, c.QuestionType} {
			word(s)
		}
	}
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
	// DialectNative prints in the manner that the command was asked for.
	DialectNative
)

// Output is how a target's results are printed. It is no part of any ProbeID.
type Output struct {
	Dialect   Dialect
	JSON      bool
	Timestamp bool
}

package netsonde

import (
	"net/netip"
	"syscall"
	"time"
)

// Stamps says which clock readings an RTT was made of.
type Stamps uint8

// The kinds of stamps, the most exact first.
const (
	StampsNone Stamps = iota
	// StampsKernel are kernel readings both ways.
	StampsKernel
	// StampsKernelReceive is the kernel's reading of the arrival against our own before sending.
	StampsKernelReceive
	// StampsUser are our own monotonic readings both ways.
	StampsUser
)

var stampsNames = [...]string{"none", "kernel", "kernel-rx", "user"}

// String returns the name as outputs print it.
func (s Stamps) String() string {
	if int(s) < len(stampsNames) {
		return stampsNames[s]
	}
	return "invalid"
}

// Method says what kind of packet measured an RTT.
type Method uint8

// The methods.
const (
	MethodICMP Method = iota
	// MethodUDP is a datagram to a closed port, answered by an ICMP error.
	MethodUDP
	// MethodTCP is a connection attempt, answered by its acceptance or refusal.
	MethodTCP
)

var methodNames = [...]string{"icmp", "udp", "tcp"}

// String returns the name as outputs print it.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return "invalid"
}

// Sample is one echo of a burst and what became of it.
type Sample struct {
	// Sequence is the echo's place in its burst, from 0.
	Sequence int
	Sent     Instant
	Outcome  Outcome
	// RTT is valid when the outcome is answered; it is never negative.
	RTT    time.Duration
	Stamps Stamps
	Method Method
	// From is who answered, the target or, with OutcomeUnreachable, a router.
	From netip.Addr
	// TTL is the answer's remaining TTL, 0 when unknown.
	TTL uint8
	// ICMPType and ICMPCode are those of the error with OutcomeUnreachable.
	ICMPType, ICMPCode uint8
	// Errno is why the send failed with OutcomeSendFailed, 0 where the system took
	// the probe and lost it.
	Errno syscall.Errno
	// Cause is where this machine lost the probe or its answer, if that is known.
	Cause Cause
}

// Amend is what was learnt about a sample after it had settled: a late
// answer, or a drop of our own. Printed blocks are never amended.
type Amend struct {
	Probe    ProbeID
	Round    uint64
	Sequence int
	Outcome  Outcome
	RTT      time.Duration
}

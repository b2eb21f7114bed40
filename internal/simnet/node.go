package simnet

import (
	"net/netip"
	"time"
)

// Answer is what becomes of probes at the node that they were sent to.
type Answer uint8

// The answers.
const (
	// AnswerAll answers echoes, datagrams with "port unreachable", and refuses
	// connections.
	AnswerAll Answer = iota
	// AnswerNoEcho does so with datagrams and connections only.
	AnswerNoEcho
	// AnswerNothing drops everything.
	AnswerNothing
	// AnswerProhibited sends "administratively prohibited" from the node's own address.
	AnswerProhibited
	// AnswerNoRoute sends "network unreachable" from the node's own address.
	AnswerNoRoute
)

// Limit bounds how many ICMP errors a node sends, as a bucket of tokens. The
// zero value is no limit.
type Limit struct {
	PerSecond float64
	// Burst is how many errors may be sent at once, at least 1.
	Burst float64
}

// Node is a router, a host, or both.
type Node struct {
	network            *Network
	index              uint64
	address4, address6 netip.Addr
	claims             []claim
	links              []*Link

	silent bool
	short  bool
	limit  Limit
	// tokens are what was left of the limit at the moment filled.
	tokens float64
	filled time.Duration
}

type claim struct {
	prefix netip.Prefix
	answer Answer
}

// Answer makes the node answer for a whole prefix, or changes how it does.
func (n *Node) Answer(prefix netip.Prefix, answer Answer) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	for i := range n.claims {
		if n.claims[i].prefix == prefix {
			n.claims[i].answer = answer
			return
		}
	}
	n.claims = append(n.claims, claim{prefix, answer})
	clear(n.network.ways)
}

// SetSilent makes the node send no errors about packets that it forwards.
func (n *Node) SetSilent(silent bool) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.silent = silent
}

// SetShortQuotes makes the node quote only the eight transport bytes that
// every router must (RFC 792) rather than as much as Linux does.
func (n *Node) SetShortQuotes(short bool) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.short = short
}

// SetLimit bounds how many errors the node sends.
func (n *Node) SetLimit(limit Limit) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.limit = limit
	n.tokens = limit.Burst
}

// allows takes a token for an error that is sent at a moment.
func (n *Node) allows(at time.Duration) bool {
	if n.limit.PerSecond == 0 {
		return true
	}
	n.tokens = min(n.limit.Burst, n.tokens+max(0, at-n.filled).Seconds()*n.limit.PerSecond)
	n.filled = max(n.filled, at)
	if n.tokens < 1 {
		return false
	}
	n.tokens--
	return true
}

// address is the node's own of the same family as the other, which may be invalid.
func (n *Node) address(other netip.Addr) netip.Addr {
	if other.Is4() {
		return n.address4
	}
	return n.address6
}

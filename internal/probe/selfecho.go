package probe

import (
	"net/netip"
	"slices"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

const (
	// selfEvery is the time from one echo of this machine to itself to the next.
	selfEvery = 100 * time.Millisecond
	// selfKept is how many of their RTTs are remembered: a minute's.
	selfKept = 600
	// selfLeast is how many make a bound: five seconds'.
	selfLeast = 50
	// selfOutliers is of how many one may be longer than what the bound is made of.
	selfOutliers = 500
	// readFactor is by how much targets may fare worse than an echo to ourselves where
	// an RTT begins with our own reading: it is alone, while they come in bursts and
	// wait in other queues. Between the kernel's stamps and the wire there is no queue.
	readFactor = 2
	// selfSize is an ordinary payload.
	selfSize = 56
	// boundFloor is added to it: what a device's driver and its interrupt take, which
	// the loopback has not, and a capture, while there is one (DESIGN.md).
	boundFloor = 50 * time.Microsecond
)

// SelfEcho measures how far RTTs may be off: an echo to the loopback has no
// wire, so that all of its RTT is this machine's, by the same sockets and
// stamps as those of the targets. It stands beside the engine's plan.
type SelfEcho struct {
	identity, sequence uint16
	key                uint64
	due                time.Duration
	sent               netsonde.Instant
	waiting            bool
	// stamps is the kind of the last reply's, of which each has RTTs of its own.
	stamps netsonde.Stamps
	kinds  [netsonde.StampsUser + 1]selfTimes
}

// selfTimes are the last RTTs of echoes to ourselves, by one kind of stamps.
type selfTimes struct {
	rtts  [selfKept]time.Duration
	count int
	// at is when the last of them was sent.
	at time.Duration
}

// NewSelfEcho uses an identity that nobody else does.
func NewSelfEcho(identity uint16, key uint64) *SelfEcho {
	return &SelfEcho{identity: identity, key: key}
}

// Due is when the next is to be sent.
func (s *SelfEcho) Due() time.Duration { return s.due }

// Fill makes the next if it is due.
func (s *SelfEcho) Fill(now time.Duration, p *packet.Probe) bool {
	if now < s.due {
		return false
	}
	s.due = now + selfEvery
	s.sequence++
	*p = packet.Probe{
		Protocol: packet.Echo, Destination: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		Identity: s.identity, Sequence: s.sequence, Size: selfSize, Token: s.token(),
	}
	return true
}

func (s *SelfEcho) token() uint64 { return max(mix(s.key^uint64(s.sequence)), 1) }

// Sent tells what became of it.
func (s *SelfEcho) Sent(p *packet.Probe) {
	s.sent, s.waiting = p.Sent, p.Errno == 0
}

// Receive takes a reply if it is to an echo of this kind.
func (s *SelfEcho) Receive(r *packet.Reply) bool {
	if r.Protocol != packet.Echo || r.Identity != s.identity {
		return false
	}
	if !s.waiting || r.Sequence != s.sequence || r.HasToken && r.Token != s.token() {
		return true
	}
	s.waiting = false
	rtt, stamps := roundTrip(s.sent, r)
	s.stamps = stamps
	of := &s.kinds[stamps]
	if s.sent.Monotonic-of.at > selfKept*selfEvery {
		of.count = 0
	}
	of.at = s.sent.Monotonic
	of.rtts[of.count%selfKept] = rtt
	of.count++
	return true
}

// Bound is made of the echoes of the last minute, and not known before there are
// enough. It grows with the load, and is too large rather than too small.
func (s *SelfEcho) Bound() netsonde.ErrorBound {
	of := &s.kinds[s.stamps]
	n := min(of.count, selfKept)
	if n < selfLeast {
		return netsonde.ErrorBound{}
	}
	sorted := slices.Sorted(slices.Values(of.rtts[:n]))
	most := sorted[n-1-n/selfOutliers]
	if s.stamps != netsonde.StampsKernel {
		most *= readFactor
	}
	return netsonde.ErrorBound{Stamps: s.stamps, Limit: most + boundFloor, Echoes: n}
}

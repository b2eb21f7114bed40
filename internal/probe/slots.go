package probe

import (
	"net/netip"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// holdTime is how long a slot whose answer is missing still waits for it, so
// that a late answer is known for what it is.
const holdTime = 10 * time.Second

// slot is one packet on its way and what it was sent for.
type slot struct {
	measured    *measurement // nil when the slot is free
	destination netip.Addr
	sent        netsonde.Instant
	handed      time.Duration // when it had surely been sent
	round       uint64
	token       uint64
	index       int32 // of the sample in its burst, or of the hop in its trace
	generation  uint32
	identity    uint16
	sequence    uint16
	protocol    packet.Protocol
	hasToken    bool
	held        bool
}

// answeredBy reports whether a reply that came for the slot's identity and
// sequence is about the slot's packet. The token decides where both have one,
// since hosts may answer from another of their addresses. Without it the
// address must be the one that was probed; an answer of the target cannot
// lack what it only had to send back. A TCP probe has only half the token that
// others have, so all else must be right too.
func (s *slot) answeredBy(r *packet.Reply) bool {
	if s.measured == nil {
		return false
	}
	if s.protocol == packet.TCP && (s.destination != plainAddr(r.Destination) || s.measured.tracePort(0) != r.Port) {
		return false
	}
	if s.hasToken && r.HasToken {
		return s.token == r.Token
	}
	if s.hasToken && r.Kind == packet.EchoReply {
		return false
	}
	return s.destination == plainAddr(r.Destination)
}

// plainAddr is the address without zone and without a mapping into IPv6, which
// packets do not show.
func plainAddr(a netip.Addr) netip.Addr { return a.WithZone("").Unmap() }

// noSlot is never a slot.
const noSlot int32 = -1

// slots finds the slot of a packet by what comes back in every answer and in
// every quote: the identity and the sequence. Sequences are handed out in
// turn over all identities, so that one comes back into use as late as it can.
type slots struct {
	key    uint64
	pool   []slot
	free   []int32
	spaces [protocols][]space // by packet.Protocol
	turn   [protocols]int
	spare  [protocols]int // identities at the end that are used by those that ask for them
	held   []heldSlot
	first  int // of held that still counts
}

// space is the sequences of one identity.
type space struct {
	identity uint16
	cursor   uint16
	used     int
	slots    []int32 // by sequence, slot index + 1; nil until used
}

type heldSlot struct {
	release    time.Duration
	index      int32
	generation uint32
}

// protocols is how many there are.
const protocols = packet.TCP + 1

// firstSequence and lastSequence bound the sequences by protocol: a UDP
// checksum of 0 means none, and 0xffff is another way of writing it.
var (
	firstSequence = [protocols]uint16{packet.UDP: 1}
	lastSequence  = [protocols]uint16{packet.Echo: 0xffff, packet.UDP: 0xfffe, packet.TCP: 0xffff}
)

// spareIdentity asks for the identity that is not handed out in turn.
const spareIdentity = 1 << 24

// leastToSpare is how many identities there must be for one to be spared.
const leastToSpare = 4

func newSlots(key uint64, icmp, udp []uint16, spare bool) slots {
	s := slots{key: key}
	if spare && len(icmp) >= leastToSpare {
		s.spare[packet.Echo] = 1
	}
	all := [protocols][]uint16{packet.Echo: icmp, packet.UDP: udp, packet.TCP: packet.TCPIdentities(icmp, udp)}
	for protocol, identities := range all {
		for _, identity := range identities {
			// A start that differs by process keeps copies that follow one
			// another from using the same sequences.
			start := uint16(mix(key^uint64(identity))) & 0x7fff
			s.spaces[protocol] = append(s.spaces[protocol], space{
				identity: identity,
				cursor:   max(start, firstSequence[protocol]),
			})
		}
	}
	return s
}

// take returns a slot for one packet, noSlot when every sequence is in
// flight. preferred ≥ 0 asks for one identity, which others stand in for only
// when it is full.
func (s *slots) take(protocol packet.Protocol, preferred int) int32 {
	spaces := s.spaces[protocol]
	turning := spaces[:len(spaces)-s.spare[protocol]]
	if preferred == spareIdentity {
		if len(turning) < len(spaces) {
			if index := s.takeFrom(&spaces[len(turning)], protocol); index != noSlot {
				return index
			}
		}
		preferred = -1
	}
	for attempt := range turning {
		var number int
		if preferred >= 0 {
			number = (preferred + attempt) % len(turning)
		} else {
			number = s.turn[protocol]
			s.turn[protocol] = (number + 1) % len(turning)
		}
		if index := s.takeFrom(&spaces[number], protocol); index != noSlot {
			return index
		}
	}
	if s.evict() {
		return s.take(protocol, preferred)
	}
	return noSlot
}

// placeOf is what take is asked for an identity for echoes by.
func (s *slots) placeOf(identity uint16) int {
	spaces := s.spaces[packet.Echo]
	for i := range spaces {
		if spaces[i].identity == identity {
			if s.hasSpare() && i == len(spaces)-1 {
				return spareIdentity
			}
			return i
		}
	}
	return -1
}

// hasSpare reports whether an identity for echoes is spared.
func (s *slots) hasSpare() bool { return s.spare[packet.Echo] > 0 }

func (s *slots) takeFrom(from *space, protocol packet.Protocol) int32 {
	first, last := firstSequence[protocol], lastSequence[protocol]
	if from.used == int(last-first)+1 {
		return noSlot
	}
	if from.slots == nil {
		from.slots = make([]int32, 1<<16)
	}
	for from.slots[from.cursor] != 0 {
		from.advance(first, last)
	}
	var index int32
	if n := len(s.free); n > 0 {
		index = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		index = int32(len(s.pool))
		s.pool = append(s.pool, slot{})
	}
	taken := &s.pool[index]
	generation := taken.generation + 1
	*taken = slot{
		identity: from.identity, sequence: from.cursor, protocol: protocol, generation: generation,
		token: s.token(generation, index),
	}
	if protocol == packet.TCP {
		taken.token = max(taken.token&0xffff, 1) // all that a SYN has room for
	}
	from.slots[from.cursor] = index + 1
	from.used++
	from.advance(first, last)
	return index
}

// token is unlike that of any other packet of this process, and never 0, which
// is how a quote is padded.
func (s *slots) token(generation uint32, index int32) uint64 {
	return max(mix(s.key^uint64(generation)<<32^uint64(index)), 1)
}

func (p *space) advance(first, last uint16) {
	if p.cursor == last {
		p.cursor = first
		return
	}
	p.cursor++
}

// find returns the slot that waits under an identity and sequence, noSlot if none does.
func (s *slots) find(protocol packet.Protocol, identity, sequence uint16) int32 {
	if protocol >= protocols {
		return noSlot
	}
	if in := s.space(protocol, identity); in != nil && in.slots != nil {
		return in.slots[sequence] - 1
	}
	return noSlot
}

// space is that of an identity, nil if it is none of ours. Most often they follow
// one another.
func (s *slots) space(protocol packet.Protocol, identity uint16) *space {
	spaces := s.spaces[protocol]
	if len(spaces) == 0 {
		return nil
	}
	if i := int(identity) - int(spaces[0].identity); i >= 0 && i < len(spaces) && spaces[i].identity == identity {
		return &spaces[i]
	}
	for i := range spaces {
		if spaces[i].identity == identity {
			return &spaces[i]
		}
	}
	return nil
}

// release frees a slot: nothing that comes for it from now on is ours.
func (s *slots) release(index int32) {
	freed := &s.pool[index]
	in := s.space(freed.protocol, freed.identity)
	in.slots[freed.sequence] = 0
	in.used--
	freed.measured = nil
	s.free = append(s.free, index)
}

// hold keeps a slot whose answer is missing until a late one can no longer be
// told from another's.
func (s *slots) hold(index int32, now time.Duration) {
	s.pool[index].held = true
	s.held = append(s.held, heldSlot{now + holdTime, index, s.pool[index].generation})
}

// sweep releases what has been held long enough.
func (s *slots) sweep(now time.Duration) {
	for s.first < len(s.held) && s.held[s.first].release <= now {
		s.dropFirst()
	}
	if s.first > 1024 && s.first > len(s.held)/2 {
		s.held = append(s.held[:0], s.held[s.first:]...)
		s.first = 0
	}
}

// evict releases the slot that has been held longest. Late answers matter
// less than probes that could not be sent for want of a sequence.
func (s *slots) evict() bool {
	for s.first < len(s.held) {
		if s.dropFirst() {
			return true
		}
	}
	return false
}

func (s *slots) dropFirst() (released bool) {
	entry := s.held[s.first]
	s.first++
	if held := &s.pool[entry.index]; held.measured == nil || held.generation != entry.generation {
		return false
	}
	s.release(entry.index)
	return true
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

package connectiontest

import (
	"net/netip"
	"syscall"
	"testing"

	"netsonde"
	"netsonde/internal/packet"
)

// closedPort is where no host of a test network listens.
const closedPort = 33440

func echo(n Network, to netip.Addr, sequence uint16, size int) packet.Probe {
	return packet.Probe{
		Protocol:    packet.Echo,
		Destination: to,
		Identity:    n.Connection.Capabilities().ICMP[0],
		Sequence:    sequence,
		Size:        size,
		Token:       0xfedcba9876543210 + uint64(sequence),
	}
}

// exchange sends one probe and returns its one reply.
func exchange(t *testing.T, n Network, p packet.Probe) (packet.Probe, packet.Reply) {
	t.Helper()
	p = send(t, n.Connection, p)[0]
	if p.Errno != 0 {
		t.Fatalf("%v, %d bytes: send failed: %v", p.Destination, p.Size, p.Errno)
	}
	replies := receive(t, n.Connection, 1)
	if len(replies) != 1 {
		t.Fatalf("%v, %d bytes: %d replies, want 1", p.Destination, p.Size, len(replies))
	}
	return p, replies[0]
}

func echoAnswered(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	for _, to := range n.Answering {
		for _, sequence := range []uint16{0, 1, 0x1234, 0xffff} {
			p, r := exchange(t, n, echo(n, to, sequence, 41))
			checkEcho(t, n, p, r)
		}
	}
}

func everyIdentityAnswered(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	for _, to := range n.Answering {
		for _, identity := range n.Connection.Capabilities().ICMP {
			p := echo(n, to, 7, 41)
			p.Identity = identity
			p, r := exchange(t, n, p)
			checkEcho(t, n, p, r)
		}
	}
}

func payloadSizes(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	for i, to := range n.Answering {
		sizes := []int{0, 1, 7, 8, 9, 41, 1472, 1473, 9000}
		if i == 0 && n.LargestPayload > 0 {
			sizes = append(sizes, n.LargestPayload-1, n.LargestPayload)
		}
		for sequence, size := range sizes {
			p, r := exchange(t, n, echo(n, to, uint16(sequence), size))
			checkEcho(t, n, p, r)
		}
	}
}

func payloadTooLarge(t *testing.T, n Network) {
	need(t, n.LargestPayload > 0, "largest payload")
	p := send(t, n.Connection, echo(n, n.Answering[0], 1, n.LargestPayload+1))[0]
	if p.Errno != syscall.EMSGSIZE {
		t.Errorf("errno = %v, want EMSGSIZE", p.Errno)
	}
	p, r := exchange(t, n, echo(n, n.Answering[0], 2, 41))
	checkEcho(t, n, p, r)
}

func manyAtOnce(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	const count = 600
	sent := map[uint16]packet.Probe{}
	var replies []packet.Reply
	for first := 0; first < count; first += 60 {
		batch := make([]packet.Probe, 60)
		for i := range batch {
			batch[i] = echo(n, n.Answering[(first+i)%len(n.Answering)], uint16(first+i), 41)
		}
		for _, p := range send(t, n.Connection, batch...) {
			sent[p.Sequence] = p
		}
		replies = append(replies, receive(t, n.Connection, 60)...)
	}
	for _, r := range replies {
		p, ok := sent[r.Sequence]
		if !ok {
			t.Fatalf("sequence %d answered twice, or never sent", r.Sequence)
		}
		checkEcho(t, n, p, r)
		delete(sent, r.Sequence)
	}
	if len(sent) != 0 {
		t.Errorf("%d of %d echoes not answered", len(sent), count)
	}
}

// sourceGiven sends to an own address from that address, which must work.
func sourceGiven(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	to := n.Answering[0]
	if !to.IsLoopback() {
		t.Log("the first address that answers is not of this host")
		return
	}
	p := echo(n, to, 1, 41)
	p.Source = to
	p, r := exchange(t, n, p)
	checkEcho(t, n, p, r)
}

func echoExpired(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "router on the way")
	if !n.Connection.Capabilities().Trace {
		t.Log("this connection does not trace")
		return
	}
	for sequence, fixed := range []bool{false, true} {
		p := echo(n, n.Far, uint16(sequence+1), packet.FlowSize)
		p.TTL = 1
		p.FixedFlow = fixed
		p, r := exchange(t, n, p)
		checkExpired(t, n, p, r)
	}
}

func datagramExpired(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "router on the way")
	if can := n.Connection.Capabilities(); !can.Trace || len(can.UDP) == 0 {
		t.Log("this connection sends no datagrams")
		return
	}
	for _, sequence := range []uint16{1, 2, 0x8000, 65534} {
		p := datagram(n, sequence)
		p.TTL = 1
		p, r := exchange(t, n, p)
		checkExpired(t, n, p, r)
		if r.Port != closedPort {
			t.Errorf("quoted port %d, want %d", r.Port, closedPort)
		}
	}
}

func datagramPortUnreachable(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "closed port")
	if len(n.Connection.Capabilities().UDP) == 0 {
		t.Log("this connection sends no datagrams")
		return
	}
	p, r := exchange(t, n, datagram(n, 3))
	if !r.PortUnreachable() || r.From != n.Far || r.Destination != n.Far || r.Identity != p.Identity || r.Sequence != p.Sequence {
		t.Errorf("reply = %+v, want port unreachable from %v", r, n.Far)
	}
	checkTimes(t, p, r)
}

func datagram(n Network, sequence uint16) packet.Probe {
	return packet.Probe{
		Protocol:    packet.UDP,
		Destination: n.Far,
		Identity:    n.Connection.Capabilities().UDP[0],
		Sequence:    sequence,
		Port:        closedPort,
		Size:        packet.FlowSize,
		Token:       0xfedcba9876543210 + uint64(sequence),
	}
}

func checkExpired(t *testing.T, n Network, p packet.Probe, r packet.Reply) {
	t.Helper()
	if r.Kind != packet.TimeExceeded || r.From != n.FirstHop || r.Destination != n.Far ||
		r.Protocol != p.Protocol || r.Identity != p.Identity || r.Sequence != p.Sequence {
		t.Errorf("reply = %+v, want time exceeded from %v", r, n.FirstHop)
	}
	if p.Protocol != packet.TCP && n.Connection.Capabilities().Stamps == netsonde.StampsKernel && r.Left == 0 {
		t.Error("no stamp of its leaving")
	}
	if r.HasToken && r.Token != p.Token {
		t.Errorf("quoted token %#x, want %#x", r.Token, p.Token)
	}
	checkTimes(t, p, r)
}

func silence(t *testing.T, n Network) {
	need(t, n.Silent.IsValid(), "silent address")
	p := send(t, n.Connection, echo(n, n.Silent, 1, 41))[0]
	if p.Errno != 0 {
		t.Errorf("send failed: %v", p.Errno)
	}
	if replies := settle(t, n.Connection); len(replies) != 0 {
		t.Errorf("replies = %+v, want none", replies)
	}
}

func refusedSend(t *testing.T, n Network) {
	need(t, n.Refused.IsValid() && len(n.Answering) > 0, "address that is refused")
	probes := send(t, n.Connection,
		echo(n, n.Answering[0], 1, 41), echo(n, n.Refused, 2, 41), echo(n, n.Answering[0], 3, 41))
	for i, failed := range []bool{false, true, false} {
		if (probes[i].Errno != 0) != failed {
			t.Errorf("probe %d: errno %v, want failed %v", i+1, probes[i].Errno, failed)
		}
	}
	answered := map[uint16]bool{}
	for _, r := range receive(t, n.Connection, 2) {
		answered[r.Sequence] = true
	}
	if !answered[1] || answered[2] || !answered[3] {
		t.Errorf("answered = %v, want 1 and 3", answered)
	}
	// The number of one send must not stay in a probe that is used again.
	again := probes[1]
	again.Destination = n.Answering[0]
	p, r := exchange(t, n, again)
	checkEcho(t, n, p, r)
}

func foreignPackets(t *testing.T, n Network) {
	need(t, n.Foreign != nil, "foreign packets")
	n.Foreign()
	if replies := settle(t, n.Connection); len(replies) != 0 {
		t.Errorf("replies = %+v, want none", replies)
	}
}

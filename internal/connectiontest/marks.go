package connectiontest

import (
	"syscall"
	"testing"

	"netsonde/internal/packet"
)

// The headers before an echo's payload, and before that of a datagram alike.
const (
	headers4 = 20 + 8
	headers6 = 40 + 8
)

// wholePayload is the largest payload to Far that fits the MTU.
func wholePayload(n Network) int {
	if n.Far.Is4() {
		return n.MTU - headers4
	}
	return n.MTU - headers6
}

// codepoint sends with each codepoint at the ends of its range.
func codepoint(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	for _, to := range n.Answering {
		for sequence, value := range []uint8{0, 1, 46, 63, 0} {
			p := echo(n, to, uint16(sequence), 41)
			p.DSCP = value
			p, r := exchange(t, n, p)
			checkEcho(t, n, p, r)
		}
	}
}

// keptWhole sends what just fits the link, and one byte more, which must fail
// only where it may not be cut.
func keptWhole(t *testing.T, n Network) {
	need(t, n.MTU > 0 && n.Far.IsValid(), "MTU")
	size := wholePayload(n)
	for sequence, c := range []struct {
		size  int
		whole bool
		errno syscall.Errno
	}{
		{size, true, 0}, {size + 1, false, 0}, {size + 1, true, syscall.EMSGSIZE}, {size + 1, false, 0}, {size, true, 0},
	} {
		p := echo(n, n.Far, uint16(sequence), c.size)
		p.DontFragment = c.whole
		if c.errno == 0 {
			p, r := exchange(t, n, p)
			checkEcho(t, n, p, r)
			continue
		}
		if p = send(t, n.Connection, p)[0]; p.Errno != c.errno {
			t.Errorf("%d bytes, one too many, kept whole: errno %v, want %v", c.size, p.Errno, c.errno)
		}
	}
}

// wholeAmongOthers sends all sorts with one call.
func wholeAmongOthers(t *testing.T, n Network) {
	need(t, n.MTU > 0 && n.Far.IsValid(), "MTU")
	probes := make([]packet.Probe, 12)
	want := 0
	for i := range probes {
		probes[i] = echo(n, n.Far, uint16(i), wholePayload(n)+i%2)
		probes[i].DontFragment = i%3 == 0
		if i%6 != 3 {
			want++
		}
	}
	for i, p := range send(t, n.Connection, probes...) {
		if failed := i%6 == 3; failed != (p.Errno == syscall.EMSGSIZE) || !failed && p.Errno != 0 {
			t.Errorf("probe %d, %d bytes, whole %v: errno %v", i, p.Size, p.DontFragment, p.Errno)
		}
	}
	answered := map[uint16]bool{}
	for _, r := range receive(t, n.Connection, want) {
		answered[r.Sequence] = true
	}
	if len(answered) != want || answered[3] || answered[9] {
		t.Errorf("answered %v, want all but 3 and 9", answered)
	}
}

// segment is a SYN to a closed port of Far.
func segment(n Network, identity, sequence uint16) packet.Probe {
	return packet.Probe{
		Protocol:    packet.TCP,
		Destination: n.Far,
		Identity:    identity,
		Sequence:    sequence,
		Port:        closedPort,
		DSCP:        46,
		Token:       0xcdef,
	}
}

func segmentExpired(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "router on the way")
	if !n.Connection.Capabilities().Trace {
		t.Log("this connection does not trace")
		return
	}
	for _, identity := range n.Connection.Capabilities().TCP() {
		for _, sequence := range []uint16{0, 1, 0xffff} {
			p := segment(n, identity, sequence)
			p.TTL = 1
			p, r := exchange(t, n, p)
			checkExpired(t, n, p, r)
			if r.Port != closedPort || !r.HasToken {
				t.Errorf("port %d, token %v; want %d and a token", r.Port, r.HasToken, closedPort)
			}
		}
	}
}

func segmentRefused(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "closed port")
	for _, identity := range n.Connection.Capabilities().TCP() {
		p, r := exchange(t, n, segment(n, identity, 0xffff))
		if r.Kind != packet.PortAnswered || r.Protocol != packet.TCP || r.From != n.Far || r.Destination != n.Far ||
			r.Identity != identity || r.Sequence != p.Sequence || r.Token != p.Token || r.Port != p.Port {
			t.Errorf("reply = %+v, want the refusal of %+v", r, p)
		}
		checkTimes(t, p, r)
	}
}

// unknownProtocol sends datagrams by a connection that has no identities for them.
func unknownProtocol(t *testing.T, n Network) {
	need(t, n.Far.IsValid(), "address")
	if len(n.Connection.Capabilities().UDP) > 0 {
		t.Log("this connection sends datagrams")
		return
	}
	p := packet.Probe{Protocol: packet.UDP, Destination: n.Far, Identity: 1, Sequence: 1, Port: closedPort, Token: 1}
	if p = send(t, n.Connection, p)[0]; p.Errno != syscall.EPROTONOSUPPORT {
		t.Errorf("errno = %v, want EPROTONOSUPPORT", p.Errno)
	}
}

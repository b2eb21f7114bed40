package socket_test

import (
	"net/netip"
	"testing"
	"time"

	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// A connection without sockets waits, is woken, and fails to send.
func TestNothing(t *testing.T) {
	c, err := socket.Open(socket.Options{Kind: socket.KindNothing, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, protocol := range []packet.Protocol{packet.Echo, packet.UDP, packet.TCP} {
		probes := []packet.Probe{{Destination: netip.MustParseAddr("127.0.0.1"), Protocol: protocol}}
		if err := c.WriteBatch(probes); err != nil {
			t.Fatal(err)
		}
		if probes[0].Errno == 0 {
			t.Errorf("protocol %v: sent without a socket", protocol)
		}
	}
	var replies [1]packet.Reply
	until := c.Now().Monotonic + time.Millisecond
	n, empty, err := c.ReadBatch(replies[:], until)
	if n != 0 || err != nil || empty.Monotonic < until {
		t.Errorf("%d replies, %v, empty %v before the deadline", n, err, until-empty.Monotonic)
	}
	c.Wake()
	if n, _, err = c.ReadBatch(replies[:], c.Now().Monotonic+time.Hour); n != 0 || err != nil {
		t.Errorf("woken: %d replies, %v", n, err)
	}
}

// A connection for echoes alone measures, and says what it has not.
func TestEchoOnly(t *testing.T) {
	c, err := socket.Open(socket.Options{Kind: socket.KindRaw, EchoOnly: true, Origin: time.Now()})
	if err != nil {
		lab.Skip(t, "no raw sockets: "+err.Error())
	}
	defer c.Close()
	can := c.Capabilities()
	probe := packet.Probe{Destination: netip.MustParseAddr("127.0.0.1"), Identity: can.ICMP[1], Sequence: 7, Token: 1, Size: 16}
	datagram, segment := probe, probe
	datagram.Protocol, segment.Protocol = packet.UDP, packet.TCP
	probes := []packet.Probe{datagram, segment, probe}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	if len(can.UDP) != 0 || probes[0].Errno == 0 || probes[1].Errno == 0 || probes[2].Errno != 0 {
		t.Errorf("ports %v; datagram %v, segment %v, echo %v", can.UDP, probes[0].Errno, probes[1].Errno, probes[2].Errno)
	}
	var replies [8]packet.Reply
	for until := c.Now().Monotonic + 5*time.Second; c.Now().Monotonic < until; {
		n, _, err := c.ReadBatch(replies[:], until)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range replies[:n] {
			if r.Identity == probe.Identity && r.Sequence == probe.Sequence {
				return
			}
		}
	}
	t.Error("the echo has no answer")
}

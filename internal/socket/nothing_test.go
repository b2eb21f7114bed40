package socket_test

import (
	"net/netip"
	"testing"
	"time"

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

package socket_test

import (
	"testing"
	"time"

	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// TestFewProbesShareAReading shows what RTTs may hold of our own sending: the
// probes that leave together, by how many bear the same time.
func TestFewProbesShareAReading(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for _, test := range []struct {
		kind      socket.Kind
		unstamped bool
		most      int
	}{
		{socket.KindRaw, false, 16}, {socket.KindPing, false, 16},
		{socket.KindRaw, true, 4}, {socket.KindPing, true, 4},
	} {
		c, err := socket.Open(socket.Options{Kind: test.kind, Origin: time.Now(), ReceiveOnly: test.unstamped})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for size, together := range map[int]int{0: test.most, 41: test.most, 700: 2, 1400: 1, 8000: 1, 65507: 1} {
			probes := make([]packet.Probe, 40)
			for i := range probes {
				probes[i] = probeOf(c, localhost4, uint16(i))
				probes[i].Identity, probes[i].Size = c.Capabilities().ICMP[0], size
			}
			exchange(t, c, probes, len(probes))
			sharing := 1
			for i := 1; i < len(probes); i++ {
				if probes[i].Sent != probes[i-1].Sent {
					sharing = 0
				}
				if sharing++; sharing > together {
					t.Errorf("%d probes of %d bytes share a reading", sharing, size)
				}
			}
		}
	}
}

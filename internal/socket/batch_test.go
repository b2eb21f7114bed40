package socket_test

import (
	"testing"

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
	for _, kind := range []socket.Kind{socket.KindRaw, socket.KindPing} {
		c := open(t, kind)
		for size, together := range map[int]int{0: 4, 41: 4, 700: 2, 1400: 1, 8000: 1, 65507: 1} {
			probes := make([]packet.Probe, 16)
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

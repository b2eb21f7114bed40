package agent_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"netsonde/internal/agent"
)

// BenchmarkApply gives an agent a plan of a million addresses, and then the
// same once more.
func BenchmarkApply(b *testing.B) {
	const count = 1_000_000
	p := plan()
	for i := range count {
		target := fixed(10*time.Minute, ping(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), 0))
		target.Name = "host" + strconv.Itoa(i)
		p.Targets = append(p.Targets, target)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.ResetTimer()
	for range b.N {
		before := heap()
		a, err := agent.New(agent.Config{
			Connections: []agent.Connection{newLAN(1).Connect(options(0))}, Sinks: []agent.Sink{&record{}},
		})
		if err != nil {
			b.Fatal(err)
		}
		for range 2 {
			if err := a.Apply(b.Context(), p); err != nil {
				b.Fatal(err)
			}
		}
		// The shares of the shards that have not run yet are counted too.
		b.ReportMetric(float64(heap()-before)/count, "B/target")
		runtime.KeepAlive(a)
	}
}

package probe_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// fixedTarget pings once an interval, under an address of its own.
func fixedTarget(i int, every time.Duration) (*netsonde.Target, netip.Addr) {
	addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	target := pingTarget("host"+strconv.Itoa(i), 1, 0)
	target.Groups[0].Cadence = netsonde.Cadence{Every: every}
	return target, addr
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkApply gives an engine a plan of many targets, and then the same
// once more.
func BenchmarkApply(b *testing.B) {
	const count = 1_000_000
	targets := make([]*netsonde.Target, count)
	addresses := make([]netip.Addr, count)
	for i := range targets {
		targets[i], addresses[i] = fixedTarget(i, 10*time.Minute)
	}
	b.ResetTimer()
	for range b.N {
		before := heapInUse()
		e := probe.New(probe.Options{ICMP: []uint16{1, 2}, Key: 1})
		for range 2 {
			e.Apply(at(0), targets)
			for i, target := range targets {
				e.SetAddress(at(0), target.Name, addresses[i])
			}
		}
		b.ReportMetric(float64(heapInUse()-before)/count, "B/target")
		runtime.KeepAlive(e)
	}
}

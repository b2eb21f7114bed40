package probe_test

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/packet"
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
	count := 1_000_000
	if testing.Short() {
		count = 10_000
	}
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
		b.ReportMetric(float64(heapInUse()-before)/float64(count), "B/target")
		runtime.KeepAlive(e)
	}
}

// BenchmarkRounds runs the rounds of targets that are pinged once a second and
// answer at once, in turns of two milliseconds; a round an operation.
func BenchmarkRounds(b *testing.B) {
	const turn = 2 * time.Millisecond
	for _, count := range []int{100, 10_000, 100_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			targets := make([]*netsonde.Target, count)
			for i := range targets {
				targets[i], _ = fixedTarget(i, time.Second)
			}
			e := probe.New(probe.Options{ICMP: []uint16{1, 2, 3, 4}, Key: 1})
			e.Apply(at(0), targets)
			for i, target := range targets {
				_, addr := fixedTarget(i, time.Second)
				e.SetAddress(at(0), target.Name, addr)
			}
			out := make([]packet.Probe, 64)
			now, done := time.Duration(0), 0
			step := func() {
				now += turn
				for n := len(out); n == len(out); {
					n = e.Advance(at(now), out)
					for i := range out[:n] {
						out[i].Sent = at(now)
					}
					e.Sent(out[:n])
					for i := range out[:n] {
						answer(e, at(now+20*time.Microsecond), out[i])
					}
					done += n
				}
				e.Expire(at(now), at(now))
				e.Take()
			}
			for now < 2*time.Second {
				step()
			}
			b.ResetTimer()
			b.ReportAllocs()
			for done = 0; done < b.N; {
				step()
			}
		})
	}
}

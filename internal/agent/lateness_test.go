package agent_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/socket"
)

// lateness is a sink that keeps how long after its due time each echo was sent.
type lateness struct {
	every    map[netsonde.ProbeID]time.Duration
	mu       sync.Mutex
	late     []time.Duration
	stalled  uint64
	lost     int
	answered int
}

func (l *lateness) Consume(b *netsonde.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, burst := range b.Bursts {
		every := uint64(l.every[burst.Probe])
		for _, sample := range burst.Samples {
			late := (uint64(sample.Sent.Real) - uint64(burst.Probe)%every) % every
			l.late = append(l.late, time.Duration(late))
			if sample.Outcome.Answered() {
				l.answered++
			} else {
				l.lost++
			}
		}
	}
	for _, stall := range b.Stalls {
		l.stalled += stall.Rounds
	}
}

// BenchmarkLateness pings ten thousand addresses of this machine once a second
// each, for -benchtime=Nx seconds, and tells how late echoes leave.
func BenchmarkLateness(b *testing.B) {
	const count, every = 10_000, time.Second
	connection, err := socket.Open(socket.Options{Origin: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	defer connection.Close()
	sink := &lateness{every: map[netsonde.ProbeID]time.Duration{}}
	monitor, err := agent.New(agent.Config{
		Connections: []agent.Connection{connection}, Sinks: []agent.Sink{sink},
	})
	if err != nil {
		b.Fatal(err)
	}
	p := plan()
	for i := range count {
		target := fixed(every, ping(fmt.Sprintf("127.1.%d.%d", i/250, i%250+1), 0))
		sink.every[target.Groups[0].Probes[0].ID] = every
		p.Targets = append(p.Targets, target)
	}
	if err := monitor.Apply(b.Context(), p); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Duration(b.N)*time.Second)
	defer cancel()
	b.ResetTimer()
	if err := monitor.Run(ctx); err != nil {
		b.Fatal(err)
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if len(sink.late) == 0 {
		return
	}
	slices.Sort(sink.late)
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1} {
		late := sink.late[min(int(share*float64(len(sink.late))), len(sink.late)-1)]
		b.ReportMetric(float64(late)/float64(time.Microsecond), name+"-µs")
	}
	b.ReportMetric(float64(sink.lost), "lost")
	b.ReportMetric(float64(sink.stalled), "stalled")
	b.ReportMetric(float64(len(sink.late))/float64(b.N), "echoes/s")
}

package console_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
)

// sweepBatches is batches of 64 targets with one answered echo each.
func sweepBatches(n int) []*netsonde.Batch {
	batches := make([]*netsonde.Batch, n)
	for i := range batches {
		batches[i] = &netsonde.Batch{}
		for j := range 64 {
			target := swept("127.0.0.1", netsonde.ProbeID(1+64*i+j), netsonde.Probe{Kind: netsonde.KindPing, Count: 1})
			with(batches[i], round(target, 0, "127.0.0.1", 1), answered(18597*time.Nanosecond))
		}
	}
	return batches
}

// BenchmarkReport reports a sweep, a target an operation: to a file, and only
// counted.
func BenchmarkReport(b *testing.B) {
	for name, o := range map[string]console.ReportOptions{
		"json": {JSON: true}, "text": {}, "quiet": {Quiet: true},
	} {
		b.Run(name, func(b *testing.B) {
			file, err := os.Create(filepath.Join(b.TempDir(), "results"))
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			batches := sweepBatches(64)
			o.Tool, o.Results = console.ToolPing, file
			o.Diagnostics = console.NewDiagnostics(io.Discard, false, clock)
			r := console.NewReport(o)
			done := make(chan error, 1)
			ctx := b.Context()
			go func() { done <- r.Run(ctx) }()
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i*64 < b.N; i++ {
				r.Consume(batches[i%len(batches)])
				if err := r.WaitBelow(ctx, 4096); err != nil {
					b.Fatal(err)
				}
			}
			if err := r.WaitBelow(ctx, 1); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if got := r.Counts().Reachable; got < uint64(b.N) {
				b.Errorf("%d targets are counted, want %d", got, b.N)
			}
		})
	}
}

// BenchmarkNative prints rounds of native targets, a round of one echo an operation.
func BenchmarkNative(b *testing.B) {
	for name, format := range map[string]console.Format{
		"text": console.FormatText, "json": console.FormatJSON, "jsonl": console.FormatJSONLines,
	} {
		b.Run(name, func(b *testing.B) {
			target := nativePlan()[0]
			batch := &netsonde.Batch{}
			with(batch, round(target, 0, "192.0.2.10", 1), answered(512*us))
			c := console.New(console.Options{
				Results: io.Discard, Diagnostics: console.NewDiagnostics(io.Discard, false, clock), Location: zone, Format: format, Node: "ams1",
			})
			end, result := running(c)
			b.ReportAllocs()
			for b.Loop() {
				c.Consume(batch)
				if err := c.WaitBelow(b.Context(), 1000); err != nil {
					b.Fatal(err)
				}
			}
			end()
			if err := <-result; err != nil {
				b.Fatal(err)
			}
		})
	}
}

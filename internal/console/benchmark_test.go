package console_test

import (
	"io"
	"testing"

	"netsonde"
	"netsonde/internal/console"
)

// BenchmarkConsume formats and writes blocks as 20,000 hosts with ten pings
// each make them, a hundred to a batch.
func BenchmarkConsume(b *testing.B) {
	for name, output := range map[string]netsonde.Output{"text3": text3, "json3": json3, "text4": text4, "json4": json4} {
		b.Run(name, func(b *testing.B) {
			const hosts = 100
			batch := &netsonde.Batch{}
			for i := range hosts {
				target := watched("web.test", output, netsonde.KindPing)
				target.Groups[0].Probes[0].ID = netsonde.ProbeID(i)
				found := report{samples: answered(18597, 20_000, 31_234, 17_001, 16_999, 18_000, 18_001, 25_000, 40_001, 19_999)}
				one := found.batch(roundOf(target, "127.0.0.1", 1))
				batch.Bursts = append(batch.Bursts, one.Bursts...)
				batch.Rounds = append(batch.Rounds, one.Rounds...)
			}
			c := console.New(console.Options{
				Results: io.Discard, Diagnostics: console.NewDiagnostics(io.Discard, false, clock), Location: zone,
			})
			end, result := running(c)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += hosts {
				c.Consume(batch)
				if err := c.WaitBelow(b.Context(), hosts*10); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			end()
			if err := <-result; err != nil {
				b.Fatal(err)
			}
			if c.Dropped() > 0 {
				b.Errorf("%d blocks were dropped", c.Dropped())
			}
		})
	}
}

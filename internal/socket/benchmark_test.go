package socket_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// volley is one batch of echoes out and in, over buffers of its own.
type volley struct {
	connection *socket.Connection
	probes     [32]packet.Probe
	replies    [32]packet.Reply
}

// fly sends the batch and reads until all is answered.
func (v *volley) fly(t testing.TB, to netip.Addr) {
	for i := range v.probes {
		v.probes[i] = probeOf(v.connection, to, uint16(i))
		v.probes[i].TTL = 64
	}
	v.exchange(t)
}

func (v *volley) exchange(t testing.TB) {
	if err := v.connection.WriteBatch(v.probes[:]); err != nil {
		t.Fatal(err)
	}
	until := v.connection.Now().Monotonic + patience
	for got := 0; got < len(v.probes); {
		n, empty, err := v.connection.ReadBatch(v.replies[:], until)
		if err != nil {
			t.Fatal(err)
		}
		if got += n; n == 0 && empty.Monotonic >= until {
			t.Fatalf("%d answers to %d probes", got, len(v.probes))
		}
	}
}

// BenchmarkEcho sends to and reads from the loopback. "cpu-ns/probe" holds all
// that the process spends, the kernel's own answers included.
func BenchmarkEcho(b *testing.B) {
	for _, name := range []string{"raw", "raw receive-only", "ping", "ping receive-only"} {
		b.Run(name, func(b *testing.B) {
			kind, only := strings.CutSuffix(name, " receive-only")
			c, err := socket.Open(socket.Options{Kind: kinds[kind], Origin: time.Now(), ReceiveOnly: only})
			if err != nil {
				b.Skip(err) // a benchmark needs no namespace, but the rights
			}
			defer c.Close()
			v := &volley{connection: c}
			v.fly(b, localhost4)
			before := processTime(b)
			b.ReportAllocs()
			for b.Loop() {
				v.exchange(b)
			}
			b.ReportMetric(float64(processTime(b)-before)/float64(b.N*len(v.probes)), "cpu-ns/probe")
		})
	}
}

// processTime is the processor time of the process so far, in nanoseconds.
func processTime(b *testing.B) int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return unix.TimevalToNsec(usage.Utime) + unix.TimevalToNsec(usage.Stime)
}

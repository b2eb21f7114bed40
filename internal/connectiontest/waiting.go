package connectiontest

import (
	"testing"
	"time"

	"netsonde/internal/packet"
)

func untilInThePast(t *testing.T, n Network) {
	for _, until := range []time.Duration{0, n.Connection.Now().Monotonic - 1, n.Connection.Now().Monotonic} {
		before := n.Connection.Now()
		got, _, err := n.Connection.ReadBatch(make([]packet.Reply, 4), until)
		if got != 0 || err != nil {
			t.Errorf("ReadBatch = %d, %v; want nothing", got, err)
		}
		if waited := n.Connection.Now().Monotonic - before.Monotonic; waited > 100*time.Millisecond {
			t.Errorf("waited %v for %v, which is past", waited, until)
		}
	}
}

func waitEndsAtUntil(t *testing.T, n Network) {
	for _, wait := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 150 * time.Millisecond} {
		until := n.Connection.Now().Monotonic + wait
		got, _, err := n.Connection.ReadBatch(make([]packet.Reply, 4), until)
		if got != 0 || err != nil {
			t.Errorf("ReadBatch = %d, %v; want nothing", got, err)
		}
		// A busy machine may be late, but nothing excuses being early.
		if late := n.Connection.Now().Monotonic - until; late < 0 || late > 100*time.Millisecond {
			t.Errorf("a wait of %v ended %v after its time", wait, late)
		}
	}
}

func wakeWhileWaiting(t *testing.T, n Network) {
	timer := time.AfterFunc(50*time.Millisecond, n.Connection.Wake)
	defer timer.Stop()
	before := n.Connection.Now().Monotonic
	got, _, err := n.Connection.ReadBatch(make([]packet.Reply, 4), before+patience)
	if got != 0 || err != nil {
		t.Errorf("ReadBatch = %d, %v; want nothing", got, err)
	}
	if waited := n.Connection.Now().Monotonic - before; waited >= patience {
		t.Error("Wake did not end the wait")
	}
}

func wakeBeforeWaiting(t *testing.T, n Network) {
	n.Connection.Wake()
	n.Connection.Wake()
	before := n.Connection.Now().Monotonic
	if _, _, err := n.Connection.ReadBatch(make([]packet.Reply, 4), before+patience); err != nil {
		t.Errorf("ReadBatch: %v", err)
	}
	if waited := n.Connection.Now().Monotonic - before; waited >= patience {
		t.Error("a Wake before the wait did not end it")
	}
	// It is used up: the next wait lasts.
	until := n.Connection.Now().Monotonic + 50*time.Millisecond
	if _, _, err := n.Connection.ReadBatch(make([]packet.Reply, 4), until); err != nil {
		t.Errorf("ReadBatch: %v", err)
	}
	if n.Connection.Now().Monotonic < until {
		t.Error("one Wake ended two waits")
	}
}

// fullBatch reads with less room than there are replies.
func fullBatch(t *testing.T, n Network) {
	need(t, len(n.Answering) > 0, "address that answers")
	probes := make([]packet.Probe, 5)
	for i := range probes {
		probes[i] = echo(n, n.Answering[0], uint16(i), 41)
	}
	send(t, n.Connection, probes...)
	seen := map[uint16]int{}
	buffer := make([]packet.Reply, 2)
	for deadline := n.Connection.Now().Monotonic + patience; len(seen) < len(probes); {
		if n.Connection.Now().Monotonic >= deadline {
			break
		}
		got, _, err := n.Connection.ReadBatch(buffer, deadline)
		if err != nil {
			t.Fatalf("ReadBatch: %v", err)
		}
		if got < 0 || got > len(buffer) {
			t.Fatalf("ReadBatch = %d with room for %d", got, len(buffer))
		}
		for _, r := range buffer[:got] {
			seen[r.Sequence]++
		}
	}
	for i := range probes {
		if seen[uint16(i)] != 1 {
			t.Errorf("sequence %d seen %d times, want once", i, seen[uint16(i)])
		}
	}
}

// emptyReading checks the moment at which the sockets are said to have been empty.
func emptyReading(t *testing.T, n Network) {
	before := n.Connection.Now()
	got, empty, err := n.Connection.ReadBatch(make([]packet.Reply, 4), 0)
	after := n.Connection.Now()
	if got != 0 || err != nil {
		t.Fatalf("ReadBatch = %d, %v; want nothing", got, err)
	}
	if empty.Monotonic < before.Monotonic || empty.Monotonic > after.Monotonic {
		t.Errorf("empty at %v, read between %v and %v", empty.Monotonic, before.Monotonic, after.Monotonic)
	}

	// After a wait, a read that does not wait says so of a moment after it:
	// otherwise nothing that was waited for would ever expire.
	until := n.Connection.Now().Monotonic + 20*time.Millisecond
	for i := 0; empty.Monotonic < until; i++ {
		if i == 3 {
			t.Fatalf("empty stays at %v, before %v", empty.Monotonic, until)
		}
		if _, empty, err = n.Connection.ReadBatch(make([]packet.Reply, 4), until); err != nil {
			t.Fatalf("ReadBatch: %v", err)
		}
	}
}

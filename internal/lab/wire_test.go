package lab_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// wirePair returns two nodes on a running wire and a UDP socket in each, the
// first one connected to the second.
func wirePair(t *testing.T, seed uint64) (w *lab.Wire, near, far *net.UDPConn) {
	t.Helper()
	network := lab.ForTest(t)
	a, b := network.Node("a"), network.Node("b")
	w = network.Wire(a, b, seed)
	w.Addresses("10.0.0.1/24", "10.0.0.2/24").Addresses("fd00::1/64", "fd00::2/64")
	for node, socket := range map[*lab.Node]**net.UDPConn{a: &near, b: &far} {
		err := node.Do(func() (err error) {
			address := netip.MustParseAddrPort("10.0.0.2:7000")
			if node == a {
				*socket, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(address))
			} else {
				*socket, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*socket).Close() })
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the wire ended with %v", err)
		}
	})
	return w, near, far
}

// send writes numbered packets and returns the numbers that arrive, in order.
// It stops when the last one or, after a pause, nothing more comes.
func send(t *testing.T, near, far *net.UDPConn, count int, pause time.Duration) []int {
	t.Helper()
	go func() {
		for i := range count {
			fmt.Fprint(near, i)
			// The receiver's buffer must not be the one that loses packets.
			if i%20 == 19 {
				time.Sleep(2 * time.Millisecond)
			}
		}
	}()
	var arrived []int
	buffer := make([]byte, 100)
	for {
		if err := far.SetReadDeadline(time.Now().Add(pause)); err != nil {
			t.Fatal(err)
		}
		n, err := far.Read(buffer)
		if err != nil {
			return arrived
		}
		var number int
		if _, err := fmt.Sscan(string(buffer[:n]), &number); err != nil {
			t.Fatal(err)
		}
		arrived = append(arrived, number)
	}
}

// TestWireLosesTheSamePackets needs root and namespaces.
func TestWireLosesTheSamePackets(t *testing.T) {
	const sent = 400
	var first []int
	for run := range 2 {
		w, near, far := wirePair(t, 7)
		// Neighbour discovery and the like would move the numbers.
		w.Forth(lab.Effects{Loss: 0.25, Match: func(packet []byte) bool { return packet[0]>>4 == 4 }})
		before, _ := w.Counts()
		arrived := send(t, near, far, sent, 300*time.Millisecond)
		after, _ := w.Counts()
		if lost := after.Lost - before.Lost; int(lost) != sent-len(arrived) || lost == 0 {
			t.Errorf("%d of %d arrived, %d counted as lost", len(arrived), sent, lost)
		}
		if run == 0 {
			first = arrived
			continue
		}
		if share := len(arrived); share < sent/2 || share > sent*9/10 {
			t.Errorf("%d of %d arrived with a loss of a quarter", share, sent)
		}
		// Other packets may have gone before, which moves the pattern; without
		// any it is the same.
		if before.Sent == 0 && !slices.Equal(first, arrived) {
			t.Errorf("other packets were lost than with the same seed before")
		}
	}
}

// TestWireDuplicatesAndReorders needs root and namespaces.
func TestWireDuplicatesAndReorders(t *testing.T) {
	w, near, far := wirePair(t, 3)
	const sent = 300
	w.Forth(lab.Effects{Duplicate: 0.1, Reorder: 0.1, ReorderDelay: 5 * time.Millisecond})
	arrived := send(t, near, far, sent, 300*time.Millisecond)
	counts, _ := w.Counts()
	seen := map[int]int{}
	for _, number := range arrived {
		seen[number]++
	}
	if len(seen) != sent {
		t.Errorf("%d of %d packets arrived", len(seen), sent)
	}
	if twice := len(arrived) - len(seen); twice == 0 || uint64(twice) > counts.Duplicated {
		t.Errorf("%d came twice, %d counted", twice, counts.Duplicated)
	}
	if slices.IsSorted(arrived) || counts.Reordered == 0 {
		t.Errorf("all came in their order; %d counted as reordered", counts.Reordered)
	}
}

// TestWireDelay needs root and namespaces.
func TestWireDelay(t *testing.T) {
	w, near, far := wirePair(t, 1)
	for _, delay := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		w.Forth(lab.Effects{Delay: delay})
		var excess []time.Duration
		buffer := make([]byte, 100)
		for range 50 {
			start := time.Now()
			if _, err := near.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := far.SetReadDeadline(start.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := far.Read(buffer); err != nil {
				t.Fatal(err)
			}
			excess = append(excess, time.Since(start)-delay)
		}
		slices.Sort(excess)
		t.Logf("delay %v: later by %v at best, %v in the middle, %v at worst",
			delay, excess[0], excess[len(excess)/2], excess[len(excess)-1])
		if excess[0] < 0 {
			t.Errorf("delay %v: a packet came %v too early", delay, -excess[0])
		}
		// Other work on the machine makes single packets late, not the best.
		if excess[0] > 500*time.Microsecond {
			t.Errorf("delay %v: even the best packet came %v late", delay, excess[0])
		}
	}
}

// TestWireKeepsItsOrder needs root and namespaces.
func TestWireKeepsItsOrder(t *testing.T) {
	w, near, far := wirePair(t, 5)
	const sent = 200
	w.Forth(lab.Effects{Delay: time.Millisecond, Jitter: 5 * time.Millisecond})
	if arrived := send(t, near, far, sent, 300*time.Millisecond); len(arrived) != sent || !slices.IsSorted(arrived) {
		t.Errorf("%d of %d arrived, in order: %v", len(arrived), sent, slices.IsSorted(arrived))
	}
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Wire is a link between two nodes that this process carries packet by packet,
// with effects that are exact, counted and the same again for the same seed.
// It carries nothing unless Run runs.
type Wire struct {
	*Link
	directions [2]*direction
	files      [2]int
	wake       int

	mutex   sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Effects are what a wire does to packets in one direction. The zero value
// carries everything at once.
type Effects struct {
	// Delay is added to every packet, and a random part of Jitter, from 0 to
	// all of it. Packets do not overtake each other for that.
	Delay, Jitter time.Duration
	// Loss, Duplicate and Reorder are the shares, 0 to 1, of the packets that
	// vanish, come twice, or come later than their turn by ReorderDelay.
	Loss, Duplicate, Reorder float64
	ReorderDelay             time.Duration
	// Corrupt is the share of the packets of which one bit behind the IP header
	// is not what was sent. No checksum is mended.
	Corrupt float64
	// Match limits the effects to the IP packets for which it returns true;
	// nil is all. It must not keep or change the packet.
	Match func(packet []byte) bool
}

// Counts are the packets of one direction so far.
type Counts struct {
	// Sent counts what the sending node put on the wire, Lost, Duplicated,
	// Reordered and Corrupted what the effects did to it, and Delivered what the
	// receiving node took, duplicates included.
	Sent, Lost, Duplicated, Reordered, Corrupted, Delivered uint64
}

// Wire joins two nodes by a wire. The seed decides which packets its effects
// hit. Give it addresses as a link; only IP packets travel. It needs
// /dev/net/tun.
func (n *Network) Wire(a, b *Node, seed uint64) *Wire {
	w := &Wire{
		Link:  &Link{a: end{node: a}, b: end{node: b}},
		files: [2]int{-1, -1},
		wake:  -1,
	}
	for i, e := range []*end{&w.a, &w.b} {
		peer := []*Node{b, a}[i]
		e.node.step("wire to "+peer.name, func() error {
			e.name = freeName(e.node, peer.name)
			var err error
			w.files[i], err = openTUN(e.name)
			return err
		})
	}
	w.directions[0] = newDirection(w.files[0], w.files[1], seed)
	w.directions[1] = newDirection(w.files[1], w.files[0], ^seed)
	a.step("wire to "+b.name, func() (err error) {
		w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		return err
	})
	a.closeWith(w)
	w.Up()
	return w
}

// openTUN makes a TUN interface in the calling thread's network namespace.
func openTUN(name string) (int, error) {
	file, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(file, unix.TUNSETIFF, request)
	}
	if err != nil {
		return -1, errors.Join(fmt.Errorf("make TUN interface %s: %w", name, err), unix.Close(file))
	}
	return file, nil
}

// Forth sets the effects from the first node to the second, from the next packet on.
func (w *Wire) Forth(e Effects) { w.directions[0].setEffects(e) }

// Back sets the effects from the second node to the first, from the next packet on.
func (w *Wire) Back(e Effects) { w.directions[1].setEffects(e) }

// Counts returns what has happened in both directions.
func (w *Wire) Counts() (forth, back Counts) {
	return w.directions[0].readCounts(), w.directions[1].readCounts()
}

// Run carries packets until ctx ends or the network is closed. Packets that
// are on their way then are lost. It is to be called once.
func (w *Wire) Run(ctx context.Context) error {
	w.mutex.Lock()
	if w.closed || w.wake < 0 {
		w.mutex.Unlock()
		return errors.New("wire is closed")
	}
	w.running.Add(1)
	w.mutex.Unlock()
	defer w.running.Done()

	stop := context.AfterFunc(ctx, w.stop)
	defer stop()
	ended := make(chan error)
	for _, d := range w.directions {
		onOwnThread(func() {
			err := d.carry(w.wake)
			// One direction alone is of no use.
			w.stop()
			ended <- err
		})
	}
	return errors.Join(<-ended, <-ended)
}

// stop makes both directions return. The eventfd stays readable, and a full
// one already says so.
func (w *Wire) stop() { _, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// Close ends Run and removes both ends.
func (w *Wire) Close() error {
	w.mutex.Lock()
	closed := w.closed
	w.closed = true
	w.mutex.Unlock()
	if closed {
		return nil
	}
	if w.wake >= 0 {
		w.stop()
	}
	w.running.Wait()
	var problems []error
	for _, file := range []int{w.files[0], w.files[1], w.wake} {
		if file >= 0 {
			problems = append(problems, unix.Close(file))
		}
	}
	return errors.Join(problems...)
}

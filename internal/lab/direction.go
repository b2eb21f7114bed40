package lab

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// spin is how long before a release the thread stops sleeping and looks at the
// clock: waking it takes the kernel up to this long.
const spin = 150 * time.Microsecond

// largestPacket is the largest IP packet in bytes.
const largestPacket = 65535

// direction carries the packets of one direction of a wire.
type direction struct {
	from, to int
	origin   time.Time

	mutex   sync.Mutex
	effects Effects
	counts  Counts
	random  *rand.Rand
	// damage is drawn from apart, so that it changes the fate of no packet.
	damage  *rand.Rand
	waiting packetQueue
	// last is the latest release of a packet that keeps its turn.
	last time.Duration
	// number orders packets of one release time.
	number uint64
}

func newDirection(from, to int, seed uint64) *direction {
	return &direction{
		from: from, to: to,
		origin: time.Now(),
		random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // it must be the same again
		damage: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // it must be the same again
	}
}

func (d *direction) setEffects(e Effects) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.effects = e
}

func (d *direction) readCounts() Counts {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.counts
}

// take decides what becomes of a packet that was sent at now.
func (d *direction) take(packet []byte, now time.Duration) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.counts.Sent++
	// All are drawn for every packet, so that its fate depends on the seed and
	// its number only, not on the effects of those before it.
	loss, duplicate, reorder, jitter := d.random.Float64(), d.random.Float64(), d.random.Float64(), d.random.Float64()
	e := d.effects
	if e.Match != nil && !e.Match(packet) {
		e = Effects{}
	}
	if loss < e.Loss {
		d.counts.Lost++
		return
	}
	release := max(d.last, now+e.Delay+time.Duration(jitter*float64(e.Jitter)))
	if reorder < e.Reorder {
		d.counts.Reordered++
		release += e.ReorderDelay
	} else {
		d.last = release
	}
	copies := 1
	if duplicate < e.Duplicate {
		d.counts.Duplicated++
		copies = 2
	}
	bytes := append([]byte(nil), packet...)
	corrupt, bit := d.damage.Float64(), d.damage.Uint32()
	if body := bodyOf(bytes); corrupt < e.Corrupt && len(body) > 0 {
		d.counts.Corrupted++
		bit %= uint32(len(body)) * 8
		body[bit/8] ^= 1 << (bit % 8)
	}
	for range copies {
		d.number++
		heap.Push(&d.waiting, waitingPacket{release: release, number: d.number, bytes: bytes})
	}
}

// bodyOf is what an IP packet carries behind its header without extensions.
func bodyOf(packet []byte) []byte {
	const header6 = 40
	header := header6
	if len(packet) > 0 && packet[0]>>4 == 4 {
		header = int(packet[0]&0xf) * 4
	}
	return packet[min(header, len(packet)):]
}

// due takes the next packet whose time has come. Without one it returns how
// long the wait is, or less than 0 when there is nothing to wait for.
func (d *direction) due(now time.Duration) (packet []byte, wait time.Duration) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if len(d.waiting) == 0 {
		return nil, -1
	}
	if wait := d.waiting[0].release - now; wait > 0 {
		return nil, wait
	}
	return heap.Pop(&d.waiting).(waitingPacket).bytes, 0
}

// carry reads, keeps and releases packets until wake is readable. It runs on a
// thread of its own because the runtime's timers round up to a millisecond.
func (d *direction) carry(wake int) error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("exact timers: %w", err)
	}
	poll := []unix.PollFd{{Fd: int32(d.from), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
	buffer := make([]byte, largestPacket)
	for {
		wait, err := d.release()
		if err != nil {
			return err
		}
		var timeout *unix.Timespec
		if wait >= 0 {
			t := unix.NsecToTimespec(int64(max(0, wait-spin)))
			timeout = &t
		}
		if _, err := unix.Ppoll(poll, timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for packets: %w", err)
		}
		if poll[1].Revents != 0 {
			return nil
		}
		// Some at a time, so that a flood does not hold up what is due.
		for range 64 {
			n, err := unix.Read(d.from, buffer)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				return fmt.Errorf("read from TUN: %w", err)
			}
			d.take(buffer[:n], time.Since(d.origin))
		}
	}
}

// release writes what is due and returns the wait until the next packet is.
func (d *direction) release() (time.Duration, error) {
	for {
		packet, wait := d.due(time.Since(d.origin))
		if packet == nil {
			return wait, nil
		}
		_, err := unix.Write(d.to, packet)
		switch {
		case err == nil:
			d.mutex.Lock()
			d.counts.Delivered++
			d.mutex.Unlock()
		case errors.Is(err, unix.EIO), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINVAL):
			// The interface is down, full, or takes no such packet: it is lost
			// there, as on a cable.
		default:
			return 0, fmt.Errorf("write to TUN: %w", err)
		}
	}
}

// waitingPacket is a packet on its way.
type waitingPacket struct {
	release time.Duration
	number  uint64
	bytes   []byte
}

// packetQueue is a heap.Interface of packets by release.
type packetQueue []waitingPacket

func (q packetQueue) Len() int { return len(q) }
func (q packetQueue) Less(i, j int) bool {
	if q[i].release != q[j].release {
		return q[i].release < q[j].release
	}
	return q[i].number < q[j].number
}
func (q packetQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for package heap.
func (q *packetQueue) Push(x any) { *q = append(*q, x.(waitingPacket)) }

// Pop is for package heap.
func (q *packetQueue) Pop() any {
	last := len(*q) - 1
	packet := (*q)[last]
	(*q)[last] = waitingPacket{}
	*q = (*q)[:last]
	return packet
}

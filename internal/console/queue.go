package console

import (
	"bytes"
	"context"
	"sync"
)

// queue holds what waits for the writer, in order. It never makes the one who
// pushes wait.
type queue struct {
	// filled wakes the writer.
	filled chan struct{}

	mu sync.Mutex
	// limit is the number of entries that may wait, 0 for any number.
	limit   int
	filling backlog
	// waiting counts what is pushed and not yet written, wherever it stands.
	waiting int
	// dropping lasts from the first dropped entry until the queue has been empty.
	dropping bool
	dropped  uint64
	// missed counts the lines of entries dropped since takeMissed was asked.
	missed uint64
	closed bool
	// failure is why nothing will be written any more.
	failure error
	// shrunk, if somebody wants to know, is closed when an entry has been written.
	shrunk chan struct{}
}

// backlog is a run of entries whose bytes stand behind one another in data, so
// that an entry costs no allocation.
type backlog struct {
	data    []byte
	entries []entry
}

// entry is the length of a block and the mark of the lines that are to stand on
// the diagnostics before it.
type entry struct {
	length     int
	complaints uint64
}

// keptBacklog is the size in bytes above which an emptied backlog is given
// back: a reader who once slept must not cost memory for ever.
const keptBacklog = 1 << 20

func newQueue(limit int) *queue {
	return &queue{limit: limit, filled: make(chan struct{}, 1)}
}

func (q *queue) setLimit(limit int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = limit
}

// push appends an entry, unless the queue is full or at its end. first tells
// that this is the first entry dropped since the queue was empty. announce is to
// follow: one for many entries, since to wake the writer costs more than to make
// a line.
func (q *queue) push(complaints uint64, block []byte) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.failure != nil {
		q.dropped++
		return false
	}
	if q.limit > 0 && q.waiting >= q.limit {
		q.dropped++
		q.missed += uint64(bytes.Count(block, []byte{'\n'}))
		first = !q.dropping
		q.dropping = true
		return first
	}
	q.append(complaints, block)
	return false
}

// append needs q.mu.
func (q *queue) append(complaints uint64, block []byte) {
	q.filling.data = append(q.filling.data, block...)
	q.filling.entries = append(q.filling.entries, entry{len(block), complaints})
	q.waiting++
}

// announce wakes the writer if anything has been appended.
func (q *queue) announce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.filling.entries) > 0 {
		q.wake()
	}
}

// takeMissed is how many lines were dropped since it was last asked, 0 as long
// as more may be: until the queue has been empty, or comes to its end.
func (q *queue) takeMissed(ending bool) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dropping && !ending {
		return 0
	}
	missed := q.missed
	q.missed = 0
	return missed
}

// insist appends an entry though the queue may be full; announce is to follow.
func (q *queue) insist(block []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.failure != nil {
		q.dropped++
		return
	}
	q.append(0, block)
}

// reserve has an entry wait that is still being made; fill is to follow.
func (q *queue) reserve() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure != nil {
		q.dropped++
		return
	}
	q.waiting++
}

// fill appends an entry for which there is a reservation.
func (q *queue) fill(block []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure != nil {
		return
	}
	q.filling.data = append(q.filling.data, block...)
	q.filling.entries = append(q.filling.entries, entry{length: len(block)})
	q.wake()
}

// take waits for entries and exchanges them for emptied, whose memory is used
// again. It returns false once the queue is closed and nothing is left.
func (q *queue) take(emptied backlog) (backlog, bool) {
	if cap(emptied.data) > keptBacklog {
		emptied = backlog{}
	}
	for {
		q.mu.Lock()
		taken, closed := q.filling, q.closed
		if len(taken.entries) > 0 {
			q.filling = backlog{data: emptied.data[:0], entries: emptied.entries[:0]}
			q.mu.Unlock()
			return taken, true
		}
		q.mu.Unlock()
		if closed {
			return backlog{}, false
		}
		<-q.filled
	}
}

// wrote tells that taken entries no longer wait: so many were written, and so
// many lost.
func (q *queue) wrote(written, lost int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failure != nil {
		return
	}
	q.waiting -= written + lost
	q.dropped += uint64(lost)
	if q.waiting == 0 {
		q.dropping = false
	}
	q.tellShrunk()
}

// close lets no more in; what waits can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

// fail ends the queue: what waits will not be written.
func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failure = err
	q.dropped += uint64(q.waiting)
	q.waiting = 0
	q.filling = backlog{}
	q.tellShrunk()
}

// awaitBelow waits until fewer than n entries wait. It returns the failure of
// the queue or the error of ctx.
func (q *queue) awaitBelow(ctx context.Context, n int) error {
	for {
		q.mu.Lock()
		if q.failure != nil || q.waiting < n {
			failure := q.failure
			q.mu.Unlock()
			return failure
		}
		if q.shrunk == nil {
			q.shrunk = make(chan struct{})
		}
		shrunk := q.shrunk
		q.mu.Unlock()
		select {
		case <-shrunk:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *queue) counts() (waiting int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting, q.dropped
}

// wake needs q.mu.
func (q *queue) wake() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// tellShrunk needs q.mu.
func (q *queue) tellShrunk() {
	if q.shrunk != nil {
		close(q.shrunk)
		q.shrunk = nil
	}
}

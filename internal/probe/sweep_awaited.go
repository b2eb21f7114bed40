package probe

import "time"

const (
	// AwaitedFor is how long a packet counts as awaited. What has not been
	// answered by then is either lost or answered by a host so far away that
	// its answer comes as alone as its packet went.
	AwaitedFor = 150 * time.Millisecond
	// awaitedSpans is how many spans of time AwaitedFor is reckoned in.
	awaitedSpans = 16
	awaitedSpan  = AwaitedFor / awaitedSpans
)

// awaited counts the packets of the last moments that have no answer yet: as
// many may stand in the receive buffers when they are read next.
type awaited struct {
	// counts are those of the spans up to newest, each at its number modulo
	// the length.
	counts [awaitedSpans]int
	newest time.Duration
	total  int
}

// advance makes room for packets of now.
func (a *awaited) advance(now time.Duration) {
	span := now / awaitedSpan
	for steps := 0; a.newest < span; steps++ {
		if steps == awaitedSpans {
			a.newest = span
			return
		}
		a.newest++
		oldest := &a.counts[a.newest%awaitedSpans]
		a.total -= *oldest
		*oldest = 0
	}
}

// sent takes note of a packet.
func (a *awaited) sent(at time.Duration) {
	a.advance(at)
	a.counts[a.newest%awaitedSpans]++
	a.total++
}

// answered takes note of the answer to a packet that was sent at that time.
func (a *awaited) answered(sent time.Duration) {
	span := sent / awaitedSpan
	if span <= a.newest-awaitedSpans || span > a.newest {
		return
	}
	if count := &a.counts[span%awaitedSpans]; *count > 0 {
		*count--
		a.total--
	}
}

// Awaited is the number of packets that were sent in the last AwaitedFor and
// have not been answered: so many answers may come before the next read.
func (e *Engine) Awaited(now time.Duration) int {
	e.awaited.advance(now)
	return e.awaited.total
}

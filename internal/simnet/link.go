package simnet

import (
	"math/rand/v2"
	"time"
)

// Quality is how a link carries packets in one direction.
type Quality struct {
	Delay time.Duration
	// Jitter is added at random, from 0 up to it.
	Jitter time.Duration
	// Loss, Duplicate and Reorder are probabilities, 0 to 1.
	Loss, Duplicate, Reorder float64
	// HeldBack is the delay that a reordered packet gets on top.
	HeldBack time.Duration
}

// Link joins two nodes.
type Link struct {
	network *Network
	ends    [2]*Node
	// quality[i] is that of packets that come from ends[i].
	quality [2]Quality
	down    bool
}

// SetQuality changes the link in both directions.
func (l *Link) SetQuality(quality Quality) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.quality = [2]Quality{quality, quality}
}

// SetQualityFrom changes the link for packets that come from one of its ends.
func (l *Link) SetQualityFrom(end *Node, quality Quality) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.quality[l.side(end)] = quality
}

// SetDown takes the link out of all ways, or puts it back.
func (l *Link) SetDown(down bool) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.down = down
	clear(l.network.ways)
}

func (l *Link) side(end *Node) int {
	if l.ends[0] == end {
		return 0
	}
	return 1
}

func (l *Link) other(end *Node) *Node { return l.ends[1-l.side(end)] }

// cross returns the delays of the copies that come out at the other end: none
// when the packet is lost, two when it is duplicated.
func (q Quality) cross(chance *rand.Rand) []time.Duration {
	if q.Loss > 0 && chance.Float64() < q.Loss {
		return nil
	}
	copies := 1
	if q.Duplicate > 0 && chance.Float64() < q.Duplicate {
		copies = 2
	}
	delays := make([]time.Duration, copies)
	for i := range delays {
		delays[i] = q.Delay
		if q.Jitter > 0 {
			delays[i] += time.Duration(chance.Int64N(int64(q.Jitter) + 1))
		}
		if q.Reorder > 0 && chance.Float64() < q.Reorder {
			delays[i] += q.HeldBack
		}
	}
	return delays
}

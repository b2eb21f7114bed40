package netsonde

import (
	"math/bits"
	"time"
)

// Health is what a monitor knows of itself at one moment, so that its own
// troubles are not taken for those of its targets. Counters are since its start.
type Health struct {
	At Instant
	// Uptime is since the start, Period since the last report.
	Uptime, Period time.Duration
	// Final tells that no other report follows.
	Final  bool
	Shards []ShardHealth
	// ChecksWaiting are service checks whose turn has not come.
	ChecksWaiting int
	// OutputWaiting and OutputDropped are blocks of results.
	OutputWaiting int
	OutputDropped uint64
	// Memory is what the process takes, in bytes; CPU its share of one processor
	// in Period, 0 to the number of processors. 0 where they are not known.
	Memory uint64
	CPU    float64
}

// Total is what all shards have counted together. Its bound is the widest.
func (h *Health) Total() ShardHealth {
	var t ShardHealth
	for i := range h.Shards {
		s := &h.Shards[i]
		t.Sent += s.Sent
		t.Received += s.Received
		for j, n := range s.Outcomes {
			t.Outcomes[j] += n
		}
		for j, n := range s.Causes {
			t.Causes[j] += n
		}
		for j, n := range s.Stamps {
			t.Stamps[j] += n
		}
		t.Stalled += s.Stalled
		t.Duplicates += s.Duplicates
		t.Corrupt += s.Corrupt
		t.Lateness.Merge(&s.Lateness)
		if s.Bound.Limit > t.Bound.Limit {
			t.Bound = s.Bound
		}
	}
	return t
}

// ShardHealth is what one shard knows of itself.
type ShardHealth struct {
	// Sent are packets that the system took, Received those that answered one.
	Sent, Received uint64
	// Outcomes, Causes and Stamps count echoes, Stamps those that were answered.
	Outcomes [OutcomeUnresolved + 1]uint64
	Causes   [CauseNoCarrier + 1]uint64
	Stamps   [StampsUser + 1]uint64
	// Stalled are rounds that were not run.
	Stalled uint64
	// Duplicates are answers to what was answered, or given up long ago; Corrupt
	// those whose checksum or content was wrong.
	Duplicates, Corrupt uint64
	// Lateness is by how much echoes started after they were due, in Period.
	Lateness Lateness
	Bound    ErrorBound
}

// ErrorBound is how far RTTs may be from what a capture at the interface shows:
// they are too long by at most Limit, in all but one of a hundred cases or fewer.
type ErrorBound struct {
	// Stamps is the kind for which it holds, StampsNone while nothing is known.
	Stamps Stamps
	Limit  time.Duration
	// Echoes is how many echoes of this machine to itself it was made of.
	Echoes int
}

const (
	// latenessSteps is how many steps of a histogram double the value.
	latenessSteps = 4
	latenessSize  = latenessSteps * 45 // up to some hours
)

// Lateness is a histogram of delays. A percentile of it is at most a fifth too
// large.
type Lateness struct {
	counts [latenessSize]uint32
	count  uint64
	max    time.Duration
}

// Add counts a delay; one below zero is none.
func (l *Lateness) Add(d time.Duration) {
	d = max(d, 0)
	l.counts[latenessPlace(d)]++
	l.count++
	l.max = max(l.max, d)
}

// Merge adds the delays of another histogram.
func (l *Lateness) Merge(other *Lateness) {
	for i, n := range &other.counts {
		l.counts[i] += n
	}
	l.count += other.count
	l.max = max(l.max, other.max)
}

// Count is how many delays there are, Max the longest.
func (l *Lateness) Count() uint64 { return l.count }

// Max is the longest delay.
func (l *Lateness) Max() time.Duration { return l.max }

// Percentile is what a share of the delays, 0 to 1, does not exceed.
func (l *Lateness) Percentile(share float64) time.Duration {
	rank := uint64(share * float64(l.count))
	seen := uint64(0)
	for place, n := range &l.counts {
		if seen += uint64(n); seen > rank {
			return min(latenessLimit(place), l.max)
		}
	}
	return l.max
}

// latenessPlace is the step that a delay falls into.
func latenessPlace(d time.Duration) int {
	length := bits.Len64(uint64(d))
	if length <= 2 {
		return int(d)
	}
	return min((length-2)*latenessSteps+int(d>>(length-3))&(latenessSteps-1), latenessSize-1)
}

// latenessLimit is the largest delay of a step.
func latenessLimit(place int) time.Duration {
	if place < latenessSteps {
		return time.Duration(place)
	}
	shift := place/latenessSteps - 1
	return time.Duration(latenessSteps+place%latenessSteps+1)<<shift - 1
}

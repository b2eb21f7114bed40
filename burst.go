package netsonde

import (
	"math"
	"time"
)

// Burst is the echoes of one round of a ping.
type Burst struct {
	Probe   ProbeID
	Round   uint64
	Samples []Sample
}

// Statistics are a burst's summary. The RTT fields are 0 when nothing answered.
type Statistics struct {
	Sent, Answered, Theirs, Ours int
	Min, Avg, Max                time.Duration
	// Std is the sample standard deviation (n − 1), 0 for fewer than two answers.
	Std time.Duration
}

// Statistics summarises the burst.
func (b *Burst) Statistics() Statistics {
	s := Statistics{Sent: len(b.Samples)}
	var sum float64
	for i := range b.Samples {
		switch sample := &b.Samples[i]; {
		case sample.Outcome.Answered():
			if s.Answered == 0 || sample.RTT < s.Min {
				s.Min = sample.RTT
			}
			s.Max = max(s.Max, sample.RTT)
			sum += float64(sample.RTT)
			s.Answered++
		case sample.Outcome.Theirs():
			s.Theirs++
		case sample.Outcome.Ours():
			s.Ours++
		}
	}
	if s.Answered == 0 {
		return s
	}
	mean := sum / float64(s.Answered)
	s.Avg = time.Duration(math.Round(mean))
	if s.Answered > 1 {
		var squares float64
		for i := range b.Samples {
			if b.Samples[i].Outcome.Answered() {
				d := float64(b.Samples[i].RTT) - mean
				squares += d * d
			}
		}
		s.Std = time.Duration(math.Round(math.Sqrt(squares / float64(s.Answered-1))))
	}
	return s
}

// Loss is the share of probes that path or target lost, 0 to 1: theirs
// against theirs and answered. What this machine lost says nothing about the
// target and stays out. ok is false when nothing is known.
func (s Statistics) Loss() (ratio float64, ok bool) {
	known := s.Theirs + s.Answered
	if known == 0 {
		return 0, false
	}
	return float64(s.Theirs) / float64(known), true
}

// PlainLoss is (sent − answered) / sent whatever the cause, 0 to 1, and 1 when
// nothing was sent: what connmonitor prints.
func (s Statistics) PlainLoss() float64 {
	if s.Sent == 0 {
		return 1
	}
	return float64(s.Sent-s.Answered) / float64(s.Sent)
}

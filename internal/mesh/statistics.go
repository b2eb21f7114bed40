package mesh

import "time"

const (
	// sampleEvery is the time between two samples of the statistics.
	sampleEvery = 20 * time.Second
	// maxSamples is how many samples are kept; the oldest make room.
	maxSamples = 200
)

// Count is how many pairs of nodes answer now, of those that ever have.
type Count struct {
	Good  int `json:"good"`
	Total int `json:"total"`
}

// Failed is how many pairs have answered before and do not now.
func (c Count) Failed() int { return c.Total - c.Good }

func (c Count) plus(other Count) Count {
	return Count{Good: c.Good + other.Good, Total: c.Total + other.Total}
}

// Sample is the sum over all nodes at one moment, by the kind of the node that
// pings. Stable nodes count the stable ones that they ping, dynamic ones all.
type Sample struct {
	Time    time.Time `json:"time"`
	Stable  Count     `json:"stable"`
	Dynamic Count     `json:"dynamic"`
}

// Sum makes a sample of what was seen.
func Sum(at time.Time, seen []Observation) Sample {
	sample := Sample{Time: at}
	for i := range seen {
		sum := &sample.Dynamic
		if seen[i].Node.Stable {
			sum = &sample.Stable
		}
		*sum = sum.plus(seen[i].Count)
	}
	return sample
}

// appendSample adds a sample to those that are kept.
func appendSample(samples []Sample, sample Sample) []Sample {
	samples = append(samples, sample)
	if surplus := len(samples) - maxSamples; surplus > 0 {
		samples = append([]Sample(nil), samples[surplus:]...)
	}
	return samples
}

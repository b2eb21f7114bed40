package probe

import "netsonde"

// slabSamples is how many samples share one allocation.
const slabSamples = 256

// sampleSlab cuts the samples of bursts, of which most have one echo, from
// larger pieces of memory. A piece is free when nobody holds any of it.
type sampleSlab struct{ rest []netsonde.Sample }

// cut returns room for a burst.
func (s *sampleSlab) cut(count int) []netsonde.Sample {
	if len(s.rest) < count {
		if count > slabSamples/4 {
			return make([]netsonde.Sample, count)
		}
		s.rest = make([]netsonde.Sample, slabSamples)
	}
	cut := s.rest[:count:count]
	s.rest = s.rest[count:]
	return cut
}

package netsonde

import "time"

// Instant is one moment read on both clocks of a machine. The monotonic
// reading orders and schedules; the real one is what kernel stamps are
// compared with and what people are shown.
type Instant struct {
	// Monotonic is the time since an arbitrary origin that is fixed for the
	// life of the process. It never goes back.
	Monotonic time.Duration
	// Real is CLOCK_REALTIME in nanoseconds since the Unix epoch. It may step.
	Real int64
}

// Time returns the real reading as a time in UTC.
func (i Instant) Time() time.Time { return time.Unix(0, i.Real).UTC() }

// Add returns the instant d later on both clocks.
func (i Instant) Add(d time.Duration) Instant {
	return Instant{Monotonic: i.Monotonic + d, Real: i.Real + int64(d)}
}

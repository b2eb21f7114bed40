package socket

import "time"

const (
	// restTime is how long a busy connection lets packets gather. Whoever sends
	// what is due in the middle of a rest before it is at most half of it off.
	restTime = 2 * time.Millisecond
	// restWindow is over how long it is reckoned whether a connection is busy.
	restWindow = 10 * time.Millisecond
	// busyTraffic is how many packets in a window, sent and received, make it so:
	// 5,000 a second. A lone trace stays below.
	busyTraffic = 50
)

// rest lets a busy connection sleep before it waits for answers, so that what
// is due and what arrives meanwhile goes through together: to wake up for each
// packet costs more than to send or read it. RTTs do not suffer
// where the kernel stamps the packets.
type rest struct {
	began   time.Duration // of the window
	traffic int           // in it
	busy    bool
	until   time.Duration // to which it has rested
}

// note counts packets.
func (r *rest) note(packets int) { r.traffic += packets }

// length is how long to sleep now, when the caller has nothing to do before
// until; the sleep may end a millisecond after that.
func (r *rest) length(now, until time.Duration) time.Duration {
	if elapsed := now - r.began; elapsed >= restWindow {
		r.busy = time.Duration(r.traffic)*restWindow >= busyTraffic*elapsed
		r.began, r.traffic = now, 0
	}
	if !r.busy || until <= now {
		return 0
	}
	// From one rest's end to the next, so that work takes nothing off the rate.
	r.until = max(r.until+restTime, now)
	return min(r.until-now, restTime)
}

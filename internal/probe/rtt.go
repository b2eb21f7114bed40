package probe

import (
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// clockStep is how far the clocks may drift apart between sending and reading
// before the kernel's reading of the real clock is no longer believed.
const clockStep = time.Millisecond

// roundTrip is the time between a send and its reply, made of one clock only:
// the kernel's stamps both ways; or that of the arrival against our real
// reading; or, when there is none or the real clock was stepped in between,
// both monotonic.
func roundTrip(sent netsonde.Instant, r *packet.Reply) (time.Duration, netsonde.Stamps) {
	monotonic := max(r.Read.Monotonic-sent.Monotonic, 0)
	if r.Stamp == 0 {
		return monotonic, netsonde.StampsUser
	}
	drift := time.Duration(r.Read.Real-sent.Real) - monotonic
	rtt := time.Duration(r.Stamp - sent.Real)
	if drift.Abs() > clockStep || rtt < 0 || rtt > monotonic+clockStep {
		return monotonic, netsonde.StampsUser
	}
	if r.Left >= sent.Real && r.Left <= r.Stamp {
		return time.Duration(r.Stamp - r.Left), netsonde.StampsKernel
	}
	return rtt, netsonde.StampsKernelReceive
}

package probe

import (
	"syscall"
	"time"

	"netsonde"
)

// The bounds of gathering evidence. A dead uplink makes all targets lose at
// once: the first of them tell as much as all would.
const (
	// inquiriesEach is the least time between two inquiries into one target.
	inquiriesEach = time.Minute
	// inquiryEvery is the time that it takes for one more inquiry to be allowed,
	// and inquiriesAtOnce how many are after a rest.
	inquiryEvery    = time.Second
	inquiriesAtOnce = 16
	// omissionDelay is how long those that are left out are counted before they
	// are told of.
	omissionDelay = 5 * time.Second
)

// suspicion is what a ping is watched for: that it loses after it had answered.
type suspicion struct {
	// up is set by a round that was answered and lost nothing, and holds until
	// a loss.
	up bool
	// identity is that of the echo of this round that was lost first.
	identity uint16
	lost     bool
}

// suspects are a shard's inquiries, and who was left out.
type suspects struct {
	// most is how many inquiries may run at the same time; 0 makes none.
	most      int
	allowance netsonde.Allowance
	pace      bucket
	number    uint64
	running   []*inquiry
	asked     []Inquiry
	// omitted is how many were left out and not told of before tellAt.
	omitted uint64
	tellAt  time.Duration
}

// Gather has evidence gathered of targets that begin to lose echoes: so many at
// the same time, within an allowance of packets, of which a 0 is no bound unless
// all are. 0 at a time, or an allowance of nothing, gathers none, which is how an
// engine begins.
func (e *Engine) Gather(most int, allowance netsonde.Allowance) {
	v := &e.suspects
	if allowance == (netsonde.Allowance{}) {
		most = 0
	}
	if most == v.most && allowance == v.allowance {
		return
	}
	v.most, v.allowance = most, allowance
	if most == 0 {
		e.dropInquiries(func(*inquiry) bool { return true })
		return
	}
	was := e.pacer
	e.pacer = newPacer(Rates{
		All: allowance.All, Network: allowance.Network, Destination: allowance.Destination, Router: e.options.Rates.Router,
	})
	if was != nil {
		e.pacer.routers = was.routers // whose tokens the plan's traces have taken
	}
}

// missing reports whether an echo is one to look into: lost by the target or the
// way, or by a machine that has no way out. A queue that was full, an answer that
// we dropped and what was too large are told by their own causes.
func missing(s *netsonde.Sample) bool {
	if s.Outcome == netsonde.OutcomeSendFailed {
		return s.Errno != syscall.ENOBUFS && s.Errno != syscall.EAGAIN && s.Errno != syscall.EMSGSIZE
	}
	return s.Outcome.Theirs()
}

// noteLoss keeps the identity of the first echo of a round that is missing.
func (m *measurement) noteLoss(identity uint16) {
	if !m.suspicion.lost {
		m.suspicion.lost, m.suspicion.identity = true, identity
	}
}

// suspect begins an inquiry when the round under way has lost an echo and the
// rounds before had not. ended tells that the round has no more to tell.
func (m *measurement) suspect(e *Engine, now netsonde.Instant, ended bool) {
	known := m.suspicion.lost
	if ended {
		m.suspicion.lost = false
	}
	if e.suspects.most == 0 || m.group.target.passing() {
		return
	}
	answered, lost := 0, 0
	for i := range m.burst.samples {
		switch outcome := m.burst.samples[i].Outcome; {
		case outcome.Answered():
			answered++
		case missing(&m.burst.samples[i]):
			lost++
		}
	}
	switch {
	case lost > 0 && known && m.suspicion.up:
		m.suspicion.up = false
		e.inquire(now, m, lost)
	case ended && lost == 0 && answered > 0:
		m.suspicion.up = true
	}
}

// passing reports whether a target is forgotten once its round has ended: it is
// none of the plan.
func (t *target) passing() bool { return t.begun > 0 || t.inquiry != nil }

// inquire begins an inquiry into a target unless it must not.
func (e *Engine) inquire(now netsonde.Instant, m *measurement, lost int) {
	v, t := &e.suspects, m.group.target
	if e.draining || t.inquired > 0 && now.Monotonic-t.inquired < inquiriesEach {
		return
	}
	pace := rate{interval: inquiryEvery, slack: (inquiriesAtOnce - 1) * inquiryEvery}
	if len(v.running) >= v.most || v.pace.opens(pace, now.Monotonic, 0) > now.Monotonic {
		if v.omitted == 0 {
			v.tellAt = now.Monotonic + omissionDelay
		}
		v.omitted++
		return
	}
	v.pace.take(pace, now.Monotonic)
	t.inquired = max(now.Monotonic, 1)
	e.begin(now, m, lost)
}

// tellOmitted tells how many were left out, once the first has waited.
func (e *Engine) tellOmitted(now netsonde.Instant) {
	v := &e.suspects
	if v.omitted == 0 || now.Monotonic < v.tellAt {
		return
	}
	e.batch.Events = append(e.batch.Events, netsonde.Event{
		Kind: netsonde.EventEvidenceOmitted, At: now, Count: v.omitted,
	})
	v.omitted = 0
}

package console

import (
	"net/netip"
	"time"

	"netsonde"
)

const (
	// liveWindow is how many of the newest results a row keeps.
	liveWindow = 60
	// liveLatest is how many of the newest results decide whether a target is
	// down: a single lost echo is loss.
	liveLatest = 3
)

// row is a probe and what is known of it.
type row struct {
	target *netsonde.Target
	label  string
	addr   netip.Addr
	// window is a ring of the newest results; next is where the next goes.
	window [liveWindow]moment
	next   int
	filled int
	stamps netsonde.Stamps
	// detail is what a check or trace told last.
	detail []byte
}

// moment is one result.
type moment struct {
	round    uint64
	sequence int
	verdict  verdict
	rtt      time.Duration
}

// verdict is an outcome's group.
type verdict uint8

const (
	verdictOurs verdict = iota
	verdictAnswered
	verdictTheirs
)

func verdictOf(o netsonde.Outcome) verdict {
	switch {
	case o.Answered():
		return verdictAnswered
	case o.Theirs():
		return verdictTheirs
	default:
		return verdictOurs
	}
}

func (r *row) add(m moment) {
	r.window[r.next] = m
	r.next = (r.next + 1) % liveWindow
	r.filled = min(r.filled+1, liveWindow)
}

// at is the result i places before the newest.
func (r *row) at(i int) *moment {
	return &r.window[(r.next-1-i+2*liveWindow)%liveWindow]
}

// amend corrects a result that is still in the window.
func (r *row) amend(a *netsonde.Amend) {
	for i := range r.filled {
		if m := r.at(i); m.round == a.Round && m.sequence == a.Sequence {
			m.verdict, m.rtt = verdictOf(a.Outcome), a.RTT
			return
		}
	}
}

func (r *row) addBurst(burst *netsonde.Burst) {
	for i := range burst.Samples {
		s := &burst.Samples[i]
		r.add(moment{burst.Round, s.Sequence, verdictOf(s.Outcome), s.RTT})
	}
	if stamps := stampsOf(burst.Samples); stamps != netsonde.StampsNone {
		r.stamps = stamps
	}
	r.detail = r.detail[:0]
	if n := len(burst.Samples); n > 0 && !burst.Samples[n-1].Outcome.Answered() {
		r.detail = append(r.detail, burst.Samples[n-1].Outcome.String()...)
		r.detail = appendCauseDetail(r.detail, &burst.Samples[n-1])
	}
}

func (r *row) addRoute(route *netsonde.Route) {
	m := moment{round: route.Round}
	switch routeState(route.End) {
	case stateWell:
		m.verdict = verdictAnswered
		if n := len(route.Hops); n > 0 {
			m.rtt = route.Hops[n-1].RTT
		}
	case stateLoss:
		m.verdict = verdictTheirs
	}
	r.add(m)
	r.detail = appendRouteEnd(r.detail[:0], route)
}

func (r *row) addService(s *netsonde.Service) {
	m := moment{round: s.Round, rtt: s.RTT}
	switch serviceState(s.State) {
	case stateWell:
		m.verdict = verdictAnswered
	case stateDown:
		m.verdict = verdictTheirs
	}
	r.add(m)
	r.detail = r.detail[:0]
	if s.State != netsonde.ServiceOpen {
		r.detail = appendServiceFailure(r.detail, s)
	} else {
		r.detail = appendServiceDetail(r.detail, s, s.Started)
	}
}

// sums are a row's window in numbers.
type sums struct {
	state            state
	answered, theirs int
	last, average    time.Duration
	least, most      time.Duration
}

func (r *row) sums() sums {
	var s sums
	var sum time.Duration
	up, down := 0, 0
	for i := range r.filled {
		m := r.at(i)
		switch m.verdict {
		case verdictAnswered:
			if s.answered == 0 {
				s.last, s.least = m.rtt, m.rtt
			}
			s.least, s.most = min(s.least, m.rtt), max(s.most, m.rtt)
			sum += m.rtt
			s.answered++
			if i < liveLatest {
				up++
			}
		case verdictTheirs:
			s.theirs++
			if i < liveLatest {
				down++
			}
		}
	}
	if s.answered > 0 {
		s.average = sum / time.Duration(s.answered)
	}
	s.state = stateOf(up, down)
	if s.state == stateWell {
		s.state = stateOf(s.answered, s.theirs)
	}
	if s.state == stateDown && r.label == netsonde.KindTrace.String() {
		// That the way cannot be seen to its end says little of the target.
		s.state = stateLoss
	}
	return s
}

// appendSparkline appends the newest results as bars between the window's least
// and most RTT, the newest at the right: × is a loss, · none of the target's
// doing.
func (r *row) appendSparkline(dst []byte, s *sums, wide int) []byte {
	const bars = "▁▂▃▄▅▆▇█"
	levels := []rune(bars)
	dst = appendBlanks(dst, wide-r.filled)
	for i := min(wide, r.filled) - 1; i >= 0; i-- {
		switch m := r.at(i); m.verdict {
		case verdictAnswered:
			// Differences below a tenth of the least are noise: one height.
			span := max(s.most-s.least, s.least/10, time.Microsecond)
			level := int(int64(m.rtt-s.least) * int64(len(levels)-1) / int64(span))
			dst = append(dst, string(levels[min(max(level, 0), len(levels)-1)])...)
		case verdictTheirs:
			dst = append(dst, "×"...)
		default:
			dst = append(dst, "·"...)
		}
	}
	return dst
}

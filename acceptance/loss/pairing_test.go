package loss_test

import (
	"time"
)

const (
	// atOnce is how soon an echo leaves after its line's time where nothing holds it
	// up.
	atOnce = 3 * time.Millisecond
	// sameRTT is how far what the program and the tap make of one round trip may lie
	// apart. Both have the kernel's stamp of the answer; that of the leaving is taken
	// by the device, soon after the tap's.
	sameRTT = 50 * time.Microsecond
)

// How unlikely something is: what is likeliest adds up to the least.
const (
	// never is more than all else together.
	never = 1e9
	// untoldTrip is an echo that left and has no line; untoldLook the same while the
	// program looks into a loss, of which echoes have none.
	untoldTrip, untoldLook = 300, 20
	// unsentAnswer is a line with an RTT of an echo that did not leave, or was not
	// answered, and unsentLoss one without RTT that did not leave.
	unsentAnswer, unsentLoss = 400, 80
	// answeredLoss is a line without RTT of an echo that was answered.
	answeredLoss = 30
)

// pairing finds the trips that lines tell of. Both are in order, of rounds and of
// leaving, and no queue changes it: so it is an alignment, of which the likeliest is
// looked for. The program sends echoes that are no part of its plan while it looks
// into a loss: those have no lines.
type pairing struct {
	lines   []*told
	trips   []*trip
	looking func(at int64) bool
}

// looks marks the trips of which second looks have told the RTT.
func (p *pairing) looks(looks []*look) {
	for _, l := range looks {
		for _, rtt := range l.same.RTTs {
			var found *trip
			for _, t := range p.trips {
				if rtt == nil || t.back == 0 || t.left < l.from || t.left > l.to || int(t.identifier) != l.same.Identity {
					continue
				}
				if by := (t.rtt() - milliseconds(*rtt)).Abs(); by <= sameRTT && (found == nil || by < (found.rtt()-milliseconds(*rtt)).Abs()) {
					found = t
				}
			}
			if found != nil {
				found.looked = true
			}
		}
	}
}

// likeliest pairs lines with trips.
func (p *pairing) likeliest() map[*told]*trip {
	// least[i][k] is the least of the first i lines and k trips.
	least := make([][]float64, len(p.lines)+1)
	for i := range least {
		least[i] = make([]float64, len(p.trips)+1)
		for k := range least[i] {
			switch {
			case i == 0 && k == 0:
			case i == 0:
				least[i][k] = least[i][k-1] + p.untold(k-1)
			case k == 0:
				least[i][k] = least[i-1][k] + p.unsent(i-1)
			default:
				least[i][k] = min(least[i-1][k-1]+p.unlike(i-1, k-1), least[i][k-1]+p.untold(k-1), least[i-1][k]+p.unsent(i-1))
			}
		}
	}
	pairs := map[*told]*trip{}
	for i, k := len(p.lines), len(p.trips); i > 0 && k > 0; {
		switch least[i][k] {
		case least[i-1][k-1] + p.unlike(i-1, k-1):
			i, k = i-1, k-1
			pairs[p.lines[i]], p.trips[k].claimed = p.trips[k], true
		case least[i][k-1] + p.untold(k-1):
			k--
		default:
			i--
		}
	}
	return pairs
}

// untold is how unlikely it is that a trip has no line.
func (p *pairing) untold(k int) float64 {
	switch t := p.trips[k]; {
	case t.looked:
		return 0
	case p.looking(t.left):
		return untoldLook
	default:
		return untoldTrip
	}
}

// unsent is how unlikely it is that a line's echo did not leave.
func (p *pairing) unsent(i int) float64 {
	switch one := p.lines[i]; {
	case one.neverLeft():
		return 0
	case one.RTT != nil:
		return unsentAnswer
	default:
		return unsentLoss
	}
}

// neverLeft reports whether a line says so.
func (one *told) neverLeft() bool {
	return one.rounds > 0 || one.Outcome == "send_failed" && one.Cause == ""
}

// unlike is how unlikely it is that a line tells of a trip.
func (p *pairing) unlike(i, k int) (points float64) {
	one, t := p.lines[i], p.trips[k]
	late := time.Duration(t.left - one.at)
	if late < 0 || one.neverLeft() {
		return never
	}
	if late > atOnce {
		points = 10 + float64(late/time.Millisecond)/10
	}
	switch {
	case one.RTT == nil && t.fate == answered:
		points += answeredLoss
	case one.RTT == nil:
	case t.back == 0:
		points += unsentAnswer / 2
	default:
		// It may have been reckoned from the program's own reading before the send.
		rtt := milliseconds(*one.RTT)
		if by := min((t.rtt() - rtt).Abs(), (time.Duration(t.back-one.at) - rtt).Abs()); by > sameRTT {
			points += min(10+by.Seconds()*1000, unsentAnswer/2)
		}
	}
	return points
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

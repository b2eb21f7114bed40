package loss_test

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// fate is what truly became of a probe that left, as the tap has seen it.
type fate uint8

const (
	// lost left, and nothing of use came back.
	lost fate = iota
	// answered left, and a good answer came in.
	answered
	// rejected left, and an ICMP error came in.
	rejected
)

// trip is one echo of the monitor's plan that left, and what came of it.
type trip struct {
	identifier uint16
	left       int64
	fate       fate
	back       int64 // when the first of use came
	copies     int   // of the good answer
	broken     bool  // an answer came whose checksum is wrong
	code       uint8
	from       netip.Addr
	claimed    bool // by a line
	looked     bool // an echo of a second look
	icmpKind   uint8
}

// rtt is how long the answer took.
func (t *trip) rtt() time.Duration { return time.Duration(t.back - t.left) }

// trips puts together what the tap has seen of the monitor's own echoes, by
// target in the order in which they left.
func (l *lane) trips() map[netip.Addr][]*trip {
	const usualTTL = 64
	open, all := map[echo]*trip{}, map[netip.Addr][]*trip{}
	// What an interface without a peer refuses has passed the first tap already.
	arrived := map[echo][]int64{}
	for _, p := range l.beyond.seen() {
		if !p.out && p.kind == echoRequest {
			arrived[p.echo] = append(arrived[p.echo], p.at)
		}
	}
	// What is broken may bear any name: it is taken for an answer to whoever asked
	// that target last.
	last := map[netip.Addr][]*trip{}
	for _, p := range l.tap.seen() {
		if p.out {
			if p.kind == echoRequest && p.ttl == usualTTL && l.ours(&p) && arrives(arrived[p.echo], p.at) {
				t := &trip{identifier: p.identifier, left: p.at, fate: lost}
				open[p.echo] = t
				all[p.target] = append(all[p.target], t)
				last[p.target] = append(last[p.target], t)
			}
			continue
		}
		t := open[p.echo]
		switch {
		case p.broken:
			if asked := last[p.from]; len(asked) > 0 {
				asked[len(asked)-1].broken = true
			}
		case t == nil:
		case p.kind == echoReply:
			if t.copies++; t.fate == lost {
				t.fate, t.back = answered, p.at
			}
		case p.kind != echoRequest && t.fate == lost:
			t.fate, t.back, t.icmpKind, t.code, t.from = rejected, p.at, p.kind, p.code, p.from
		}
	}
	return all
}

// arrives reports whether one of the arrivals is that of a packet that left then.
func arrives(arrivals []int64, left int64) bool {
	for _, at := range arrivals {
		if at >= left && time.Duration(at-left) < time.Second {
			return true
		}
	}
	return false
}

// ours reports whether an outcome is charged to this machine.
func ours(outcome string) bool {
	return outcome == "send_failed" || outcome == "overrun" || outcome == "stalled" || outcome == "unresolved"
}

// theirs reports whether it is loss.
func theirs(outcome string) bool { return outcome == "unanswered" || outcome == "unreachable" }

// verdict is one probe judged.
type verdict struct {
	// truth is the row and said the column of the matrix.
	truth, said string
	right       bool
	// loss tells that the probe was truly lost beyond this machine, charged that
	// it was charged to this machine.
	loss, charged bool
	// unknowable tells that what is charged to this machine might as well be its own.
	unknowable bool
	// known tells that the program is known to be wrong here.
	known bool
	// local tells that this machine is the truth.
	local bool
	event *event
	at    int64
	addr  netip.Addr
	text  string
}

// judge compares what the program told with what the tap saw.
type judge struct {
	lane     *lane
	verdicts []verdict
	// faults are what cannot be told as one probe's row.
	faults []string
	told   *history
	// copies and broken are what came in besides the first good answers.
	copies, broken int
	// looks are what truly was the matter with a target that the program looked
	// into, and what it found.
	looks [][2]string
	// lostTrips are the losses beyond this machine that the tap saw, and
	// lostTold those that the program told.
	lostTrips, lostTold int
	// imagined are losses that the program told of what was answered.
	imagined int
}

// carrierTold tells that the program knows its own cable without carrier from a
// neighbour that is off. Until it does, that row is shown and not judged.
const carrierTold = true

func (l *lane) judge() (*judge, error) {
	if _, err := l.output.Seek(0, 0); err != nil {
		return nil, err
	}
	told, err := read(l.output)
	if err != nil {
		return nil, fmt.Errorf("lane %d: %w", l.number, err)
	}
	j := &judge{lane: l, told: told}
	trips := l.trips()
	for _, p := range l.tap.seen() {
		if !p.out && p.broken {
			j.broken++
		}
	}
	for _, list := range trips {
		for _, t := range list {
			j.copies += max(t.copies-1, 0)
		}
	}
	for i := range targets {
		target := l.target(i)
		j.faults = append(j.faults, gaps(told.targets[target])...)
		j.target(target, told.targets[target], trips[target])
		for _, l := range told.looks[target] {
			j.look(target, l)
		}
	}
	return j, nil
}

// target judges one target's probes, part by part: what is quiet between two
// slots is where they are cut, so that one wrong word moves nothing behind it.
func (j *judge) target(target netip.Addr, lines []*told, trips []*trip) {
	for _, cut := range append(j.cuts(lines), 1<<62) {
		n := sort.Search(len(lines), func(i int) bool { return lines[i].at >= cut })
		m := sort.Search(len(trips), func(i int) bool { return trips[i].left >= cut })
		j.part(target, lines[:n], trips[:m])
		lines, trips = lines[n:], trips[m:]
	}
}

// cuts are moments at which nothing of a target is under way.
func (j *judge) cuts(lines []*told) (cuts []int64) {
	for _, s := range j.lane.slots {
		cut := s.ended
		for _, one := range lines {
			// Between a line's time and its leaving are microseconds.
			if near := time.Duration(cut - one.at); near >= 0 && near < 50*time.Millisecond {
				cut = one.at - 1
			}
		}
		cuts = append(cuts, cut)
	}
	return cuts
}

// part pairs lines with trips and judges each line.
func (j *judge) part(target netip.Addr, lines []*told, trips []*trip) {
	p := pairing{lines: lines, trips: trips, looking: func(at int64) bool { return j.looking(target, at) }}
	p.looks(j.told.looks[target])
	pairs := p.likeliest()
	for _, t := range trips {
		if !t.claimed && !p.looking(t.left) {
			j.faults = append(j.faults, fmt.Sprintf("lane %d: an echo to %v left at %v and is told by no line, or as unsent%s",
				j.lane.number, target, clock(t.left), j.during(t.left)))
		}
	}
	for _, one := range lines {
		j.probe(target, one, pairs[one])
	}
}

// looking reports whether the program looks into a target at a time.
func (j *judge) looking(target netip.Addr, at int64) bool {
	for _, l := range j.told.looks[target] {
		if at > l.since && at < l.to+int64(slack) {
			return true
		}
	}
	return false
}

// look judges what the program has found of a target: the truth is the only
// event of its slot that concerns the target and lasts as long as the look.
func (j *judge) look(target netip.Addr, l *look) {
	for _, s := range j.lane.slots {
		if l.from > s.ended {
			continue
		}
		row, counted := "other", 0
		for _, e := range s.events {
			if !e.concerns(target) || e.from > l.from {
				continue
			}
			counted++
			if row = string(e.kind.cause) + " " + e.detail; e.to < l.to {
				row = string(e.kind.cause) + ", in part"
			}
			if e.kind.cause == stuckSession && e.to >= l.to {
				row = string(stuckSession)
			}
		}
		if counted > 1 {
			row = "several at once"
		}
		j.looks = append(j.looks, [2]string{row, l.verdict})
		return
	}
}

func clock(at int64) string { return time.Unix(0, at).UTC().Format("15:04:05.000000") }

// notForced ends the rows of what has no event that explains it.
const notForced = "not forced"

// unsettled is how long after the carrier was taken the kernel may still give
// packets to the interface.
const unsettled = 30 * time.Millisecond

// stampRead is how soon before an echo is given up it may leave without that being
// known by then, on a busy machine.
const stampRead = 15 * time.Millisecond

// edge is how near to the timeout an answer may be either.
const edge = 3 * time.Millisecond

// probe judges one.
func (j *judge) probe(target netip.Addr, one *told, t *trip) {
	v := verdict{said: said(one), at: one.at, addr: target}
	switch {
	case one.rounds > 0 || t == nil && one.Outcome == "stalled":
		v.event, v.truth = j.cause(target, one.at, "not run", stopped, starved, overflow)
		v.right, v.local = one.Outcome == "stalled", true
		if v.event != nil && v.event.kind.cause == overflow {
			v.truth = string(stopped) // so that the buffer could overflow
		}
	case t == nil:
		j.unsent(&v, target, one)
	case t.fate == answered:
		j.answered(&v, target, one, t)
	case t.fate == rejected:
		v.event, v.truth = j.cause(target, t.left, "unreachable", refused, noWayBeyond)
		v.truth = fmt.Sprintf("unreachable, code %d", t.code)
		v.loss = true
		v.right = one.Outcome == "unreachable" && (one.ICMP == nil ||
			one.From == t.from && one.ICMP.Type == t.icmpKind && one.ICMP.Code == t.code)
	default:
		causes := []cause{stuckSession, pathLoss, noWayBeyond, refused}
		if t.broken {
			causes = []cause{corruptReply}
		}
		v.event, v.truth = j.cause(target, t.left, "lost, "+notForced, causes...)
		v.loss, v.right = true, one.Outcome == "unanswered"
		if _, drowned := j.cause(target, one.at, "", overflow); drowned != "" && one.Outcome == "overrun" {
			// Whether the answer was among what our queue has dropped nobody can tell.
			v.truth, v.unknowable, v.right = "lost as our queue dropped", true, true
		}
		if time.Duration(t.left-one.at) > timeout-stampRead {
			// This machine held it up until it was given up: that is ours, whatever
			// became of it then, and the path has lost it as well.
			v.truth, v.loss, v.right = "held up here, then lost", theirs(one.Outcome), true
			break
		}
		if v.event != nil {
			break
		}
		// The answer found our own cable gone: that is either.
		if v.event, v.truth = j.cause(target, t.left, v.truth, linkDown, noCarrier); v.event != nil {
			v.truth, v.loss = "on its way as the link went", theirs(one.Outcome)
			v.right = theirs(one.Outcome) || ours(one.Outcome)
		}
	}
	v.charged = v.loss && ours(one.Outcome) && !v.unknowable
	if v.loss {
		j.lostTrips++
	}
	switch {
	case v.loss && (theirs(one.Outcome) || v.unknowable):
		j.lostTold++
	case t != nil && t.fate == answered && theirs(one.Outcome) && !v.local:
		j.imagined++
	}
	v.known = v.local && v.truth == string(noCarrier) && !carrierTold
	if !v.right || strings.Contains(v.truth, notForced) {
		v.text = fmt.Sprintf("lane %d: %v at %v, round %d: %s, told as %s (%s)%s", j.lane.number, target, clock(one.at), one.round, v.truth, v.said, t.text(), j.during(one.at))
	}
	if v.event == nil && !v.right {
		v.event, _ = j.cause(target, one.at, "")
	}
	if v.event != nil {
		v.event.probes++
		if !v.right {
			v.event.wrong++
		}
	}
	j.verdicts = append(j.verdicts, v)
}

// during names what was forced about a time.
func (j *judge) during(at int64) (text string) {
	for _, s := range j.lane.slots {
		if at > s.ended {
			continue
		}
		for _, e := range s.events {
			text += fmt.Sprintf(", %s (%s) from %s to %s", e.kind.cause, e.detail, clock(e.from), clock(e.to))
		}
		return text
	}
	return text
}

// text tells a trip to who looks for a mistake.
func (t *trip) text() string {
	if t == nil {
		return "it did not leave"
	}
	if t.fate == lost {
		return fmt.Sprintf("left %s, broken answer: %v", clock(t.left), t.broken)
	}
	return fmt.Sprintf("left %s, back after %v", clock(t.left), t.rtt())
}

// said is the column.
func said(one *told) string {
	text := one.Outcome
	if one.Outcome == "send_failed" && one.Errno != 0 {
		text = unix.ErrnoName(unix.Errno(one.Errno))
	}
	if one.Outcome == "unreachable" && one.ICMP == nil {
		text += " (late)"
	}
	if one.Cause != "" {
		text += ":" + one.Cause
	}
	return text
}

// unsent judges an echo that did not leave.
func (j *judge) unsent(v *verdict, target netip.Addr, one *told) {
	v.local = true
	causes := []cause{noRoute, linkDown, noCarrier, queueFull, forbidden}
	byErrno := map[unix.Errno][]cause{unix.EPERM: {forbidden}, unix.ENOBUFS: {queueFull}}
	if named := byErrno[unix.Errno(one.Errno)]; named != nil {
		causes = append(named, causes...)
	}
	v.event, v.truth = j.cause(target, one.at, "did not leave, "+notForced, causes...)
	v.right = one.Outcome == "send_failed"
	if v.event == nil {
		return
	}
	switch v.event.kind.cause {
	case forbidden:
		v.right = v.right && unix.Errno(one.Errno) == unix.EPERM
	case queueFull:
		v.right = v.right && unix.Errno(one.Errno) == unix.ENOBUFS
	case noCarrier:
		// As the carrier goes, some are given to the interface and stamped before the
		// kernel tells that it is gone: of those it is not known, and unanswered is
		// what may be said. What left is a loss and never ours, then as ever.
		going := one.at > v.event.from && one.at < v.event.begun+int64(unsettled)
		v.right = ours(one.Outcome) || going && one.Outcome == "unanswered"
		if one.at > v.event.ending {
			// The carrier is back, and the neighbour not found yet: that is either.
			v.truth, v.right, v.local = "neighbour not found again", true, false
			v.loss = theirs(one.Outcome)
		}
	}
}

// answered judges an echo whose answer came in.
func (j *judge) answered(v *verdict, target netip.Addr, one *told, t *trip) {
	overflowing, _ := j.cause(target, t.back, "", overflow)
	switch {
	case overflowing != nil && one.Outcome != "ok" && one.Outcome != "late":
		v.event, v.truth, v.local = overflowing, string(overflow), true
		v.right = one.Outcome == "overrun"
	case t.rtt() > timeout-edge && t.rtt() < timeout+edge:
		v.truth, v.right = "answered", one.Outcome == "ok" || one.Outcome == "late"
	case t.rtt() > timeout:
		v.event, v.truth = j.cause(target, t.left, string(lateReply), lateReply)
		v.right = one.Outcome == "late"
	case t.copies > 1:
		v.event, v.truth = j.cause(target, t.left, string(duplicate), duplicate)
		v.right = one.Outcome == "ok"
	default:
		v.truth, v.right = "answered", one.Outcome == "ok"
	}
}

// slack is how long before an event's beginning and after its end it may still
// be the cause: what is on its way then, or in a queue.
const slack = 700 * time.Millisecond

// cause finds the event that explains what happened to a target at a time: the
// first of those kinds, any without kinds. The row is its name, or otherwise.
func (j *judge) cause(target netip.Addr, at int64, otherwise string, kinds ...cause) (*event, string) {
	for _, s := range j.lane.slots {
		if at > s.ended {
			continue
		}
		if len(kinds) == 0 && at > s.events[0].from-int64(slack) {
			return s.events[0], otherwise
		}
		for _, c := range kinds {
			for _, e := range s.events {
				if e.kind.cause == c && e.concerns(target) && at > e.from-int64(slack) && at < e.to+int64(max(slack, e.kind.settles)) {
					return e, string(c)
				}
			}
		}
		return nil, otherwise
	}
	return nil, otherwise
}

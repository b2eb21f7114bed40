package console

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"netsonde"
)

// native writes the rounds of targets that no dialect of connmonitor covers:
// lines of JSON, or of text for people.
type native struct {
	node     string
	location *time.Location
	layout   layout
	// columns is nil unless text goes to a terminal.
	columns func() int
	// plan says which target a probe belongs to, in the order of ProbeIDs.
	plan []planned

	opening []byte
	keys    []string
}

// planned is a probe of the plan and the target it belongs to.
type planned struct {
	id     netsonde.ProbeID
	target *netsonde.Target
	probe  *netsonde.Probe
	// told is the state that was printed last and one more, 0 before the first.
	told state
}

// expect learns whose the probes of a plan are.
func (n *native) expect(targets []*netsonde.Target) {
	probes := 0
	for _, target := range targets {
		for i := range target.Groups {
			probes += len(target.Groups[i].Probes)
		}
	}
	before := n.plan
	n.plan = make([]planned, 0, probes)
	for _, target := range targets {
		n.layout.see(target)
		for i := range target.Groups {
			group := &target.Groups[i]
			for j := range group.Probes {
				probe := &group.Probes[j]
				n.layout.name(probeLabel(group, probe))
				n.plan = append(n.plan, planned{id: probe.ID, target: target, probe: probe})
			}
		}
	}
	slices.SortFunc(n.plan, func(a, b planned) int { return cmp.Compare(a.id, b.id) })
	n.keepStates(before)
}

func (n *native) find(id netsonde.ProbeID) (planned, bool) {
	at, ok := n.place(id)
	if !ok {
		return planned{}, false
	}
	return n.plan[at], true
}

func (n *native) place(id netsonde.ProbeID) (at int, ok bool) {
	return slices.BinarySearchFunc(n.plan, id, func(p planned, id netsonde.ProbeID) int {
		return cmp.Compare(p.id, id)
	})
}

// keepStates hands on what was told of probes that stay. Both plans are in the
// order of their ProbeIDs.
func (n *native) keepStates(before []planned) {
	for i := range n.plan {
		for len(before) > 0 && before[0].id < n.plan[i].id {
			before = before[1:]
		}
		if len(before) > 0 && before[0].id == n.plan[i].id {
			n.plan[i].told = before[0].told
		}
	}
}

// follow notes the state of a probe, and returns the one before it and whether
// that was another.
func (n *native) follow(id netsonde.ProbeID, now state) (was state, changed bool) {
	at, ok := n.place(id)
	if !ok {
		return now, false
	}
	told := n.plan[at].told
	n.plan[at].told = now + 1
	if told == 0 {
		return now, false
	}
	return told - 1, told-1 != now
}

// appendRound appends the lines of a complete round.
func (n *native) appendRound(dst []byte, round *netsonde.Round, findings []finding, format Format) []byte {
	if format == FormatNone {
		return dst
	}
	if format != FormatText {
		n.open(round.Target)
	}
	for i := range findings {
		found := &findings[i]
		switch {
		case format == FormatText:
			dst = n.appendText(dst, round, found)
		case found.burst != nil && format == FormatJSONLines:
			for j := range found.burst.Samples {
				dst = n.appendSample(dst, round, found, &found.burst.Samples[j])
			}
		default:
			dst = n.appendObject(dst, round, found)
		}
	}
	return dst
}

// open prepares the fields that all lines of a round share.
func (n *native) open(target *netsonde.Target) {
	n.opening = n.opening[:0]
	if n.node != "" {
		n.opening = appendTextField(n.opening, `,"node":`, n.node)
	}
	n.opening, n.keys = appendTargetFields(n.opening, target, n.keys)
}

// appendHead appends a line up to the number of the round.
func (n *native) appendHead(dst []byte, round *netsonde.Round, probe *netsonde.Probe, at int64) []byte {
	dst = appendTimeField(appendOpening(dst, lineType(probe.Kind)), at)
	dst = appendProbeField(append(dst, n.opening...), probe.ID)
	return appendAddrField(dst, `,"addr":`, round.Addr)
}

func (n *native) appendSample(dst []byte, round *netsonde.Round, found *finding, s *netsonde.Sample) []byte {
	at := s.Sent.Real
	if at == 0 {
		at = round.Started.Real
	}
	dst = n.appendHead(dst, round, found.probe, at)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), int64(s.Sequence), 10)
	dst = appendUintField(dst, `,"round":`, round.N)
	return append(appendSampleFields(dst, s, round.Addr), "}\n"...)
}

// appendObject appends the one line of a probe's round, nothing if the probe
// has reported nothing.
func (n *native) appendObject(dst []byte, round *netsonde.Round, found *finding) []byte {
	switch {
	case found.burst != nil:
		dst = n.appendHead(dst, round, found.probe, round.Started.Real)
		dst = appendTextField(dst, `,"name":`, round.Target.Host)
		dst = appendUintField(dst, `,"round":`, round.N)
		dst = appendBurstFields(dst, found.burst)
	case found.route != nil:
		route := found.route
		dst = n.appendHead(dst, round, found.probe, route.Started.Real)
		dst = appendUintField(dst, `,"round":`, round.N)
		dst = appendBoolField(dst, `,"reached":`, route.End == netsonde.RouteReached)
		dst = appendBoolField(dst, `,"changed":`, route.Changed)
		dst = appendHopsField(appendRouteFields(dst, route), route.Hops)
		dst = appendWasField(dst, route.Was)
	case found.service != nil:
		at := round.Started.Real
		if !found.service.Started.IsZero() {
			at = found.service.Started.UnixNano()
		}
		dst = n.appendHead(dst, round, found.probe, at)
		dst = appendUintField(dst, `,"round":`, round.N)
		dst = appendServiceFields(append(appendKindFields(dst, found.probe), ','), found.service)
	default:
		return dst
	}
	return append(dst, "}\n"...)
}

// appendKindFields appends which check it is.
func appendKindFields(dst []byte, probe *netsonde.Probe) []byte {
	dst = appendWordField(dst, `,"kind":`, probe.Kind.String())
	return appendUintField(dst, `,"port":`, uint64(portOf(probe)))
}

// appendStall appends the line of rounds that were not run.
func (n *native) appendStall(dst []byte, stall *netsonde.Stall, format Format) []byte {
	of, ok := n.find(stall.Probe)
	if !ok {
		return dst
	}
	if format == FormatText {
		return n.appendTextStall(dst, of, stall)
	}
	n.open(of.target)
	dst = appendTimeField(appendOpening(dst, lineType(of.probe.Kind)), stall.Due.Real)
	dst = appendProbeField(append(dst, n.opening...), stall.Probe)
	dst = appendUintField(dst, `,"round":`, stall.First)
	dst = appendUintField(dst, `,"rounds":`, stall.Rounds)
	if of.probe.Kind.IsCheck() {
		dst = appendKindFields(dst, of.probe)
	}
	return append(dst, `,"outcome":"stalled"}`+"\n"...)
}

package console

import (
	"strconv"
	"time"

	"netsonde"
)

// appendAmend appends what was learnt too late for the line of an echo.
func (n *native) appendAmend(dst []byte, amend *netsonde.Amend, at time.Time) []byte {
	of, ok := n.find(amend.Probe)
	if !ok {
		return dst
	}
	n.open(of.target)
	dst = appendTimeField(appendOpening(dst, "event"), at.UnixNano())
	dst = append(dst, n.opening...)
	dst = appendWordField(dst, `,"event":`, amend.Outcome.String())
	dst = appendProbeField(dst, amend.Probe)
	dst = strconv.AppendInt(append(dst, `,"seq":`...), int64(amend.Sequence), 10)
	dst = appendUintField(dst, `,"round":`, amend.Round)
	dst = appendMillisecondsField(dst, `,"rtt_ms":`, amend.RTT, amend.Outcome.Answered())
	return append(dst, "}\n"...)
}

// appendEvent appends the line of what happened beside the measurements.
func (n *native) appendEvent(dst []byte, event *netsonde.Event) []byte {
	name := eventName(event.Kind)
	if name == "" {
		return dst
	}
	dst = appendTimeField(appendOpening(dst, "event"), event.At.Real)
	if event.Target != nil {
		n.open(event.Target)
		dst = append(dst, n.opening...)
	} else if n.node != "" {
		dst = appendTextField(dst, `,"node":`, n.node)
	}
	dst = appendWordField(dst, `,"event":`, name)
	if event.Target != nil {
		dst = appendTextField(dst, `,"name":`, event.Target.Host)
	}
	if event.Kind == netsonde.EventAddressChanged {
		dst = appendAddrField(dst, `,"old":`, event.Old)
		dst = appendAddrField(dst, `,"new":`, event.New)
	}
	if event.Kind == netsonde.EventEvidenceOmitted {
		dst = appendUintField(dst, `,"targets":`, event.Count)
	}
	if event.Text != "" {
		dst = appendTextField(dst, `,"text":`, event.Text)
	}
	return append(dst, "}\n"...)
}

// appendMissed appends the event that lines are missing before it.
func (n *native) appendMissed(dst []byte, lines uint64, at time.Time) []byte {
	dst = appendTimeField(appendOpening(dst, "event"), at.UnixNano())
	if n.node != "" {
		dst = appendTextField(dst, `,"node":`, n.node)
	}
	dst = appendWordField(dst, `,"event":`, eventName(netsonde.EventDropped))
	dst = appendUintField(dst, `,"lines":`, lines)
	return append(dst, `,"text":"results were read too slowly"}`+"\n"...)
}

// eventName is what lines call a kind of event, "" for one that has none.
func eventName(kind netsonde.EventKind) string {
	switch kind {
	case netsonde.EventAddressChanged:
		return "address"
	case netsonde.EventUnresolved:
		return "unresolved"
	case netsonde.EventDropped:
		return "dropped"
	case netsonde.EventEvidenceOmitted:
		return "evidence_omitted"
	default:
		return ""
	}
}

package console

import (
	"net/netip"
	"strconv"

	"netsonde"
)

// appendEvidence appends the line of what was gathered when a target began to
// lose echoes.
func (n *native) appendEvidence(dst []byte, e *netsonde.Evidence) []byte {
	n.open(e.Target)
	dst = appendTimeField(appendOpening(dst, "event"), e.Detected.Real)
	dst = appendWordField(append(dst, n.opening...), `,"event":`, "evidence")
	dst = appendTextField(dst, `,"name":`, e.Target.Host)
	dst = appendAddrField(appendProbeField(dst, e.Probe), `,"addr":`, e.Addr)
	dst = appendUintField(dst, `,"round":`, e.Round)
	dst = appendWordField(dst, `,"verdict":`, e.Verdict.String())
	dst = appendBoolField(dst, `,"moved":`, e.Moved)
	dst = appendMomentField(dst, `,"since":"`, e.Since.Real)
	dst = strconv.AppendInt(append(dst, `,"sent":`...), int64(e.Sent), 10)
	dst = strconv.AppendInt(append(dst, `,"lost":`...), int64(e.Lost), 10)
	dst = appendSeriesField(dst, `,"same":{`, &e.Same)
	dst = appendSeriesField(dst, `,"fresh":{`, &e.Fresh)
	dst = append(dst, `,"traces":[`...)
	for i := range e.Traces {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendEvidentRoute(dst, &e.Traces[i])
	}
	dst = append(dst, `],"last_good":`...)
	if e.LastGood != nil {
		dst = appendEvidentRoute(dst, e.LastGood)
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendLocalFields(dst, e.Local)
	dst = appendMillisecondsField(dst, `,"took_ms":`, e.Took, true)
	return append(dst, "}\n"...)
}

// appendMomentField appends a moment in UTC, null when it is none.
func appendMomentField(dst []byte, key string, nanoseconds int64) []byte {
	if nanoseconds == 0 {
		return append(append(dst, key[:len(key)-1]...), "null"...)
	}
	dst = append(dst, key...)
	return append(appendMoment(dst, nanoseconds), '"')
}

// appendSeriesField appends echoes of one identity, as a line of a round has them.
func appendSeriesField(dst []byte, key string, s *netsonde.EchoSeries) []byte {
	dst = appendUintField(append(dst, key...), `"identity":`, uint64(s.Identity))
	dst = appendBurstFields(dst, &netsonde.Burst{Samples: s.Samples})
	if s.Problem != "" {
		dst = appendTextField(dst, `,"problem":`, s.Problem)
	}
	return append(dst, '}')
}

// appendEvidentRoute appends a trace as an object of its own.
func appendEvidentRoute(dst []byte, route *netsonde.Route) []byte {
	dst = appendMomentField(dst, `{"time":"`, route.Started.Real)
	dst = appendBoolField(dst, `,"reached":`, route.End == netsonde.RouteReached)
	return append(appendHopsField(appendRouteFields(dst, route), route.Hops), '}')
}

// appendLocalFields appends what the kernel knows of the way.
func appendLocalFields(dst []byte, local *netsonde.LocalPath) []byte {
	if local == nil {
		local = &netsonde.LocalPath{Problems: []string{"the kernel was not asked, or did not say in time"}}
	}
	dst = append(dst, `,"route":`...)
	if r := local.Route; r == nil {
		dst = append(dst, "null"...)
	} else if r.Errno != 0 {
		dst = append(appendErrnoFields(append(dst, `{"type":null`...), r.Errno), '}')
	} else {
		dst = appendWordField(dst, `{"type":`, r.Type)
		dst = appendAddrField(dst, `,"gateway":`, r.Gateway)
		dst = appendAddrField(dst, `,"source":`, r.Source)
		dst = appendTextField(dst, `,"interface":`, r.Interface)
		dst = appendUintField(dst, `,"table":`, uint64(r.Table))
		if r.MTU > 0 {
			dst = appendUintField(dst, `,"mtu":`, uint64(r.MTU))
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `,"neighbour":`...)
	if neighbour := local.Neighbour; neighbour != nil {
		dst = appendAddrField(dst, `{"addr":`, neighbour.Addr)
		dst = appendWordField(dst, `,"state":`, neighbour.State)
		if neighbour.Hardware != "" {
			dst = appendTextField(dst, `,"hardware":`, neighbour.Hardware)
		}
		dst = append(dst, '}')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"interface":`...)
	if i := local.Interface; i != nil {
		dst = appendTextField(dst, `{"name":`, i.Name)
		dst = appendWordField(dst, `,"state":`, i.State)
		dst = appendBoolField(appendBoolField(dst, `,"up":`, i.Up), `,"carrier":`, i.Carrier)
		dst = appendUintField(dst, `,"carrier_changes":`, uint64(i.CarrierChanges))
		dst = appendUintField(dst, `,"mtu":`, uint64(i.MTU))
		dst = appendUintField(dst, `,"rx_errors":`, i.ReceiveErrors)
		dst = appendUintField(dst, `,"rx_dropped":`, i.ReceiveDropped)
		dst = appendUintField(dst, `,"tx_errors":`, i.SendErrors)
		dst = append(appendUintField(dst, `,"tx_dropped":`, i.SendDropped), '}')
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendQueuesField(dst, local.Queues)
	dst = appendConntrackField(dst, local.Conntrack)
	if len(local.Problems) > 0 {
		dst = append(dst, `,"problems":`...)
		for i, problem := range local.Problems {
			key := ","
			if i == 0 {
				key = "["
			}
			dst = appendTextField(dst, key, problem)
		}
		dst = append(dst, ']')
	}
	return dst
}

func appendQueuesField(dst []byte, queues []netsonde.Queue) []byte {
	dst = append(dst, `,"qdiscs":[`...)
	for i := range queues {
		q := &queues[i]
		key := `,{"kind":`
		if i == 0 {
			key = `{"kind":`
		}
		dst = appendTextField(dst, key, q.Kind)
		dst = appendUintField(dst, `,"length":`, uint64(q.Length))
		dst = appendUintField(dst, `,"backlog":`, uint64(q.Backlog))
		dst = appendUintField(dst, `,"drops":`, uint64(q.Drops))
		dst = appendUintField(dst, `,"requeues":`, uint64(q.Requeues))
		dst = append(appendUintField(dst, `,"overlimits":`, uint64(q.Overlimit)), '}')
	}
	return append(dst, ']')
}

func appendConntrackField(dst []byte, c *netsonde.Conntrack) []byte {
	dst = append(dst, `,"conntrack":`...)
	if c == nil {
		return append(dst, "null"...)
	}
	dst = appendUintField(dst, `{"count":`, c.Count)
	dst = appendUintField(dst, `,"max":`, c.Max)
	dst = append(dst, `,"sessions":`...)
	if c.Sessions == nil {
		return append(dst, "null}"...)
	}
	dst = append(dst, '[')
	for i := range c.Sessions {
		session := &c.Sessions[i]
		key := `,{"identity":`
		if i == 0 {
			key = `{"identity":`
		}
		dst = appendUintField(dst, key, uint64(session.Identity))
		dst = appendBoolField(dst, `,"replied":`, session.Replied)
		dst = append(appendMillisecondsField(dst, `,"left_ms":`, session.Left, true), '}')
	}
	return append(dst, "]}"...)
}

// nextHop is the hop of a path behind an address, invalid when it has none.
func nextHop(route *netsonde.Route, behind netip.Addr) netip.Addr {
	for i := range len(route.Hops) - 1 {
		if route.Hops[i].Addr == behind {
			return route.Hops[i+1].Addr
		}
	}
	return netip.Addr{}
}

package console

import (
	"strconv"

	"netsonde"
)

const (
	// ttlCells is the column of a hop's number.
	ttlCells = 3
	// hopRTTCells is the column of a hop's RTT, its unit included.
	hopRTTCells = 9
)

// appendTrace appends a target's traces: flows side by side if they fit, no
// names are asked for and no hop tells labels, else below one another.
func (f *form) appendTrace(dst []byte, m *measured, columns int) []byte {
	routes := make([]*netsonde.Route, 0, len(m.findings))
	for i := range m.findings {
		if route := m.findings[i].route; route != nil {
			routes = append(routes, route)
		}
	}
	for i, route := range routes {
		dst = f.appendTraceHead(dst, m, route, i, len(routes), columns)
		if len(routes) == 1 || f.names != nil {
			dst = f.appendHops(dst, route, columns)
		}
	}
	if len(routes) < 2 || f.names != nil {
		return dst
	}
	wide := addressCells(routes)
	if cells := ttlCells + len(routes)*(2+wide+1+hopRTTCells); cells < columns && !labelled(routes) {
		return appendFlows(dst, routes, wide)
	}
	for _, route := range routes {
		dst = strconv.AppendUint(append(dst, "flow "...), uint64(route.Flow), 10)
		dst = f.appendHops(append(dst, '\n'), route, columns)
	}
	return dst
}

// appendTraceHead appends the target and how its trace ended; of several flows
// the first names the target.
func (f *form) appendTraceHead(dst []byte, m *measured, route *netsonde.Route, i, flows, columns int) []byte {
	line := len(dst)
	if i == 0 {
		dst = f.appendLabel(dst, m, columns-1)
		dst = append(trimRight(dst, line), '\n')
		line = len(dst)
	}
	dst = append(dst, "  "...)
	if flows > 1 {
		dst = strconv.AppendUint(append(dst, "flow "...), uint64(route.Flow), 10)
		dst = append(dst, ": "...)
	}
	dst = appendRouteEnd(append(append(dst, traceProtocolName(route.Protocol)...), ", "...), route)
	dst, _ = cutCells(dst, line, f.edge(columns))
	if state := routeState(route.End); f.coloured && state != stateWell {
		dst = colourFrom(dst, line, stateColours[state])
	}
	return append(dst, '\n')
}

// appendHops appends a route, a hop a line.
func (f *form) appendHops(dst []byte, route *netsonde.Route, columns int) []byte {
	wide := addressCells([]*netsonde.Route{route})
	for i := range route.Hops {
		hop := &route.Hops[i]
		line := len(dst)
		dst = fitRight(strconv.AppendUint(dst, uint64(hop.TTL), 10), line, ttlCells)
		dst = appendHopCells(append(dst, "  "...), hop, wide)
		name := f.lookUp(hop.Addr)
		if name != "" {
			dst = appendEscaped(append(dst, "  "...), name, maxValue)
		}
		dst = appendTextLabels(dst, hop.Labels)
		if name != "" || hop.Labels != "" {
			dst, _ = cutCells(dst, line, f.edge(columns))
		}
		dst = append(trimRight(dst, line), '\n')
	}
	return dst
}

// appendFlows appends routes beside one another, a TTL a line.
func appendFlows(dst []byte, routes []*netsonde.Route, wide int) []byte {
	most := 0
	for _, route := range routes {
		most = max(most, len(route.Hops))
	}
	for i := range most {
		line := len(dst)
		dst = fitRight(strconv.AppendInt(dst, int64(i+1), 10), line, ttlCells)
		for _, route := range routes {
			dst = append(dst, "  "...)
			if i < len(route.Hops) {
				dst = appendHopCells(dst, &route.Hops[i], wide)
			} else {
				dst = appendBlanks(dst, wide+1+hopRTTCells)
			}
		}
		dst = append(trimRight(dst, line), '\n')
	}
	return dst
}

// appendHopCells appends who answered and after what time.
func appendHopCells(dst []byte, hop *netsonde.Hop, wide int) []byte {
	start := len(dst)
	if hop.Silent() {
		return fit(append(dst, '*'), start, wide+1+hopRTTCells)
	}
	dst = append(fit(appendTextAddr(dst, hop.Addr), start, wide), ' ')
	start = len(dst)
	return fitRight(append(appendShort(dst, hop.RTT), " ms"...), start, hopRTTCells)
}

// labelled reports whether any hop tells MPLS labels.
func labelled(routes []*netsonde.Route) bool {
	for _, route := range routes {
		for i := range route.Hops {
			if route.Hops[i].Labels != "" {
				return true
			}
		}
	}
	return false
}

// addressCells is the width of the widest address of routes.
func addressCells(routes []*netsonde.Route) int {
	const ipv4 = 15
	wide := ipv4
	var text []byte
	for _, route := range routes {
		for i := range route.Hops {
			if !route.Hops[i].Silent() {
				text = appendTextAddr(text[:0], route.Hops[i].Addr)
				wide = max(wide, cellsIn(text))
			}
		}
	}
	return wide
}

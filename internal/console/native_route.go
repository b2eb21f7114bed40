package console

import (
	"net/netip"
	"strconv"

	"netsonde"
)

// appendRouteText appends the rest of a trace's line, and its hops beside those
// of the route before it when they are news.
func (n *native) appendRouteText(dst []byte, l *line, route *netsonde.Route) []byte {
	dst = appendRouteEnd(dst, route)
	if route.Changed && route.Was != nil {
		dst = append(dst, ", changed"...)
	}
	dst = n.endLine(dst, l)
	if !route.Changed {
		return dst
	}
	for i := range max(len(route.Hops), len(route.Was)) {
		var hop netsonde.Hop
		if i < len(route.Hops) {
			hop = route.Hops[i]
		}
		start := len(dst)
		dst = appendHopText(dst, i, hop, i >= len(route.Hops), route.Was)
		dst = append(n.cut(dst, start), '\n')
	}
	return dst
}

// appendHopText appends hop i of a route that is news, and what was there
// before if that was another.
func appendHopText(dst []byte, i int, hop netsonde.Hop, gone bool, old []netip.Addr) []byte {
	const rttCells, ipv4Cells = 9, 15
	line := len(dst)
	dst = appendBlanks(dst, hopIndent)
	start := len(dst)
	dst = fitRight(strconv.AppendInt(dst, int64(i+1), 10), start, ttlCells)
	dst = append(dst, "  "...)
	start = len(dst)
	switch {
	case gone:
		dst = append(dst, '-')
	case hop.Silent():
		dst = append(dst, '*')
	default:
		dst = appendTextAddr(dst, hop.Addr)
	}
	dst = fit(dst, start, max(ipv4Cells, cellsIn(dst[start:])))
	start = len(dst)
	if !hop.Silent() {
		dst = append(appendShort(dst, hop.RTT), " ms"...)
	}
	dst = fitRight(dst, start, rttCells+2)
	switch {
	case old == nil:
	case i >= len(old):
		if !hop.Silent() {
			dst = append(dst, "  new"...)
		}
	case !old[i].IsValid() && !hop.Silent():
		dst = append(dst, "  was *"...)
	case old[i].IsValid() && old[i] != hop.Addr:
		dst = appendTextAddr(append(dst, "  was "...), old[i])
	}
	return trimRight(appendTextLabels(dst, hop.Labels), line)
}

// appendTextLabels appends the MPLS labels of a hop, top first.
func appendTextLabels(dst []byte, stack netsonde.LabelStack) []byte {
	for i := range stack.Len() {
		label, word := stack.At(i), ", "
		if i == 0 {
			word = "  MPLS "
		}
		dst = strconv.AppendUint(append(dst, word...), uint64(label.Value), 10)
		dst = strconv.AppendUint(append(dst, " tc "...), uint64(label.TrafficClass), 10)
		dst = strconv.AppendUint(append(dst, " ttl "...), uint64(label.TTL), 10)
	}
	return dst
}

// appendRouteEnd appends how a trace ended.
func appendRouteEnd(dst []byte, route *netsonde.Route) []byte {
	hops := len(route.Hops)
	if route.End == netsonde.RouteSilent {
		hops = answering(route.Hops)
	}
	count := func(dst []byte) []byte { return appendCount(dst, uint64(hops), "hop") }
	switch route.End {
	case netsonde.RouteReached:
		dst = count(dst)
		if hops > 0 {
			dst = append(appendShort(append(dst, ", "...), route.Hops[hops-1].RTT), " ms"...)
		}
	case netsonde.RouteExhausted:
		dst = count(append(dst, "not reached in "...))
	case netsonde.RouteSilent:
		dst = count(append(dst, "silent after "...))
	case netsonde.RouteUnreachable:
		dst = append(dst, "unreachable"...)
		if hops > 0 && !route.Hops[hops-1].Silent() {
			dst = appendTextAddr(append(dst, " from "...), route.Hops[hops-1].Addr)
		}
	default:
		dst = append(dst, routeEndName(route.End)...)
		if route.Errno != 0 {
			dst = append(appendEscaped(append(dst, " ("...), route.Errno.Error(), maxValue), ')')
		}
	}
	return dst
}

// answering is the number of hops up to the last that answered.
func answering(hops []netsonde.Hop) int {
	end := len(hops)
	for end > 0 && hops[end-1].Silent() {
		end--
	}
	return end
}

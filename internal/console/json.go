package console

import (
	"net/netip"
	"strconv"

	"netsonde"
)

// summaryKeys name the numbers of block.summary.
var summaryKeys = [...]string{`"min":`, `,"avg":`, `,"max":`, `,"std":`, `,"loss":`}

// columnKeys name the services of columns.
var columnKeys = [len(columns)]string{`"http":`, `,"https":`, `,"mysql":`}

// appendJSON appends the block as one object on one line, with the keys, the
// order and the blanks of connmonitor, since there are readers that match text.
func (b *block) appendJSON(dst []byte) []byte {
	output := b.round.Target.Output
	field, hop := ",", ", "
	if output.Dialect == netsonde.DialectConnmonitor4 {
		hop = ","
		if !output.Timestamp {
			field = ", "
		}
	}
	dst = appendJSONAddr(append(dst, `{"addr":`...), b.round.Addr)
	dst = append(append(dst, field...), `"name":`...)
	dst = appendQuoted(dst, b.round.Target.Host, maxValue)
	if b.timed() {
		dst = append(append(dst, field...), `"timestamp":`...)
		dst = appendEpochMilliseconds(dst, b.round.Ended.Real)
	}
	if b.pinged {
		dst = append(append(dst, field...), `"ping":{`...)
		for i, value := range b.summary() {
			dst = appendExact(append(dst, summaryKeys[i]...), value)
		}
		dst = append(dst, '}')
	}
	if hops := b.hops(); len(hops) > 0 {
		dst = append(append(dst, field...), `"trace":[`...)
		for i := range hops {
			if i > 0 {
				dst = append(dst, hop...)
			}
			dst = appendJSONHop(dst, hops[i])
		}
		dst = append(dst, ']')
	}
	if b.scanned {
		dst = append(append(dst, field...), `"scan":{`...)
		for i, service := range b.services {
			dst = appendJSONService(append(dst, columnKeys[i]...), service)
		}
		dst = append(dst, '}')
	}
	return append(dst, "}\n"...)
}

func appendJSONHop(dst []byte, hop netsonde.Hop) []byte {
	if hop.Silent() {
		return append(dst, `["*"]`...)
	}
	dst = append(appendJSONAddr(append(dst, '['), hop.Addr), ", "...)
	return append(appendExact(dst, milliseconds(hop.RTT)), ']')
}

func appendJSONService(dst []byte, s *netsonde.Service) []byte {
	if !present(s) {
		return append(dst, `"None"`...)
	}
	dst = appendExact(append(dst, `{"rtt":`...), milliseconds(s.RTT))
	if s.Kind == netsonde.KindMySQL {
		dst = appendQuoted(append(dst, `,"version":`...), s.Version, maxValue)
		return append(dst, '}')
	}
	dst = append(dst, `,"response code":"`...)
	dst = strconv.AppendInt(dst, int64(s.Code), 10)
	dst = appendQuoted(append(dst, `","server":`...), serverName(s), maxValue)
	return append(dst, '}')
}

func appendJSONAddr(dst []byte, addr netip.Addr) []byte {
	if addr.Zone() != "" {
		return appendQuoted(dst, addr.String(), maxValue)
	}
	return append(addr.AppendTo(append(dst, '"')), '"')
}

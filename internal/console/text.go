package console

import (
	"net/netip"
	"strconv"
	"time"

	"netsonde"
)

// appendText appends the block in connmonitor's text form, each line with its
// newline.
func (b *block) appendText(dst []byte, location *time.Location) []byte {
	dst = b.appendHeader(dst)
	if b.timed() {
		dst = append(appendTime(dst, time.Unix(0, b.round.Ended.Real).In(location)), '\n')
	}
	if b.pinged {
		for i, value := range b.summary() {
			if i > 0 {
				dst = append(dst, '\t')
			}
			dst = appendRounded(dst, value)
		}
		dst = append(dst, '\n')
	}
	for _, hop := range b.hops() {
		dst = appendTextHop(dst, hop)
	}
	if b.scanned {
		for i, service := range b.services {
			if i > 0 {
				dst = append(dst, '\t')
			}
			dst = appendTextService(dst, service)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendHeader appends the host line: the address stands beside the host
// unless the host is that address.
func (b *block) appendHeader(dst []byte) []byte {
	before, after := " (", ")"
	if b.round.Target.Output.Dialect == netsonde.DialectConnmonitor4 {
		before, after = " ", ""
	}
	host := b.round.Target.Host
	dst = appendEscaped(dst, host, maxValue)
	hostEnd := len(dst)
	dst = append(dst, before...)
	start := len(dst)
	dst = appendTextAddr(dst, b.round.Addr)
	if address := string(dst[start:]); address == "" || address == host {
		dst = dst[:hostEnd]
	} else {
		dst = append(dst, after...)
	}
	return append(dst, '\n')
}

func appendTextHop(dst []byte, hop netsonde.Hop) []byte {
	if hop.Silent() {
		return append(dst, "*\n"...)
	}
	dst = append(appendTextAddr(dst, hop.Addr), '\t')
	return append(appendRounded(dst, milliseconds(hop.RTT)), '\n')
}

func appendTextService(dst []byte, s *netsonde.Service) []byte {
	if !present(s) {
		return append(dst, "None"...)
	}
	dst = append(appendRounded(dst, milliseconds(s.RTT)), ", "...)
	if s.Kind == netsonde.KindMySQL {
		return appendEscaped(dst, s.Version, maxValue)
	}
	dst = append(strconv.AppendInt(dst, int64(s.Code), 10), ", "...)
	return appendEscaped(dst, serverName(s), maxValue)
}

// appendTextAddr appends an address. Only a zone can hold more than digits,
// points and colons.
func appendTextAddr(dst []byte, addr netip.Addr) []byte {
	if addr.Zone() != "" {
		return appendEscaped(dst, addr.String(), maxValue)
	}
	return addr.AppendTo(dst)
}

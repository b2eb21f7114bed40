package probe

import (
	"encoding/binary"
	"net/netip"

	"netsonde"
	"netsonde/internal/packet"
)

const (
	// udpPort is the port that the originals probed.
	udpPort uint16 = 33440
	// tcpPort is the port of TCP traces that name none.
	tcpPort uint16 = 80
)

// traceProtocol is what the probes are handed out as.
func (m *measurement) traceProtocol(e *Engine) netsonde.TraceProtocol {
	if m.plan.Protocol == netsonde.TraceUDP && len(e.options.UDP) == 0 {
		return netsonde.TraceICMP
	}
	return m.plan.Protocol
}

// toldProtocol is what the probes really were: a connection may send datagrams
// for echoes.
func (m *measurement) toldProtocol(e *Engine) netsonde.TraceProtocol {
	protocol := m.traceProtocol(e)
	if protocol == netsonde.TraceICMP && e.options.HopMethod == netsonde.MethodUDP {
		return netsonde.TraceUDP
	}
	return protocol
}

// tracePort is the destination port of a trace whose flow differs from others'
// by shift beside its source port.
func (m *measurement) tracePort(shift uint16) uint16 {
	port := m.plan.Port
	switch {
	case m.plan.Protocol == netsonde.TraceTCP && port == 0:
		return tcpPort
	case m.plan.Protocol == netsonde.TraceTCP:
		return port
	case port == 0:
		port = udpPort
	}
	if port+shift < port {
		return port - shift
	}
	return port + shift
}

// traceFlow is the packet that all packets of the trace are like, as far as
// routers look that share a load by flow: the protocol, the ports, an echo's
// checksum and identity. It names the identity by its place.
//
// The address and not the probe decides which source port the flow 0 has, so
// that the flows of one target differ. Where there are no more source ports
// the datagrams' destination port does; of TCP flows then several are one.
func (m *measurement) traceFlow(e *Engine) (flow packet.Probe, preferred int) {
	flow = packet.Probe{
		Protocol: packet.Echo, Destination: m.group.addr, Source: m.plan.Source, DSCP: m.plan.DSCP,
		Size: packet.FlowSize, FixedFlow: true, Flow: m.plan.Flow,
	}
	preferred = flowBase(plainAddr(m.group.addr))
	number, ports := int(m.plan.Flow), max(len(e.options.UDP), 1)
	switch m.traceProtocol(e) {
	case netsonde.TraceUDP:
		flow.Protocol, flow.Port = packet.UDP, m.tracePort(uint16(number/ports))
		preferred += number % ports
	case netsonde.TraceTCP:
		flow.Protocol, flow.Port = packet.TCP, m.tracePort(0)
		preferred += number
	case netsonde.TraceICMP:
	}
	return flow, preferred
}

// flowBase spreads addresses over identities.
func flowBase(addr netip.Addr) int {
	b := addr.As16()
	return int(mix(binary.BigEndian.Uint64(b[:8])^mix(binary.BigEndian.Uint64(b[8:]))) & 0xffff)
}

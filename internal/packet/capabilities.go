package packet

import "netsonde"

// Departure says whether a packet was given to a device to be sent.
type Departure uint8

// The departures.
const (
	// DepartureUnknown is of packets that are not stamped when they leave.
	DepartureUnknown Departure = iota
	// HasDeparted was stamped by the device.
	HasDeparted
	// NotDeparted has no stamp though others of its socket get theirs: it was
	// dropped before the device had it, or still waits there. A stamp that was
	// lost looks the same.
	NotDeparted
)

// Capabilities are what a connection to the network can do.
type Capabilities struct {
	// ICMP are the identities that echoes may use; each gives 65,536 sequences.
	ICMP []uint16
	// UDP are the identities that datagrams may use, which are their source
	// ports, each giving the sequences 1 to 65,534; none means that traces by
	// UDP are made of echoes.
	UDP []uint16
	// Trace tells whether probes with a small TTL get their answers back.
	Trace bool
	// HopMethod is what echoes with a small TTL really leave as.
	HopMethod netsonde.Method
	// TCPFlows tells that the TCP probes of one identity are one flow, whose
	// source port the identity is. Without it each leaves by a port of its own,
	// and routers that share a load may send the probes of a trace several ways.
	TCPFlows bool
	// Stamps are the best that samples may have: kernel readings both ways, of
	// the arrival only, or none.
	Stamps netsonde.Stamps
	// Description says in a few words how is measured, for the line at the start.
	Description string
	// Shortfall says why nothing better could be had and what to do about it,
	// for one warning at the start; "" when nothing is amiss.
	Shortfall string
}

// TCP are the identities that TCP probes may use, each giving 65,536
// sequences: those of datagrams, whose ports are held for TCP as well, or,
// where there are none, those of echoes, which are then names of ours only.
func (c Capabilities) TCP() []uint16 { return TCPIdentities(c.ICMP, c.UDP) }

// TCPIdentities chooses the identities of TCP probes as Capabilities.TCP says.
func TCPIdentities(icmp, udp []uint16) []uint16 {
	if len(udp) > 0 {
		return udp
	}
	return icmp
}

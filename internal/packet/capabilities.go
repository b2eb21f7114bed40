package packet

// Capabilities are what a connection to the network can do.
type Capabilities struct {
	// ICMP are the identities that echoes may use; each gives 65,536 sequences.
	ICMP []uint16
	// UDP are the identities that datagrams may use, each giving the sequences
	// 1 to 65,534; none means that traces are made of echoes.
	UDP []uint16
	// Trace tells whether probes with a small TTL get their answers back.
	Trace bool
	// Description says in a few words how is measured, for the line at the start.
	Description string
	// Shortfall says why nothing better could be had and what to do about it,
	// for one warning at the start; "" when nothing is amiss.
	Shortfall string
}

package netsonde

// Cause says where in this machine a probe or its answer was lost, when that is
// known from the kernel's own counters. It stands beside OutcomeSendFailed and
// OutcomeOverrun.
type Cause uint8

// The causes, those of answers first.
const (
	// CauseNone knows of none, or the sample's Errno says it.
	CauseNone Cause = iota
	// CauseReceiveBuffer is a receive buffer of ours that was full.
	CauseReceiveBuffer
	// CauseBacklog is the kernel's queue of packets that have come in and wait
	// for a processor (net.core.netdev_max_backlog).
	CauseBacklog
	// CauseInterfaceIn is the interface, which had no room for what arrived.
	CauseInterfaceIn
	// CauseQueue is the queue before the interface (qdisc).
	CauseQueue
	// CauseInterfaceOut is the interface, which dropped what it was to send.
	CauseInterfaceOut
	// CauseNoCarrier is the interface without a carrier: no cable, nobody at its
	// other end.
	CauseNoCarrier
)

var causeNames = [...]string{
	"", "receive_buffer", "backlog", "interface_in", "queue", "interface_out", "no_carrier",
}

// String returns the cause's name as outputs print it, "" for none.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "invalid"
}

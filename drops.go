package netsonde

import "time"

// Drops is one look at what this machine's kernel has counted of packets that
// it lost itself, and of those that it did not. The counters only grow, from
// whatever they were at the first look.
type Drops struct {
	// Began and Ended are the monotonic times around the look: what was counted
	// between two looks happened after the one began and before the other ended.
	Began, Ended time.Duration
	// Backlog counts packets that no processor took in time, of all namespaces.
	Backlog uint64
	// Interfaces are those of the network namespace, by ascending Index.
	Interfaces []InterfaceDrops
	// Outages are the times without carrier that have not been over for long.
	Outages []Outage
}

// InterfaceDrops is what one interface has counted.
type InterfaceDrops struct {
	Index    int
	Name     string
	Loopback bool
	// Up tells that it is to be up, Carrier that something is at its other end.
	Up, Carrier bool
	// CarrierChanges counts losses and returns of the carrier.
	CarrierChanges uint64
	// Received and Sent are packets that got through.
	Received, Sent uint64
	// ReceiveDropped are packets that the kernel dropped behind the interface:
	// for want of room in the backlog, but also of protocols that it does not
	// know. ReceiveMissed are those that the interface had no room for.
	ReceiveDropped, ReceiveMissed uint64
	// QueueDropped are packets that the queue before the interface dropped,
	// SendDropped those that the interface itself did.
	QueueDropped, SendDropped uint64
}

// Interface returns what an interface has counted, nil if there is none of that
// index.
func (d *Drops) Interface(index int) *InterfaceDrops {
	for i := range d.Interfaces {
		if d.Interfaces[i].Index == index {
			return &d.Interfaces[i]
		}
	}
	return nil
}

// Outage is a time in which an interface that is up had no carrier. The times are
// of the monotonic clock.
type Outage struct {
	Interface int
	// From is when the carrier may have been lost at the earliest, To by when it was
	// seen again; 0 while it is missing.
	From, To time.Duration
	// First and Last bound the time in which it certainly was missing, from look to
	// look. There is none if Last is before First.
	First, Last time.Duration
}

// Covers reports whether the carrier was, or may have been, missing at a moment.
func (o *Outage) Covers(at time.Duration) bool {
	return at > o.From && (o.To == 0 || at < o.To)
}

// Certain reports whether the carrier was missing at a moment.
func (o *Outage) Certain(at time.Duration) bool { return at >= o.First && at <= o.Last }

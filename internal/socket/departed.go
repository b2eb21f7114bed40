package socket

import (
	"time"

	"netsonde/internal/packet"
)

// stampSlack is by how much the real clock may have been set back between our
// reading before a send and the kernel's stamp. A stamp that is older is that of
// an earlier probe of the same name.
const stampSlack = time.Second

// Departed tells whether a probe that was sent since a moment of the real clock
// was given to a device, and when by the real clock: then it has a stamp. Where
// stamps are counted, and not numbered, one may belong to another probe, and
// nothing is known.
func (c *Connection) Departed(protocol packet.Protocol, identity, sequence uint16, since int64) (d packet.Departure, at int64) {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() || protocol > packet.TCP {
		return packet.DepartureUnknown, 0
	}
	stamped := false
	for _, from := range c.senders {
		if from.protocol != protocol || from.identity != 0 && from.identity != identity {
			continue
		}
		if !from.numbers() {
			return packet.DepartureUnknown, 0
		}
		stamped = true
		if from.sendsOnly && from.unread > 0 {
			c.readStamps(from)
		}
	}
	if !stamped {
		return packet.DepartureUnknown, 0
	}
	return c.departures.departed(protocol, identity, sequence, since)
}

// Corrupt counts the answers to us so far whose checksum was wrong. Only raw
// sockets are given IPv4 ones, the kernel drops all others itself.
func (c *Connection) Corrupt() uint64 {
	if r, ok := c.method.(*raw); ok {
		return r.corrupt.Load()
	}
	return 0
}

// departed looks a probe's stamp up.
func (d *departures) departed(protocol packet.Protocol, identity, sequence uint16, since int64) (packet.Departure, int64) {
	of := d.of(protocol, identity)
	switch {
	case of == nil:
		return packet.DepartureUnknown, 0
	case of.stamps == nil:
		return packet.NotDeparted, 0
	}
	found := of.stamps[sequence%departureWindow]
	switch {
	case found.stamp <= since-int64(stampSlack):
		return packet.NotDeparted, 0 // nothing since
	case found.sequence == sequence:
		return packet.HasDeparted, found.stamp
	default:
		return packet.DepartureUnknown, 0 // a later probe's has taken its place
	}
}

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
// was given to a device: then it has a stamp. Where stamps are counted, and not
// numbered, one may belong to another probe, and nothing is known.
func (c *Connection) Departed(protocol packet.Protocol, identity, sequence uint16, since int64) packet.Departure {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() || protocol > packet.TCP {
		return packet.DepartureUnknown
	}
	stamped := false
	for _, d := range c.method.senders() {
		if d.protocol != protocol || d.identity != 0 && d.identity != identity {
			continue
		}
		if !d.numbers() {
			return packet.DepartureUnknown
		}
		stamped = true
		if d.sendsOnly && d.unread > 0 {
			c.readStamps(d)
		}
	}
	if !stamped {
		return packet.DepartureUnknown
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
func (d *departures) departed(protocol packet.Protocol, identity, sequence uint16, since int64) packet.Departure {
	of := d.of(protocol, identity)
	switch {
	case of == nil:
		return packet.DepartureUnknown
	case of.stamps == nil:
		return packet.NotDeparted
	}
	found := of.stamps[sequence%departureWindow]
	switch {
	case found.stamp <= since-int64(stampSlack):
		return packet.NotDeparted // nothing since
	case found.sequence == sequence:
		return packet.HasDeparted
	default:
		return packet.DepartureUnknown // a later probe's has taken its place
	}
}

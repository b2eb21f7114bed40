package socket

import (
	"golang.org/x/sys/unix"

	"netsonde/internal/packet"
)

// date gives the first n replies the stamps of what they answer, and reads
// those where it has not yet been done: a probe is stamped before it can be
// answered. What else that brings is added to the replies.
func (c *Connection) date(replies []packet.Reply, n int) (int, error) {
	for i := 0; i < n; i++ {
		r := &replies[i]
		r.Left = c.departures.find(r.Protocol, r.Identity, r.Sequence)
		c.answered.Protocol, c.answered.Identity, c.answered.Destination = r.Protocol, r.Identity, r.Destination
		// Large probes may leave by another socket; the reply does not tell.
		for _, c.answered.Size = range [...]int{0, mostHeaded + 1} {
			d := c.method.socket(&c.answered)
			if d == nil || !d.stamped || d.unread == 0 && (r.Left != 0 || d.pass == c.first) {
				continue
			}
			d.pass = c.first
			if d.sendsOnly {
				c.readStamps(d)
			} else {
				got, _, err := c.readQueue(d, replies[n:])
				if err != nil {
					return n, err
				}
				n += got
			}
			r.Left = c.departures.find(r.Protocol, r.Identity, r.Sequence)
		}
	}
	return n, nil
}

// readQueue reads a socket's error queue until it is empty or the replies are
// full. queued tells that there was something.
func (c *Connection) readQueue(d *datagram, replies []packet.Reply) (n int, queued bool, err error) {
	for range readRounds {
		room := len(replies) - n
		if room == 0 {
			break
		}
		got, taken, err := c.read(d, replies[n:], unix.MSG_ERRQUEUE)
		if err != nil {
			return n, queued, err
		}
		n += got
		queued = queued || taken > 0
		if taken < min(room, receiveBatch) {
			d.unread = 0
			break
		}
	}
	return n, queued, nil
}

// readStamps reads the error queue of a socket that only sends until it is
// empty. A failure leaves stamps out, nothing else.
func (c *Connection) readStamps(d *datagram) {
	d.unread = 0
	for range readRounds {
		got, err := c.leaving.read(d)
		if err != nil {
			return
		}
		for i := range got {
			if a := c.leaving.ancillary(i); a.left {
				c.left(d, a)
			}
		}
		if got < receiveBatch {
			return
		}
	}
}

// left keeps the stamp of a departure.
func (c *Connection) left(d *datagram, a ancillary) {
	d.unread = max(d.unread-1, 0)
	if number, ok := d.numbered(a.number); ok {
		c.departures.add(d.protocol, number, a.stamp)
	}
}

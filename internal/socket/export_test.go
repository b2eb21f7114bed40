package socket

import "golang.org/x/sys/unix"

// Counted has a connection do as on kernels that take no number with a message,
// those before 6.13.
func (o Options) Counted(counted bool) Options {
	o.counted = counted
	return o
}

// Passes is how often sockets have been found ready.
func (c *Connection) Passes() int { return c.first }

// ShrinkSenders leaves the sockets that probes leave by the least of room for
// what the kernel tells of them.
func (c *Connection) ShrinkSenders() error {
	for _, d := range c.method.senders() {
		if err := unix.SetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0); err != nil {
			return err
		}
	}
	return nil
}

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

// SenderErrors counts what stands in the error queues of the sockets that probes
// leave by, stamps included, and takes it away.
func (c *Connection) SenderErrors() (count int) {
	for _, d := range c.method.senders() {
		for {
			var control [receiveControlSize]byte
			if _, _, _, _, err := unix.Recvmsg(d.fd, nil, control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT); err != nil {
				break
			}
			count++
		}
	}
	return count
}

package socket

import "golang.org/x/sys/unix"

// answerCost is about what the kernel charges a receive buffer for one small
// answer, in bytes: most drivers give each packet half a page and its
// bookkeeping.
const answerCost = 2304

// stampCost is the same for the stamp of what leaves, where it waits beside the
// answers.
const stampCost = 768

// Holds is the number of answers to echoes with that payload that fit into the
// receive buffers before any is read, at least 1. It is an estimate from below:
// what a packet costs depends on the driver that it came through.
func (c *Connection) Holds(size int) int {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return 1
	}
	sockets, cost := c.sockets, answerCost+2*size
	if r, ok := c.method.(*raw); ok {
		sockets = present(r.icmp[:]) // the others only send
	}
	// A sweep may be all of one family, so the smaller counts.
	var buffers [2]int
	for _, d := range sockets {
		if d.stamped {
			cost = answerCost + 2*size + stampCost
		}
		bytes, err := unix.GetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
		if err != nil {
			continue
		}
		if d.six {
			buffers[1] += bytes
		} else {
			buffers[0] += bytes
		}
	}
	least := max(buffers[0], buffers[1])
	for _, bytes := range buffers {
		if bytes > 0 {
			least = min(least, bytes)
		}
	}
	return max(least/cost, 1)
}

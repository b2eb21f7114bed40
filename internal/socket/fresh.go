package socket

// Fresh opens a connection beside this one, in the network namespace of the
// calling thread: with sockets and identities of its own, drawn anew, and the
// same origin of time. It measures without the kernel's stamps. The caller
// closes it. Any goroutine may call it, also after Close.
func (c *Connection) Fresh() (*Connection, error) {
	return Open(Options{Origin: c.origin, Unstamped: true, EchoOnly: true})
}

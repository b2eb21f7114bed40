package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"netsonde"
)

// ReadLimit is the most bytes that one check reads from its connection, TLS
// records included.
const ReadLimit = 64 << 10

// textLimit is the most bytes of any text of a server's that is kept.
const textLimit = 256

var errTooMuch = errors.New("connection sent 65536 bytes without a whole answer")

// limitedConn is a connection that ends with an error after a number of bytes.
type limitedConn struct {
	net.Conn
	left int
	// reset is the reset that a write has met. The kernel tells it once, and a
	// read then finds the end.
	reset      error
	turnaround turnaround
}

// Read reads at most what is left; once nothing is, it returns errTooMuch.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	if c.reset != nil && errors.Is(err, io.EOF) {
		err = c.reset
	}
	return n, err
}

// Write writes, and remembers a reset for the next Read.
func (c *limitedConn) Write(p []byte) (int, error) {
	c.turnaround.note()
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.ECONNRESET) {
		c.reset = err
	}
	return n, err
}

// exchange is one connection of a check, and the result that it fills in.
type exchange struct {
	// conn is what is spoken over: the transport, or TLS above it.
	conn      net.Conn
	transport *limitedConn
	service   *netsonde.Service
	// host is the name that the server is called by.
	host string
	// asked is what is asked of it.
	asked netsonde.CheckParameters
	// source is the local address, invalid if any will do.
	source netip.Addr
	// phase is when the running phase began.
	phase time.Time
	// answered is set once conn has been read from.
	answered bool
}

// endPhase begins the next phase and returns how long the last one took.
func (x *exchange) endPhase() time.Duration {
	now := time.Now()
	took := now.Sub(x.phase)
	x.phase = now
	return took
}

// receive feeds what arrives to feed until feed is done. It returns why it
// ended before that, nil if it did not.
func (x *exchange) receive(feed func([]byte) (done bool)) error {
	buffer := make([]byte, 2048)
	for {
		n, err := x.conn.Read(buffer)
		if n > 0 {
			if !x.answered {
				x.answered = true
				x.service.Phases.FirstByte = x.endPhase()
				x.service.RTT = x.phase.Sub(x.service.Started)
			}
			if feed(buffer[:n]) {
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// fail notes that the service did not speak its protocol because of err.
func (x *exchange) fail(ctx context.Context, err error) {
	x.end(ctx, err, x.answered)
}

// end is fail where more is known of whether the server has said something.
func (x *exchange) end(ctx context.Context, err error, answered bool) {
	x.service.State, x.service.Reason = conversationFailure(ctx, err, answered)
	if isTimeout(err) && x.transport.turnaround.unserved(ctx, x.service.Started) {
		x.service.State, x.service.Reason = netsonde.ServiceStalled, unserved
	}
}

// refuse notes that the service spoke its protocol but said something else
// than was wanted of it.
func (x *exchange) refuse(reason string) {
	x.service.State, x.service.Reason = netsonde.ServiceWrongAnswer, truncate(reason)
}

// conversationFailure says what an error means that came after the connection
// had been accepted. answered tells that the server had said something.
func conversationFailure(ctx context.Context, err error, answered bool) (netsonde.ServiceState, string) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return netsonde.ServiceFailed, cancelled
	case errors.Is(err, io.EOF) && !answered:
		return netsonde.ServiceWrongProtocol, "connection closed without data"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return netsonde.ServiceWrongProtocol, "connection closed in the middle of the answer"
	default:
		return netsonde.ServiceWrongProtocol, reason(err)
	}
}

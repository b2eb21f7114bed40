package socket

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// readRounds bounds how often one ReadBatch looks at the sockets, so that a
// flood of packets that answer nothing cannot keep the caller from sending.
const readRounds = 64

// method is one way to measure.
type method interface {
	capabilities() packet.Capabilities
	// sockets are those that are waited for, and whose drops count.
	sockets() []*datagram
	// senders are the sockets whose departures may be stamped.
	senders() []*datagram
	// socket returns the socket that a probe leaves by, nil if there is none
	// for its family and protocol.
	socket(p *packet.Probe) *datagram
	// compose appends a probe to the batch or says why that cannot be.
	compose(o *outgoing, p *packet.Probe, now netsonde.Instant) syscall.Errno
	// narrowed takes note of a probe that may be cut and that a link of ours had
	// no room for. It reports whether the probe is cut when it is sent again.
	narrowed(p *packet.Probe) bool
	// interpret turns a message into the reply that it may be.
	interpret(d *datagram, m *message) (packet.Reply, bool)
	close() error
}

// Connection is one set of sockets of both families. All methods but Wake and
// Close are for one goroutine. Several connections, of one process or of many,
// do not see each other's answers.
type Connection struct {
	origin time.Time
	method method
	// attempts are the TCP connections under way, nil where the method has none.
	attempts *attempts
	out      outgoing
	in       *incoming
	// message is the one being interpreted; on the stack it would escape.
	message message
	sockets []*datagram
	// senders are the method's.
	senders []*datagram
	// leaving reads the sockets that only send, departures keeps what it read.
	leaving    *leaving
	departures departures
	// answered stands for the probe of a reply, to find the socket that it left by.
	answered packet.Probe
	// stamps are the best that samples may have.
	stamps netsonde.Stamps
	// polled are the wake-up, the sockets and, if there are any, the attempts.
	polled []unix.PollFd
	first  int
	empty  netsonde.Instant
	batch  int
	// datagrams tells that the method has identities for UDP.
	datagrams bool
	rest      rest

	wakeup wakeup
	// using keeps Close from taking the sockets away under a read.
	using  sync.Mutex
	closed atomic.Bool
}

func newConnection(origin time.Time, m method, tcp *attempts) (*Connection, error) {
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wake-up event: %w", err)
	}
	c := &Connection{
		origin:   origin,
		method:   m,
		attempts: tcp,
		in:       newIncoming(),
		sockets:  m.sockets(),
		senders:  m.senders(),
		leaving:  newLeaving(),
		wakeup:   wakeup{fd: event},
		batch:    sendBatch,

		departures: newDepartures(m.capabilities()),
		datagrams:  len(m.capabilities().UDP) > 0,
	}
	c.polled = append(c.polled, unix.PollFd{Fd: int32(event), Events: unix.POLLIN})
	for _, d := range c.sockets {
		c.polled = append(c.polled, unix.PollFd{Fd: int32(d.fd), Events: unix.POLLIN})
	}
	if tcp != nil {
		c.polled = append(c.polled, unix.PollFd{Fd: int32(tcp.epoll), Events: unix.POLLIN})
		if tcp.beside {
			// A connection attempt is stamped with the datagram before it.
			c.batch = 1
		}
	}
	return c, nil
}

// Now reads both clocks. Monotonic counts from Options.Origin.
func (c *Connection) Now() netsonde.Instant {
	now := time.Now()
	return netsonde.Instant{Monotonic: now.Sub(c.origin), Real: now.UnixNano()}
}

// Capabilities says what the connection can do, and why not more.
func (c *Connection) Capabilities() packet.Capabilities {
	can := c.method.capabilities()
	can.Stamps = c.stamps
	return can
}

// WriteBatch sends the probes in order and fills in Sent and Errno of each. A
// family that this machine has not gives EAFNOSUPPORT, a protocol that the
// connection has not EPROTONOSUPPORT, a full queue ENOBUFS, and a probe that may
// not be cut and is too large for its link EMSGSIZE.
// The error is net.ErrClosed or nil.
func (c *Connection) WriteBatch(probes []packet.Probe) error {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return net.ErrClosed
	}
	c.rest.note(len(probes))
	c.write(probes)
	for i := range probes {
		p := &probes[i]
		if p.Errno == unix.EMSGSIZE && !p.DontFragment && c.method.narrowed(p) {
			c.write(probes[i : i+1])
		}
	}
	return nil
}

func (c *Connection) write(probes []packet.Probe) {
	now := c.Now()
	var current *datagram
	var last *packet.Probe
	for i := range probes {
		p := &probes[i]
		if p.Protocol == packet.TCP && c.attempts != nil {
			c.attempt(p)
			continue
		}
		d := c.method.socket(p)
		if c.out.n > 0 && (d != current || !c.out.takes(p, c.batch)) {
			c.flush(current, last)
		}
		errno := addressable(p)
		if d == nil {
			errno = c.unsent(p)
		}
		if errno == 0 {
			c.out.numbered, c.out.headed, c.out.declared = d.numbers(), d.headed, d.declared
			errno = c.method.compose(&c.out, p, now)
		}
		if errno != 0 {
			p.Sent, p.Errno = c.Now(), errno
			continue
		}
		current, last = d, p
	}
	if c.out.n > 0 {
		c.flush(current, last)
	}
}

// attempt sends a TCP probe as a connection attempt.
func (c *Connection) attempt(p *packet.Probe) {
	if p.Errno = addressable(p); p.Errno != 0 {
		p.Sent = c.Now()
		return
	}
	p.Errno = c.attempts.begin(p, c.Now)
}

// unsent says why there is no socket for a probe.
func (c *Connection) unsent(p *packet.Probe) syscall.Errno {
	if p.Protocol == packet.UDP && !c.datagrams || p.Protocol > packet.TCP {
		return unix.EPROTONOSUPPORT
	}
	return unix.EAFNOSUPPORT
}

// addressable tells whether a probe has a destination, and a source of the
// same family if it has one.
func addressable(p *packet.Probe) syscall.Errno {
	if !p.Destination.IsValid() || p.Source.IsValid() && p.Source.Is4() != p.Destination.Is4() {
		return unix.EINVAL
	}
	return 0
}

func (c *Connection) flush(d *datagram, last *packet.Probe) {
	c.out.send(d, c.Now)
	if d.sendsOnly && d.unread >= unreadStamps {
		c.readStamps(d)
	}
	if c.attempts != nil && c.attempts.beside && last.TTL == 0 {
		c.attempts.start(last, c.Now)
	}
}

// ReadBatch fills replies with what has arrived, waiting for it until the
// monotonic time until or a Wake. Fewer replies than fit mean that the sockets
// were read empty at empty; with as many as fit, empty is an earlier such
// moment. The error is net.ErrClosed, or that of a broken socket, and final.
func (c *Connection) ReadBatch(replies []packet.Reply, until time.Duration) (n int, empty netsonde.Instant, err error) {
	c.using.Lock()
	defer c.using.Unlock()
	if c.mayRest() {
		sleep(c.rest.length(c.Now().Monotonic, until))
	}
	defer func() { c.rest.note(n) }()
	woken := false
	for round := 0; round < readRounds && n < len(replies); {
		if c.closed.Load() {
			return n, c.empty, net.ErrClosed
		}
		if c.attempts != nil {
			n += c.attempts.take(replies[n:], c.Now())
		}
		now := c.Now()
		wait := until - now.Monotonic
		if n > 0 || woken || wait < 0 {
			wait = 0
		}
		ready, errno := poll(c.polled, wait)
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return n, c.empty, fmt.Errorf("wait for answers: %w", errno)
		case ready == 0 && wait == 0:
			c.empty = now
			return n, c.empty, nil
		case ready == 0:
			// The deadline has come. Only a look after it tells that nothing was there then.
			continue
		}
		round++
		if c.polled[0].Revents != 0 {
			c.wakeup.reset()
			woken = true
		}
		got, err := c.readReady(replies[n:])
		n += got
		if err != nil {
			return n, c.empty, err
		}
	}
	return n, c.empty, nil
}

// mayRest reports whether RTTs stay what they are though answers are read late.
func (c *Connection) mayRest() bool {
	return c.stamps == netsonde.StampsKernel || c.stamps == netsonde.StampsKernelReceive
}

// Rest is how long the connection sleeps at present before it looks for answers,
// 0 when it does not: so few packets go through it that each is worth a look.
func (c *Connection) Rest() time.Duration {
	if c.rest.busy && c.mayRest() {
		return restTime
	}
	return 0
}

// readReady reads the sockets that the last poll named, beginning with another
// one each time so that none starves.
func (c *Connection) readReady(replies []packet.Reply) (n int, err error) {
	c.first++
	for i := range c.sockets {
		index := (c.first + i) % len(c.sockets)
		events := c.polled[1+index].Revents
		if events == 0 {
			continue
		}
		d := c.sockets[index]
		queued := false
		if events&unix.POLLERR != 0 {
			var got int
			if got, queued, err = c.readQueue(d, replies[n:]); err != nil {
				return n, err
			}
			n += got
		}
		if queued && events&unix.POLLIN == 0 {
			continue
		}
		// Without data too: the read takes an error that stands outside the
		// queue and would wake the poll for ever.
		got, _, err := c.read(d, replies[n:], 0)
		n += got
		if err != nil {
			return n, err
		}
	}
	return c.date(replies, n)
}

// read reads one socket, or its error queue, at most one batch. taken is how
// many messages that were, replies or not.
func (c *Connection) read(d *datagram, replies []packet.Reply, flags int) (n, taken int, err error) {
	if len(replies) == 0 {
		return 0, 0, nil
	}
	got, err := c.in.receive(d, len(replies), flags)
	if err != nil {
		return 0, 0, fmt.Errorf("read answers: %w", err)
	}
	now := c.Now()
	for i := range got {
		if !c.in.message(i, &c.message) {
			continue
		}
		if c.message.left {
			c.left(d, c.message.ancillary)
			continue
		}
		reply, ok := c.method.interpret(d, &c.message)
		if !ok {
			continue
		}
		reply.Stamp, reply.Read = c.message.stamp, now
		replies[n] = reply
		n++
	}
	return n, got, nil
}

// Overruns counts the packets that the sockets' receive buffers have dropped
// so far. It asks the kernel, because the counter that comes with packets
// (SO_RXQ_OVFL) says nothing until another packet fits.
func (c *Connection) Overruns() (total uint64) {
	c.using.Lock()
	defer c.using.Unlock()
	if c.closed.Load() {
		return 0
	}
	for _, d := range c.sockets {
		total += uint64(drops(d.fd))
	}
	return total
}

// Wake makes a ReadBatch that waits, or the next one, return at once. Any
// goroutine may call it, also after Close.
func (c *Connection) Wake() { c.wakeup.signal() }

// Close frees the sockets and what they reserved. A ReadBatch that waits
// returns net.ErrClosed. A second Close does nothing.
func (c *Connection) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.wakeup.signal()
	c.using.Lock()
	defer c.using.Unlock()
	err := c.method.close()
	if c.attempts != nil {
		err = errors.Join(err, c.attempts.close())
	}
	return errors.Join(err, c.wakeup.close())
}

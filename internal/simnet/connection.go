package simnet

import (
	"container/heap"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// The largest payloads of an echo: 65,535 bytes in all less the headers, which
// IPv6 does not count its own among.
const (
	largestPayload4 = 65535 - ipv4HeaderSize - icmpHeaderSize
	largestPayload6 = 65535 - icmpHeaderSize
)

// errClosed tells that a connection is used after Close.
var errClosed = errors.New("simulated connection is closed")

// Options are what a connection can do and how it fails. Identities must be
// its own among the connections of a network.
type Options struct {
	packet.Capabilities
	// Buffer is how many packets wait to be read before more are dropped; 0 is
	// no bound.
	Buffer int
	// MTU is the size of the largest datagram, IP header included, that the
	// client's own links take whole; 0 is no bound.
	MTU int
	// SendError says how the send of a probe fails, 0 if it does not; nil
	// means never. It is called by the goroutine that writes.
	SendError func(p *packet.Probe) syscall.Errno
	// Swallow reports whether the client loses a probe that it has taken without
	// a word, and whether that was before the device stamped it; nil means never.
	// It is called by the goroutine that writes.
	Swallow func(p *packet.Probe) (lost, stamped bool)
}

// Connection is a set of sockets of the client. Its methods follow the
// contract of the agent's interface of that name.
type Connection struct {
	network *Network
	options Options
	// wake and arrived hold a token each: wake for the caller's Wake, arrived
	// for what comes uncalled while ReadBatch waits.
	wake, arrived chan struct{}

	// The rest belongs to network.mu.
	chance *rand.Rand
	coming arrivals
	// order tells arrivals of one moment apart.
	order uint64
	// buffer is what has come and has not been read.
	buffer   []packet.Reply
	overruns uint64
	failure  error
	// left are when packets left, where the capabilities have stamps of that.
	left map[probeName]int64
}

// probeName is what an answer says of the probe that it is for.
type probeName struct {
	protocol           packet.Protocol
	identity, sequence uint16
}

// Connect opens a connection of the client.
func (n *Network) Connect(options Options) *Connection {
	c := &Connection{
		network: n,
		options: options,
		wake:    make(chan struct{}, 1),
		arrived: make(chan struct{}, 1),
		left:    make(map[probeName]int64),
	}
	n.connect(c)
	return c
}

// Now reads both clocks.
func (c *Connection) Now() netsonde.Instant {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	return c.network.clock.now()
}

// Capabilities are those of the options.
func (c *Connection) Capabilities() packet.Capabilities { return c.options.Capabilities }

// Fail makes every further read and write return err, which is final.
func (c *Connection) Fail(err error) {
	c.network.mu.Lock()
	c.failure = err
	c.network.mu.Unlock()
	c.Wake()
}

// Close ends the connection.
func (c *Connection) Close() error {
	c.network.disconnect(c)
	c.Fail(errClosed)
	return nil
}

// Wake makes a ReadBatch that waits, or the next one, return at once.
func (c *Connection) Wake() { signal(c.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Rest is 0: in simulated time nothing is gained by waiting.
func (c *Connection) Rest() time.Duration { return 0 }

// Overruns counts the packets that found the buffer full.
func (c *Connection) Overruns() uint64 {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.receive(c.network.clock.now().Monotonic)
	return c.overruns
}

// Corrupt is 0: the network breaks nothing.
func (c *Connection) Corrupt() uint64 { return 0 }

// Departed tells whether a probe has a stamp, and which.
func (c *Connection) Departed(protocol packet.Protocol, identity, sequence uint16, since int64) (d packet.Departure, at int64) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	left := c.left[probeName{protocol, identity, sequence}]
	switch {
	case c.options.Stamps != netsonde.StampsKernel:
		return packet.DepartureUnknown, 0
	case left < since:
		return packet.NotDeparted, 0
	default:
		return packet.HasDeparted, left
	}
}

// ReadBatch reads what has come, or waits for it.
func (c *Connection) ReadBatch(replies []packet.Reply, until time.Duration) (n int, empty netsonde.Instant, err error) {
	for {
		c.standStill()
		n, empty, next, err := c.read(replies)
		if n > 0 || err != nil || until <= empty.Monotonic {
			return n, empty, err
		}
		timer := time.NewTimer(min(next, until) - empty.Monotonic)
		select {
		case <-c.wake:
			timer.Stop()
			c.standStill()
			n, empty, _, err := c.read(replies)
			return n, empty, err
		case <-c.arrived:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// standStill waits while the process is paused.
func (c *Connection) standStill() {
	for {
		c.network.mu.Lock()
		left := c.network.pausedUntil - c.network.clock.now().Monotonic
		c.network.mu.Unlock()
		if left <= 0 {
			return
		}
		time.Sleep(left)
	}
}

// read takes what has come. next is when more comes as far as is known.
func (c *Connection) read(replies []packet.Reply) (n int, now netsonde.Instant, next time.Duration, err error) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	now = c.network.clock.now()
	c.receive(now.Monotonic)
	n = copy(replies, c.buffer)
	c.buffer = c.buffer[n:]
	for i := range replies[:n] {
		replies[i].Read = now
	}
	next = 1<<63 - 1
	if len(c.coming) > 0 {
		next = c.coming[0].at
	}
	return n, now, next, c.failure
}

// receive moves what has come by now into the buffer, in order.
func (c *Connection) receive(now time.Duration) {
	for len(c.coming) > 0 && c.coming[0].at <= now {
		arrival := heap.Pop(&c.coming).(arrival)
		if c.options.Buffer > 0 && len(c.buffer) >= c.options.Buffer {
			c.overruns++
			continue
		}
		r := &arrival.reply
		r.Stamp = c.network.clock.at(arrival.at).Real
		r.Left = c.left[probeName{r.Protocol, r.Identity, r.Sequence}]
		c.buffer = append(c.buffer, arrival.reply)
	}
}

// WriteBatch sends the probes.
func (c *Connection) WriteBatch(probes []packet.Probe) error {
	c.standStill()
	for i := range probes {
		p := &probes[i]
		p.Errno = 0
		if c.options.SendError != nil {
			p.Errno = c.options.SendError(p)
		}
		if err := c.write(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *Connection) write(p *packet.Probe) error {
	n := c.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	p.Sent = n.clock.now()
	probe := *p
	probe.Destination = p.Destination.Unmap().WithZone("")
	if !probe.Source.IsValid() {
		probe.Source = n.client.address(probe.Destination)
	}
	if p.Errno == 0 {
		p.Errno = n.refusal(&probe)
	}
	d := newProbeDatagram(&probe)
	if p.Errno == 0 && p.DontFragment && c.options.MTU > 0 && len(d.bytes) > c.options.MTU {
		p.Errno = syscall.EMSGSIZE
	}
	if p.Errno != 0 {
		return nil
	}
	swallowed, stamped := false, true
	if c.options.Swallow != nil {
		if swallowed, stamped = c.options.Swallow(p); !swallowed {
			stamped = true
		}
	}
	if c.options.Stamps == netsonde.StampsKernel && stamped {
		c.left[probeName{p.Protocol, p.Identity, p.Sequence}] = p.Sent.Real
	}
	if swallowed {
		return nil
	}
	account := n.account(probe.Destination)
	account.Sent++
	answered := false
	j := journey{network: n, chance: c.chance, back: func(at time.Duration, d datagram) {
		if n.deliver(at, d) && !answered {
			answered = true
			account.Answered++
		}
	}}
	j.step(p.Sent.Monotonic, n.client, d, true)
	return nil
}

// refusal is how the client's own kernel refuses to send, 0 if it does not.
func (n *Network) refusal(p *packet.Probe) syscall.Errno {
	largest := largestPayload6
	if p.Destination.Is4() {
		largest = largestPayload4
	}
	owner, _ := n.owner(p.Destination)
	switch {
	case p.Size > largest:
		return syscall.EMSGSIZE
	case !p.Source.IsValid(), owner == nil,
		owner != n.client && len(n.way(n.client, owner)) == 0:
		return syscall.ENETUNREACH
	default:
		return 0
	}
}

// Inject has a packet of somebody else arrive at the client now, as a raw
// socket would deliver it: an IPv4 or IPv6 datagram, well-formed or not.
func (n *Network) Inject(raw []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := datagram{bytes: raw}
	if header, _, err := packet.ParseIPv4(raw); err == nil {
		d.source, d.destination = header.Source, header.Destination
	} else if header, _, err := packet.ParseIPv6(raw); err == nil {
		d.source, d.destination = header.Source, header.Destination
	} else {
		return
	}
	n.deliver(n.clock.now().Monotonic, d)
}

// deliver has a packet parsed and put before the connections whose identity
// it names, as a filter on each socket would. It reports whether one took it.
func (n *Network) deliver(at time.Duration, d datagram) (taken bool) {
	reply, err := parse(d)
	if err != nil {
		return false
	}
	for _, c := range n.connections {
		if c == nil || !c.wants(&reply) {
			continue
		}
		c.order++
		heap.Push(&c.coming, arrival{at: at, order: c.order, reply: reply})
		signal(c.arrived)
		taken = true
	}
	return taken
}

func parse(d datagram) (packet.Reply, error) {
	var reply packet.Reply
	var err error
	if d.source.Is4() {
		var header packet.IPv4
		var payload []byte
		if header, payload, err = packet.ParseIPv4(d.bytes); err == nil {
			if header.Protocol == packet.ProtocolNumberTCP {
				reply, err = packet.ParseTCP(payload, d.source)
			} else {
				reply, err = packet.ParseICMP4(payload, d.source)
			}
		}
	} else {
		var header packet.IPv6
		var payload []byte
		if header, payload, err = packet.ParseIPv6(d.bytes); err == nil {
			if header.NextHeader == packet.ProtocolNumberTCP {
				reply, err = packet.ParseTCP(payload, d.source)
			} else {
				reply, err = packet.ParseICMP6(payload, d.source)
			}
		}
	}
	reply.TTL = *d.ttl()
	return reply, err
}

func (c *Connection) wants(r *packet.Reply) bool {
	identities := c.options.ICMP
	switch r.Protocol {
	case packet.UDP:
		identities = c.options.UDP
	case packet.TCP:
		identities = c.options.TCP()
	case packet.Echo:
	}
	return slices.Contains(identities, r.Identity)
}

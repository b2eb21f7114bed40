package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// Kind is a way to measure.
type Kind uint8

// The kinds, the best first.
const (
	// KindBest takes the best that the process may use.
	KindBest Kind = iota
	// KindRaw are raw sockets. They need CAP_NET_RAW.
	KindRaw
	// KindPing are unprivileged ICMP sockets. They need the process's group in
	// the system setting net.ipv4.ping_group_range, which root needs as well.
	KindPing
	// KindPort needs no rights: UDP to a closed port, and TCP connect.
	KindPort
	// KindNothing has no sockets and sends nothing: a clock and a wait for those
	// who only check services. It needs no time to be opened.
	KindNothing
)

// Options say how a connection is opened.
type Options struct {
	// Kind is the kind to open, and no other, unless it is KindBest.
	Kind Kind
	// Origin is where monotonic time counts from: a time.Now of this process,
	// the same for all connections of the process.
	Origin time.Time
	// ReceiveOnly leaves out the kernel's stamps of what leaves, which cost
	// processor time: RTTs then begin with our own reading before the send.
	ReceiveOnly bool
	// EchoOnly is for those who send nothing but echoes: raw sockets then take
	// no source ports, which are most of the work of opening them. Datagrams
	// and SYNs fail.
	EchoOnly bool
	// Unstamped does without the kernel's stamps, and so without waiting for the
	// first of them: for a few echoes that matter only as answered or not.
	Unstamped bool
	// counted has messages bear no numbers, as on kernels before 6.13.
	counted bool
}

// Open opens the sockets, in the network namespace of the calling thread. It
// takes some milliseconds, in which it sends echoes to this machine itself: the
// kernel stamps nothing in the first moments. On a kernel that never stamps, or
// is starved, they are at most a second. Close must be called at the end.
//
// A family that the machine has not is no error: sends to it fail. The error,
// wrapping the system's, tells that no socket of the kind could be had.
func Open(options Options) (*Connection, error) {
	if options.Origin.IsZero() {
		return nil, errors.New("open sockets: no origin of monotonic time is given")
	}
	switch options.Kind {
	case KindBest:
		return openBest(options)
	case KindRaw:
		method, err := openRaw(options.EchoOnly)
		if err != nil {
			return nil, fmt.Errorf("open raw sockets (they need CAP_NET_RAW): %w", err)
		}
		return start(options, method, nil)
	case KindPing:
		return openPingConnection(options, "")
	case KindPort:
		return openPortConnection(options, "")
	case KindNothing:
		c, err := newConnection(options.Origin, nothing{}, nil)
		if err != nil {
			return nil, fmt.Errorf("open nothing: %w", err)
		}
		return c, nil
	default:
		return nil, fmt.Errorf("open sockets: there is no kind %d", options.Kind)
	}
}

func openBest(options Options) (*Connection, error) {
	method, rawErr := openRaw(options.EchoOnly)
	if rawErr == nil {
		return start(options, method, nil)
	}
	shortfall := fmt.Sprintf("no raw sockets (%v): grant CAP_NET_RAW for UDP traces, and for TCP traces that are one flow", rawErr)
	c, pingErr := openPingConnection(options, shortfall)
	if pingErr == nil {
		return c, nil
	}
	shortfall = fmt.Sprintf("no ICMP: neither raw sockets (%v) nor ping sockets (%v): "+
		"grant CAP_NET_RAW, or set net.ipv4.ping_group_range to \"0 2147483647\"", rawErr, errors.Unwrap(pingErr))
	c, err := openPortConnection(options, shortfall)
	if err != nil {
		return nil, errors.Join(rawErr, pingErr, err)
	}
	return c, nil
}

func openPingConnection(options Options, shortfall string) (*Connection, error) {
	method, err := openPing()
	if err != nil {
		return nil, fmt.Errorf("open ping sockets (they need net.ipv4.ping_group_range): %w", err)
	}
	method.shortfall = shortfall
	tcp, err := openAttempts(false)
	if err != nil {
		return nil, errors.Join(err, method.close())
	}
	return start(options, method, tcp)
}

func openPortConnection(options Options, shortfall string) (*Connection, error) {
	method, err := openPort()
	if err != nil {
		return nil, fmt.Errorf("open UDP sockets: %w", err)
	}
	method.shortfall = shortfall
	tcp, err := openAttempts(true)
	if err != nil {
		return nil, errors.Join(err, method.close())
	}
	return start(options, method, tcp)
}

// start makes a connection of open sockets, or closes them.
func start(options Options, m method, tcp *attempts) (*Connection, error) {
	c, err := newConnection(options.Origin, m, tcp)
	if err != nil {
		err = errors.Join(err, m.close())
		if tcp != nil {
			err = errors.Join(err, tcp.close())
		}
		return nil, fmt.Errorf("open sockets: %w", err)
	}
	if options.Unstamped {
		c.stamps = netsonde.StampsUser
		return c, nil
	}
	if !options.ReceiveOnly {
		for _, d := range c.senders {
			d.reportDepartures()
		}
		if options.counted {
			c.countDepartures()
		}
	}
	if err := c.awaitStamps(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.stamps == netsonde.StampsKernel && c.batch == sendBatch {
		c.batch = stampedBatch
	}
	return c, nil
}

// stampPatience is how long the first stamp is waited for after the last sign
// that it may come, and stampLimit how long in all. The kernel begins to stamp
// by a work item of its own, which a busy machine runs when it can.
//
// stampPause is from one echo to the next. The programs that run for a moment
// wait for it too.
const (
	stampPatience = 20 * time.Millisecond
	stampLimit    = time.Second
	stampPause    = 200 * time.Microsecond
)

// awaitStamps echoes off this machine until the kernel stamps arrivals: it
// begins to do so some milliseconds after it is asked. An answer without a
// stamp tells that it has not begun. Where nothing comes back, as with the
// loopback down, there is nothing to wait for. It learns what stamps there are.
func (c *Connection) awaitStamps() error {
	start := c.Now().Monotonic
	// Answers that come too late hold the token 0, which is no probe's.
	var replies [receiveBatch]packet.Reply
	end := start + stampPatience
	c.assumeStamps()
	for sequence := uint16(0); c.Now().Monotonic < end; sequence++ {
		probe := [1]packet.Probe{{
			Destination: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
			Identity:    c.Capabilities().ICMP[0],
			Sequence:    sequence,
			Size:        portPayload,
		}}
		if err := c.WriteBatch(probe[:]); err != nil {
			return err
		}
		if probe[0].Errno == unix.EINVAL && c.countDepartures() {
			continue
		}
		if probe[0].Errno != 0 {
			return nil
		}
		for pause := c.Now().Monotonic + stampPause; c.Now().Monotonic < pause; {
			n, _, err := c.ReadBatch(replies[:], pause)
			if err != nil {
				return err
			}
			for _, reply := range replies[:n] {
				switch {
				case reply.Stamp != 0 && reply.Left != 0:
					c.stamps = netsonde.StampsKernel
					return nil
				case reply.Stamp != 0:
					c.stamps = netsonde.StampsKernelReceive
					return nil
				case reply.Method != netsonde.MethodTCP: // those never have one
					c.stamps = netsonde.StampsUser
					end = min(c.Now().Monotonic+stampPatience, start+stampLimit)
				}
			}
		}
	}
	return nil
}

// assumeStamps is what holds if no answer tells better: what the kernel has
// agreed to.
func (c *Connection) assumeStamps() {
	c.stamps = netsonde.StampsKernelReceive
	for _, d := range c.senders {
		if d.stamped {
			c.stamps = netsonde.StampsKernel
		}
	}
}

// countDepartures is for kernels that refuse a message with a number, those
// before 6.13. It reports whether anything had one.
func (c *Connection) countDepartures() (had bool) {
	for _, d := range c.senders {
		if d.numbers() {
			d.countDepartures()
			had = true
		}
	}
	return had
}

package socket

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// raw measures with raw ICMP, UDP and TCP sockets. All ICMP, errors about our
// datagrams and segments included, comes in through one ICMP socket a family,
// and what accepts or refuses a SYN through that of TCP. Echoes and datagrams
// leave by sockets that only send: the stamps of what leaves then neither take
// the room of answers nor end a wait for them.
type raw struct {
	icmp      [2]*datagram // IPv4 and IPv6; nil for a family that is missing
	echo, udp [2]*datagram
	headed    *headed
	tcp       [2]*datagram
	block     *reservation
	ports     []uint16
	held      []*datagram
	sources   *sources
	// corrupt counts answers to us with a wrong checksum.
	corrupt atomic.Uint64
	zones   zones
}

// openRaw needs CAP_NET_RAW. A family that cannot be opened is left out; with
// none left the error is that of IPv4. echoOnly opens only what echoes need.
func openRaw(echoOnly bool) (r *raw, err error) {
	r = &raw{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
			r = nil
		}
	}()
	// The rights first, so that a refusal costs nothing.
	r.icmp[0], err = openDatagram(false, unix.SOCK_RAW, unix.IPPROTO_ICMP, dropAll())
	var err6 error
	r.icmp[1], err6 = openDatagram(true, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, dropAll())
	if err != nil && err6 != nil {
		return r, err
	}
	for _, d := range present(r.icmp[:]) {
		// Now, since the kernel begins to stamp a while after it is asked.
		if err = d.prepareToReceive(); err != nil {
			return r, err
		}
	}
	if r.block, err = reserveBlock(); err != nil {
		return r, err
	}
	for range tracePorts {
		if echoOnly {
			break
		}
		port, held, err := reservePort()
		if err != nil {
			return r, err
		}
		r.ports, r.held = append(r.ports, port), append(r.held, held...)
	}
	r.sources = openSources()
	for i, d := range r.icmp {
		if d == nil {
			continue
		}
		if err = r.setUp(d); err != nil {
			return r, err
		}
		protocol := unix.IPPROTO_ICMP
		if d.six {
			protocol = unix.IPPROTO_ICMPV6
		}
		if r.echo[i], err = openSender(d.six, protocol); err != nil {
			return r, err
		}
		// The kernel copies every ICMP error of this machine to it, its own
		// traces' included; small echoes leave otherwise.
		r.echo[i].sleep()
		if !d.six {
			if r.headed, err = openHeaded(); err != nil {
				return r, err
			}
		}
		if echoOnly {
			continue
		}
		if r.udp[i], err = openSender(d.six, unix.IPPROTO_UDP); err != nil {
			return r, err
		}
		r.udp[i].protocol = packet.UDP
		if r.tcp[i], err = openSegments(d.six, r.ports); err != nil {
			return r, err
		}
	}
	return r, nil
}

// openSender opens a socket that takes in nothing.
func openSender(six bool, protocol int) (*datagram, error) {
	d, err := openDatagram(six, unix.SOCK_RAW, protocol, dropAll())
	if err != nil {
		return nil, fmt.Errorf("raw socket: %w", err)
	}
	if err = d.prepareToSend(); err == nil && (protocol == unix.IPPROTO_ICMP || protocol == unix.IPPROTO_ICMPV6) {
		err = passTypes(d)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (r *raw) setUp(d *datagram) error {
	filter, wanted := filter4, wantedTypes4
	if d.six {
		filter, wanted = filter6, wantedTypes6
	}
	if err := passTypes(d, wanted()...); err != nil {
		return err
	}
	// Swapped for the filter that has dropped everything up to now.
	return attach(d.fd, filter(r.block.block, r.ports))
}

// icmpFilter is the option of raw sockets that names the ICMP types which are
// not wanted (raw(7)). The x/sys module does not know it.
const icmpFilter = 1

// wantedTypes4 are those of answers and errors.
func wantedTypes4() []int {
	return []int{icmp4EchoReply, icmp4Unreachable, icmp4TimeExceeded, icmp4Parameter}
}

func wantedTypes6() []int {
	return []int{icmp6Unreachable, icmp6TooBig, icmp6TimeExceeded, icmp6Parameter, icmp6EchoReply}
}

// passTypes has the kernel drop all other ICMP types before it makes a copy for
// the filter: other programs' requests, our own on the loopback, and neighbour
// discovery (RFC 3542, section 3.2).
func passTypes(d *datagram, wanted ...int) error {
	if !d.six {
		blocked := ^uint32(0)
		for _, kind := range wanted {
			blocked &^= 1 << kind
		}
		if err := unix.SetsockoptInt(d.fd, unix.SOL_RAW, icmpFilter, int(int32(blocked))); err != nil {
			return fmt.Errorf("ICMP type filter: %w", err)
		}
		return nil
	}
	var filter unix.ICMPv6Filter
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0) // a set bit blocks
	}
	for _, kind := range wanted {
		filter.Data[kind/32] &^= 1 << (kind % 32)
	}
	if err := unix.SetsockoptICMPv6Filter(d.fd, unix.SOL_ICMPV6, unix.ICMPV6_FILTER, &filter); err != nil {
		return fmt.Errorf("ICMPv6 type filter: %w", err)
	}
	return nil
}

func (r *raw) capabilities() packet.Capabilities {
	return packet.Capabilities{
		ICMP:        r.block.identities(),
		UDP:         r.ports,
		Trace:       true,
		TCPFlows:    true,
		Description: "raw ICMP sockets",
	}
}

func (r *raw) sockets() []*datagram { return present(r.icmp[:], r.tcp[:]) }

func (r *raw) senders() []*datagram {
	all := present(r.echo[:], r.udp[:])
	if r.headed != nil {
		all = append(all, r.headed.datagram)
	}
	return all
}

func (r *raw) socket(p *packet.Probe) *datagram {
	place := family(p.Destination)
	switch p.Protocol {
	case packet.UDP:
		return r.udp[place]
	case packet.TCP:
		return r.tcp[place]
	default:
		if r.headed.takes(p) {
			return r.headed.datagram
		}
		return r.echo[place]
	}
}

func (r *raw) compose(o *outgoing, p *packet.Probe, now netsonde.Instant) syscall.Errno {
	scope, errno := r.zones.scope(p.Destination)
	if errno != 0 {
		return errno
	}
	if p.Protocol == packet.Echo {
		payload := o.payload
		if r.headed.takes(p) {
			payload = r.headed.appendHeader(payload, p)
		} else if errno := r.echo[family(p.Destination)].wake(); errno != 0 {
			return errno
		}
		o.grow(p, packet.AppendEcho(payload, p), p.Destination, 0, scope, p.Source)
		return 0
	}
	sourced := *p
	if !sourced.Source.IsValid() {
		if sourced.Source, errno = r.sources.lookup(p.Destination, scope, now.Monotonic); errno != 0 {
			return errno
		}
	}
	payload := o.payload
	if p.Protocol == packet.TCP {
		if errno := r.tcp[family(p.Destination)].wake(); errno != 0 {
			return errno
		}
		payload = packet.AppendTCP(payload, &sourced)
	} else {
		payload = packet.AppendUDP(payload, &sourced)
	}
	// The checksum covers the source: it must be the one that the packet bears.
	o.grow(p, payload, p.Destination, 0, scope, sourced.Source)
	return 0
}

func (r *raw) narrowed(p *packet.Probe) bool { return r.headed.narrowed(p) }

func (r *raw) interpret(d *datagram, m *message) (packet.Reply, bool) {
	if m.failed {
		return packet.Reply{}, false // it comes as a packet too
	}
	parse4, parse6 := packet.ParseICMP4, packet.ParseICMP6
	if d != r.icmp[0] && d != r.icmp[1] {
		parse4, parse6 = packet.ParseTCP, packet.ParseTCP
	}
	var reply packet.Reply
	var err error
	ttl := m.ttl
	if d.six {
		reply, err = parse6(m.data, r.zones.restore(m.from, m.scope))
		reply.Destination = r.zones.restore(reply.Destination, m.scope)
	} else {
		var header packet.IPv4
		var payload []byte
		if header, payload, err = packet.ParseIPv4(m.data); err != nil {
			return packet.Reply{}, false
		}
		reply, err = parse4(payload, header.Source)
		ttl = header.TTL
	}
	if errors.Is(err, packet.ErrChecksum) {
		r.corrupt.Add(1) // the filter lets in what has our identity only
	}
	if err != nil || !r.ours(&reply) {
		return packet.Reply{}, false
	}
	reply.TTL = ttl
	return reply, true
}

// ours repeats what the filter cannot see behind extension headers.
func (r *raw) ours(reply *packet.Reply) bool {
	if reply.Protocol == packet.Echo {
		return reply.Identity&blockMask == r.block.block
	}
	for _, port := range r.ports {
		if port == reply.Identity {
			return true
		}
	}
	return false
}

func (r *raw) close() (err error) {
	err = errors.Join(closeAll(r.icmp[:]), closeAll(r.echo[:]), closeAll(r.udp[:]), closeAll(r.tcp[:]), closeAll(r.held))
	if r.headed != nil {
		err = errors.Join(err, r.headed.close())
	}
	if r.block != nil {
		err = errors.Join(err, r.block.close())
	}
	if r.sources != nil {
		err = errors.Join(err, r.sources.close())
	}
	return err
}

// present lists the sockets that there are.
func present(lists ...[]*datagram) (sockets []*datagram) {
	for _, list := range lists {
		for _, d := range list {
			if d != nil {
				sockets = append(sockets, d)
			}
		}
	}
	return sockets
}

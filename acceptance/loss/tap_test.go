package loss_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
)

const (
	echoReply   = 0
	unreachable = 3
	echoRequest = 8

	// ipHeader is the length of an IPv4 header without options.
	ipHeader = 20
	// icmpHeader is type, code, checksum and four bytes more (RFC 792).
	icmpHeader = 8

	// floodMark is the type of service of packets that fill a buffer and are no
	// answers: the tap leaves them out.
	floodMark = 0x04
	// tapBuffer holds what comes while this process waits for its turn.
	tapBuffer = 64 << 20
	// tapPause is how long a tap lets packets gather that nobody waits for. To wake a
	// reader for each packet would hold the packet up and so change what is measured.
	tapPause = 10 * time.Millisecond
)

// echo names an echo on the wire: whom it asks, its identifier and sequence.
type echo struct {
	target               netip.Addr
	identifier, sequence uint16
}

// passing is an ICMP message that passed the interface.
type passing struct {
	echo
	at   int64 // nanoseconds since the Unix epoch, by the kernel
	out  bool
	from netip.Addr
	ttl  uint8
	// kind and code are those of the message; broken tells that its checksum is
	// wrong. What an error quotes is its echo.
	kind, code uint8
	broken     bool
}

// tap sees all ICMP at an interface, both ways, from the kernel's side: what
// leaves has passed the queue of the interface, what comes in has passed nothing.
type tap struct {
	fd      int
	stop    chan struct{}
	ended   sync.WaitGroup
	mutex   sync.Mutex
	all     []passing
	last    []byte // the last good answer, from the IP header on
	request func(packet []byte)
}

// openTap starts a tap at a node's interface.
func openTap(node *lab.Node, device string) (*tap, error) {
	t := &tap{stop: make(chan struct{})}
	everything := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8 // big-endian
	err := node.Do(func() (err error) {
		if t.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		link, err := net.InterfaceByName(device)
		if err == nil {
			err = unix.Bind(t.fd, &unix.SockaddrLinklayer{Protocol: everything, Ifindex: link.Index})
		}
		return errors.Join(err,
			unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
			unix.SetsockoptInt(t.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.SetsockoptTimeval(t.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}))
	})
	if err != nil {
		return nil, fmt.Errorf("a tap at %s: %w", device, err)
	}
	t.ended.Go(t.run)
	return t, nil
}

// onRequest has f called with each echo request that leaves, while the tap runs.
func (t *tap) onRequest(f func(packet []byte)) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.request = f
}

func (t *tap) run() {
	packet, control := make([]byte, 2048), make([]byte, 128)
	for {
		select {
		case <-t.stop:
			return
		default:
		}
		flags := unix.MSG_DONTWAIT
		if t.hasty() {
			flags = 0
		}
		n, m, _, from, err := unix.Recvmsg(t.fd, packet, control, flags)
		link, ok := from.(*unix.SockaddrLinklayer)
		if err != nil || !ok { // there is nothing, or the interface is down
			if flags != 0 {
				time.Sleep(tapPause)
			}
			continue
		}
		t.take(packet[:n], control[:m], link.Pkttype == unix.PACKET_OUTGOING)
	}
}

// hasty reports whether somebody waits for each request.
func (t *tap) hasty() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.request != nil
}

func (t *tap) take(packet, control []byte, out bool) {
	p, ok := parse(packet)
	if !ok || packet[1] == floodMark {
		return
	}
	p.at, p.out = stamp(control), out
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.all = append(t.all, p)
	switch {
	case out && p.kind == echoRequest && t.request != nil:
		t.request(packet)
	case !out && p.kind == echoReply && !p.broken:
		t.last = append(t.last[:0], packet...)
	}
}

// answer is a copy of the last good answer that came in.
func (t *tap) answer() []byte {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return append([]byte(nil), t.last...)
}

// seen is what has passed so far, in order.
func (t *tap) seen() []passing {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return append([]passing(nil), t.all...)
}

// close ends the tap. It is an error if it missed anything.
func (t *tap) close() error {
	close(t.stop)
	t.ended.Wait()
	statistics, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err == nil && statistics.Drops > 0 {
		err = fmt.Errorf("the tap missed %d packets", statistics.Drops)
	}
	return errors.Join(err, unix.Close(t.fd))
}

// stamp reads the kernel's reading of the clock, in nanoseconds.
func stamp(control []byte) int64 {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return int64(binary.NativeEndian.Uint64(m.Data))*int64(time.Second) + int64(binary.NativeEndian.Uint64(m.Data[8:]))
		}
	}
	return 0
}

// parse reads an IPv4 packet with an echo, its answer, or an error about one.
func parse(packet []byte) (p passing, ok bool) {
	body, from, to := icmpOf(packet)
	if len(body) < icmpHeader {
		return p, false
	}
	p = passing{from: from, ttl: packet[8], kind: body[0], code: body[1], broken: checksum(body) != 0}
	switch p.kind {
	case echoRequest:
		p.echo = echoOf(body, to)
	case echoReply:
		p.echo = echoOf(body, from)
	default:
		quoted, _, asked := icmpOf(body[icmpHeader:])
		if len(quoted) < icmpHeader || quoted[0] != echoRequest {
			return p, p.broken
		}
		p.echo = echoOf(quoted, asked)
	}
	return p, true
}

func echoOf(body []byte, target netip.Addr) echo {
	return echo{target, binary.BigEndian.Uint16(body[4:]), binary.BigEndian.Uint16(body[6:])}
}

// icmpOf is what an IPv4 packet holds if that is ICMP.
func icmpOf(packet []byte) (body []byte, from, to netip.Addr) {
	if len(packet) < ipHeader || packet[0]>>4 != 4 || packet[9] != unix.IPPROTO_ICMP {
		return nil, from, to
	}
	header := min(int(packet[0]&0xf)*4, len(packet))
	return packet[header:], netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20]))
}

// checksum is that of RFC 1071: 0 over what holds its own.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i, one := range b {
		sum += uint32(one) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

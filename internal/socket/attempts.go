package socket

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
)

// attemptPort is the TCP port that is tried: open or closed, few firewalls
// leave it without an answer.
const attemptPort = 80

// attemptLife is how long an attempt counts. After a second the kernel sends
// the SYN again (RFC 6298, section 2), and an answer might be to either.
const attemptLife = time.Second

// maxAttempts bounds the TCP sockets in use at a time. Probes above it are
// measured by UDP alone.
const maxAttempts = 1024

// attempt is one TCP connection under way.
type attempt struct {
	fd      int // -1 when the place is free
	started time.Duration
	// reply is what an answer will be told as.
	reply packet.Reply
	// turn tells later attempts in the same place apart.
	turn uint32
}

// attempts measures by the acceptance or the refusal of TCP connections, which
// are closed at once and say nothing. Those with a small TTL are told of by
// routers as well.
type attempts struct {
	epoll int
	// beside tells that echoes are datagrams, each with an attempt beside it.
	beside bool
	zones  zones
	places []attempt
	free   []int32
	// order holds the attempts, the oldest first, until they end or expire.
	order []place
	// ready are replies that were there as soon as asked for, as on loopback.
	ready  []packet.Reply
	events [receiveBatch]unix.EpollEvent
}

// place names one attempt for good: places are used again.
type place struct {
	index int32
	turn  uint32
}

func openAttempts(beside bool) (*attempts, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch TCP connections: %w", err)
	}
	limit := maxAttempts
	var files unix.Rlimit
	// The rest of the program needs files too.
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		limit = int(min(uint64(limit), files.Cur/4))
	}
	a := &attempts{epoll: epoll, beside: beside, places: make([]attempt, limit)}
	for i := range a.places {
		a.places[i].fd = -1
		a.free = append(a.free, int32(i))
	}
	return a, nil
}

// start begins an attempt for a probe whose datagram has just been sent. One
// that can begin makes good a datagram that could not be sent, unless its size
// is what mattered.
func (a *attempts) start(p *packet.Probe, now func() netsonde.Instant) {
	if p.DontFragment {
		return
	}
	attempt := *p
	attempt.Port = attemptPort
	if a.begin(&attempt, now) == 0 && p.Errno != 0 {
		p.Sent, p.Errno = attempt.Sent, 0
	}
}

// begin starts an attempt and fills in Sent. What cannot be started is told;
// a refusal that is there at once is an answer.
func (a *attempts) begin(p *packet.Probe, now func() netsonde.Instant) syscall.Errno {
	p.Sent = now()
	a.expire(p.Sent.Monotonic)
	if len(a.free) == 0 {
		return unix.EMFILE
	}
	scope, errno := a.zones.scope(p.Destination)
	if errno != 0 {
		return errno
	}
	fd, errno := openAttempt(p, scope)
	if errno != 0 {
		return errno
	}
	var name unix.RawSockaddrInet6
	size := encodeName(&name, p.Destination, p.Port, scope)
	p.Sent = now()
	errno = connect(fd, &name, size)
	reply := packet.Reply{
		Kind:        packet.PortAnswered,
		Protocol:    p.Protocol,
		Method:      netsonde.MethodTCP,
		From:        p.Destination,
		Destination: p.Destination,
		Identity:    p.Identity,
		Sequence:    p.Sequence,
		HasToken:    true,
		Token:       p.Token,
	}
	if p.Protocol == packet.TCP {
		reply.Port = p.Port
	}
	switch errno {
	case unix.EINPROGRESS:
		return a.await(fd, p.Sent.Monotonic, reply)
	case 0, unix.ECONNREFUSED:
		reply.Read = now()
		a.ready = append(a.ready, reply)
		errno = 0
	}
	closeAttempt(fd)
	return errno
}

// await watches an attempt that is under way.
func (a *attempts) await(fd int, started time.Duration, reply packet.Reply) syscall.Errno {
	index := a.free[len(a.free)-1]
	t := &a.places[index]
	event := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: index, Pad: int32(t.turn)}
	if unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, fd, &event) != nil {
		closeAttempt(fd)
		return unix.ENOBUFS
	}
	a.free = a.free[:len(a.free)-1]
	t.fd, t.started, t.reply = fd, started, reply
	a.order = append(a.order, place{index: index, turn: t.turn})
	return 0
}

// openAttempt makes the socket of an attempt.
func openAttempt(p *packet.Probe, scope uint32) (fd int, errno syscall.Errno) {
	domain, level := unix.AF_INET, unix.SOL_IP
	limit, class, report := unix.IP_TTL, unix.IP_TOS, unix.IP_RECVERR
	if p.Destination.Is6() {
		domain, level = unix.AF_INET6, unix.SOL_IPV6
		limit, class, report = unix.IPV6_UNICAST_HOPS, unix.IPV6_TCLASS, unix.IPV6_RECVERR
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, unix.EMFILE
	}
	// Reset on close: no connection is left waiting on either side.
	err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err == nil && p.TTL != 0 {
		if err = unix.SetsockoptInt(fd, level, limit, int(p.TTL)); err == nil {
			err = unix.SetsockoptInt(fd, level, report, 1)
		}
	}
	if err == nil && p.DSCP != 0 {
		err = unix.SetsockoptInt(fd, level, class, int(trafficClass(p.DSCP)))
	}
	if err != nil {
		closeAttempt(fd)
		return -1, unix.EINVAL
	}
	if p.Source.IsValid() {
		var source unix.Sockaddr
		if p.Source.Is4() {
			source = &unix.SockaddrInet4{Addr: p.Source.As4()}
		} else {
			source = &unix.SockaddrInet6{Addr: p.Source.As16(), ZoneId: scope}
		}
		if unix.Bind(fd, source) != nil {
			closeAttempt(fd)
			return -1, unix.EADDRNOTAVAIL
		}
	}
	return fd, 0
}

func closeAttempt(fd int) {
	if fd >= 0 {
		unix.Close(fd) // nothing was written that could be lost
	}
}

// take fills replies with what has ended since the last call.
func (a *attempts) take(replies []packet.Reply, now netsonde.Instant) (n int) {
	if len(a.free) == len(a.places) && len(a.ready) == 0 {
		return 0
	}
	a.expire(now.Monotonic)
	n = copy(replies, a.ready)
	a.ready = append(a.ready[:0], a.ready[n:]...)
	for n < len(replies) {
		events := a.events[:min(len(a.events), len(replies)-n)]
		got, err := unix.EpollWait(a.epoll, events, 0)
		if err == unix.EINTR {
			continue
		}
		if got <= 0 {
			return n
		}
		for _, event := range events[:got] {
			t := &a.places[event.Fd]
			if t.fd < 0 || uint32(event.Pad) != t.turn {
				continue
			}
			if a.judge(t, event.Events) {
				t.reply.Read = now
				replies[n] = t.reply
				n++
			}
			a.end(event.Fd)
		}
	}
	return n
}

// judge says how an attempt has ended, in its reply, and whether that is worth
// telling. Without a router's word, anything but an acceptance or a refusal, as
// "no route", comes from the way; where a datagram went beside, that tells more.
func (a *attempts) judge(t *attempt, events uint32) bool {
	// The kernel may put the word of a router into the queue alone, without an
	// error on the socket: when it came while the SYN was still being sent.
	if events&unix.EPOLLERR != 0 && t.reply.Protocol == packet.TCP {
		if told, ok := queuedError(t.fd); ok {
			return a.judgeError(t, told)
		}
	}
	errno := pendingError(t.fd)
	return errno == 0 && events&unix.EPOLLOUT != 0 || errno == unix.ECONNREFUSED || errno == unix.ECONNRESET
}

func (a *attempts) judgeError(t *attempt, told ancillary) bool {
	m := message{ancillary: told}
	t.reply.Kind, t.reply.Type, t.reply.Code = errorKind(t.reply.Destination.Is6(), &m), told.kind, told.code
	t.reply.From = a.zones.restore(told.offender, told.offenderScope)
	t.reply.TTL = told.ttl
	return t.reply.Kind != 0 && t.reply.From.IsValid()
}

// queuedError takes the first ICMP error from a TCP socket's error queue, where
// Linux puts those of the SYN since 5.10.
func queuedError(fd int) (ancillary, bool) {
	var data [128]byte
	var control [receiveControlSize]byte
	_, length, _, _, err := unix.Recvmsg(fd, data[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return ancillary{}, false
	}
	told := decodeControl(control[:length])
	return told, told.failed
}

// end closes an attempt and frees its place.
func (a *attempts) end(index int32) {
	t := &a.places[index]
	closeAttempt(t.fd)
	t.fd = -1
	t.turn++
	a.free = append(a.free, index)
}

// expire ends the attempts that have lasted too long.
func (a *attempts) expire(now time.Duration) {
	kept := 0
	for kept < len(a.order) {
		next := a.order[kept]
		t := &a.places[next.index]
		if t.turn == next.turn {
			if now-t.started < attemptLife {
				break
			}
			a.end(next.index)
		}
		kept++
	}
	a.order = append(a.order[:0], a.order[kept:]...)
}

func (a *attempts) close() error {
	for i := range a.places {
		closeAttempt(a.places[i].fd)
		a.places[i].fd = -1
	}
	return unix.Close(a.epoll)
}

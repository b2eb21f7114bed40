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
// are closed at once and say nothing.
type attempts struct {
	epoll  int
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

func openAttempts() (*attempts, error) {
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
	a := &attempts{epoll: epoll, places: make([]attempt, limit)}
	for i := range a.places {
		a.places[i].fd = -1
		a.free = append(a.free, int32(i))
	}
	return a, nil
}

// start begins an attempt for a probe whose datagram has just been sent. One
// that can begin makes good a datagram that could not be sent.
func (a *attempts) start(p *packet.Probe, now func() netsonde.Instant) {
	a.expire(now().Monotonic)
	if len(a.free) == 0 || p.Destination.Zone() != "" {
		return
	}
	sent := now()
	fd, errno := beginConnect(p)
	if errno != 0 && errno != unix.EINPROGRESS && errno != unix.ECONNREFUSED {
		closeAttempt(fd)
		return
	}
	if p.Errno != 0 {
		p.Sent, p.Errno = sent, 0
	}
	reply := packet.Reply{
		Kind:        packet.PortAnswered,
		Protocol:    packet.Echo,
		Method:      netsonde.MethodTCP,
		From:        p.Destination,
		Destination: p.Destination,
		Identity:    p.Identity,
		Sequence:    p.Sequence,
		HasToken:    true,
		Token:       p.Token,
	}
	if errno != unix.EINPROGRESS {
		reply.Read = now()
		a.ready = append(a.ready, reply)
		closeAttempt(fd)
		return
	}
	index := a.free[len(a.free)-1]
	t := &a.places[index]
	event := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLONESHOT, Fd: index, Pad: int32(t.turn)}
	if unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, fd, &event) != nil {
		closeAttempt(fd)
		return
	}
	a.free = a.free[:len(a.free)-1]
	t.fd, t.started, t.reply = fd, sent.Monotonic, reply
	a.order = append(a.order, place{index: index, turn: t.turn})
}

// beginConnect opens a socket and sends the SYN. fd is -1 if there is none.
func beginConnect(p *packet.Probe) (fd int, errno syscall.Errno) {
	domain := unix.AF_INET
	if p.Destination.Is6() {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, unix.EMFILE
	}
	// Reset on close: no connection is left waiting on either side.
	if unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) != nil {
		return fd, unix.EINVAL
	}
	if p.Source.IsValid() {
		var source unix.Sockaddr
		if p.Source.Is4() {
			source = &unix.SockaddrInet4{Addr: p.Source.As4()}
		} else {
			source = &unix.SockaddrInet6{Addr: p.Source.As16()}
		}
		if unix.Bind(fd, source) != nil {
			return fd, unix.EADDRNOTAVAIL
		}
	}
	var name unix.RawSockaddrInet6
	size := encodeName(&name, p.Destination, attemptPort, 0)
	return fd, connect(fd, &name, size)
}

func closeAttempt(fd int) {
	if fd >= 0 {
		unix.Close(fd) // nothing was written that could be lost
	}
}

// take fills replies with what has ended since the last call.
func (a *attempts) take(replies []packet.Reply, now netsonde.Instant) (n int) {
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
			// Anything but an acceptance or a refusal, as "no route", comes
			// from the way. The datagram tells more of it.
			if errno := pendingError(t.fd); errno == 0 || errno == unix.ECONNREFUSED || errno == unix.ECONNRESET {
				t.reply.Read = now
				replies[n] = t.reply
				n++
			}
			a.end(event.Fd)
		}
	}
	return n
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

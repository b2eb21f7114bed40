package doctor

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// arrival is an answer that was seen to come in.
type arrival struct {
	from netip.Addr
	kind answer
}

// answer is a sort of packet that answers ours.
type answer uint8

const (
	answerEcho answer = iota + 1
	answerUnreachable
	answerName
)

// arrivals watches what comes in before any firewall's rule has seen it
// (packet(7)). So an answer that our socket does not get is known to have been
// stopped here.
type arrivals struct {
	fd   int
	stop chan struct{}
	done sync.WaitGroup
	seen map[arrival]bool
}

// watchPause is how long the watch may take to notice that it is over.
const watchPause = 5 * time.Millisecond

// watch begins to watch. It returns nil where that is not allowed.
func watch() *arrivals {
	// The kernel wants the protocol in the network's byte order.
	all := uint16(unix.ETH_P_ALL)>>8 | uint16(unix.ETH_P_ALL)<<8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return nil
	}
	a := &arrivals{fd: fd, stop: make(chan struct{}), seen: make(map[arrival]bool)}
	a.done.Go(a.run)
	return a
}

// close ends the watch; then what was seen can be asked for.
func (a *arrivals) close() {
	if a != nil {
		close(a.stop)
		a.done.Wait()
	}
}

// saw reports whether an answer of a kind came from an address.
func (a *arrivals) saw(from netip.Addr, kind answer) bool {
	return a != nil && a.seen[arrival{from.WithZone(""), kind}]
}

func (a *arrivals) run() {
	defer unix.Close(a.fd)
	var packet [128]byte
	for ending := false; !ending; {
		select {
		case <-a.stop:
			ending = true // what came before is read
		default:
		}
		fds := [1]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
		// An interruption and a time that is over look alike: nothing to read.
		_, _ = unix.Poll(fds[:], int(watchPause/time.Millisecond))
		const most = 256 // so that a flood does not keep us
		for range most {
			n, from, err := unix.Recvfrom(a.fd, packet[:], 0)
			if err != nil {
				break
			}
			link, ok := from.(*unix.SockaddrLinklayer)
			if !ok || link.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			if seen, ok := parseArrival(packet[:n]); ok {
				a.seen[seen] = true
			}
		}
	}
}

// parseArrival reads an IP packet and reports whether it may answer ours: an
// echo reply, a destination unreachable (RFC 792, RFC 4443) or what comes from
// a name server's port.
func parseArrival(packet []byte) (seen arrival, ok bool) {
	protocol, payload, six := byte(0), []byte(nil), false
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4 && packet[0]&15 >= 5:
		seen.from, _ = netip.AddrFromSlice(bytes.Clone(packet[12:16]))
		protocol, payload = packet[9], packet[min(int(packet[0]&15)*4, len(packet)):]
	case len(packet) >= 40 && packet[0]>>4 == 6:
		seen.from, _ = netip.AddrFromSlice(bytes.Clone(packet[8:24]))
		protocol, payload, six = packet[6], packet[40:], true
	}
	if len(payload) < 4 {
		return arrival{}, false
	}
	const echoReply4, unreachable4, unreachable6, echoReply6, names = 0, 3, 1, 129, 53
	icmp4, icmp6 := !six && protocol == unix.IPPROTO_ICMP, six && protocol == unix.IPPROTO_ICMPV6
	switch kind := payload[0]; {
	case icmp4 && kind == echoReply4, icmp6 && kind == echoReply6:
		seen.kind = answerEcho
	case icmp4 && kind == unreachable4, icmp6 && kind == unreachable6:
		seen.kind = answerUnreachable
	case protocol == unix.IPPROTO_UDP && payload[0] == 0 && payload[1] == names:
		seen.kind = answerName
	}
	return seen, seen.kind != 0
}

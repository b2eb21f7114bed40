package socket

import (
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sourceLife is how long a looked-up source address is used. Routes change.
const sourceLife = time.Second

// sourceEntries bounds the memory of looked-up addresses.
const sourceEntries = 1 << 14

type sourceEntry struct {
	addr  netip.Addr
	errno syscall.Errno
	until time.Duration
}

// sources finds the address that the system would send from, as connecting a
// UDP socket does: it asks the routing table and sends nothing.
type sources struct {
	sockets [2]*datagram // IPv4 and IPv6; nil for a family that is missing
	known   map[netip.Addr]sourceEntry
}

func openSources() *sources {
	s := &sources{known: make(map[netip.Addr]sourceEntry)}
	for i := range s.sockets {
		// A family that this machine has not stays nil.
		s.sockets[i], _ = openDatagram(i == 1, unix.SOCK_DGRAM, unix.IPPROTO_UDP, dropAll())
	}
	return s
}

// lookup returns the source address for a destination, or why there is none.
func (s *sources) lookup(to netip.Addr, scope uint32, now time.Duration) (netip.Addr, syscall.Errno) {
	if entry, ok := s.known[to]; ok && now < entry.until {
		return entry.addr, entry.errno
	}
	if len(s.known) >= sourceEntries {
		clear(s.known)
	}
	addr, errno := s.ask(to, scope)
	s.known[to] = sourceEntry{addr: addr, errno: errno, until: now + sourceLife}
	return addr, errno
}

func (s *sources) ask(to netip.Addr, scope uint32) (netip.Addr, syscall.Errno) {
	d := s.sockets[family(to)]
	if d == nil {
		return netip.Addr{}, unix.EAFNOSUPPORT
	}
	// A socket that was connected before keeps its source until it is disconnected.
	if errno := connect(d.fd, nil, 0); errno != 0 {
		return netip.Addr{}, errno
	}
	var name unix.RawSockaddrInet6
	size := encodeName(&name, to, firstTracePort, scope)
	if errno := connect(d.fd, &name, size); errno != 0 {
		return netip.Addr{}, errno
	}
	if errno := localName(d.fd, &name); errno != 0 {
		return netip.Addr{}, errno
	}
	addr, _, _ := decodeName(&name)
	return addr, 0
}

func (s *sources) close() error { return closeAll(s.sockets[:]) }

// family returns the place of an address's family in a pair of sockets.
func family(addr netip.Addr) int {
	if addr.Is4() {
		return 0
	}
	return 1
}

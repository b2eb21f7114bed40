package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostSpares is how many sockets of a family are kept. Where answers come at
// once, as many are in use as there are processors; where they take a while, one
// check begins when another has ended.
const mostSpares = 64

// spares are TCP sockets that were connected, reset, and can be connected again.
// To make and to close a socket costs as much as half of a connection. The zero
// value is ready.
type spares struct {
	mu     sync.Mutex
	kept   [2][]*socketConn // by family
	closed bool
}

// attempt is attemptSystem, whose connection ends with a reset.
func (s *spares) attempt(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
	if foreign(source, destination) {
		return dialSystem(ctx, source, destination)
	}
	var conn *socketConn
	if !source.IsValid() {
		conn = s.take(destination)
	}
	if conn == nil {
		var err error
		if conn, err = openUnconnected(destination); err != nil {
			// Not a nil pointer in an interface.
			return nil, err
		}
		conn.spares = s
	}
	if err := conn.connect(ctx, source, destination); err != nil {
		// What has failed otherwise may leave an error to the next that uses it.
		conn.spent = conn.spent || !errors.Is(err, unix.ECONNREFUSED)
		return nil, errors.Join(owned(err, source, destination), conn.Close())
	}
	return conn, nil
}

// take returns a socket that is not connected, nil when there is none.
func (s *spares) take(destination netip.AddrPort) *socketConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := &s.kept[spareFamily(destination.Addr().Is4())]
	if len(*kept) == 0 {
		return nil
	}
	last := len(*kept) - 1
	conn := (*kept)[last]
	*kept = (*kept)[:last]
	return conn
}

// put takes back a socket that is not connected, and reports whether it is kept.
func (s *spares) put(conn *socketConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := &s.kept[spareFamily(conn.four)]
	if s.closed || len(*kept) == mostSpares {
		return false
	}
	*kept = append(*kept, conn)
	return true
}

// close closes the sockets that are kept, and keeps no more.
func (s *spares) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var failed error
	for family := range s.kept {
		for _, conn := range s.kept[family] {
			failed = errors.Join(failed, conn.release())
		}
		s.kept[family] = nil
	}
	return failed
}

func spareFamily(four bool) int {
	if four {
		return 0
	}
	return 1
}

// disconnect ends a connection with a reset, or an attempt to make one, and
// reports whether the socket can be connected again (connect(2), on AF_UNSPEC).
// It does not block.
func disconnect(fd int) bool {
	none := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&none)), unsafe.Sizeof(none))
	return errno == 0
}

package check

import (
	"context"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// longUnread is how long something must have stood in the kernel to have
	// been ours to read: what came at the last moment is not, or a server could
	// have us believe so by never being silent.
	longUnread = 20 * time.Millisecond
	// ownShare is the part of a check's time that this process may take for its
	// own before a deadline that passes is its own fault, as 1 in so many.
	ownShare = 4
)

// turnaround is the time for which a connection waits for this process rather
// than for its server. The kernel knows when it has received something last.
// The zero value knows nothing.
type turnaround struct {
	raw syscall.RawConn
	// taken is the time from what the server said to what we said then.
	taken time.Duration
	// wrote tells that something was said.
	wrote bool
}

func turnaroundOf(conn net.Conn) (t turnaround) {
	if system, ok := conn.(syscall.Conn); ok {
		// Without access nothing is known, as of connections that are not the
		// system's.
		t.raw, _ = system.SyscallConn()
	}
	return t
}

// note counts the time until now. It is called before something is said.
func (t *turnaround) note() {
	info := t.info()
	if info == nil {
		return
	}
	since := info.Last_data_recv
	if !t.wrote {
		// What there was before is the connection.
		since = info.Last_ack_recv
	}
	t.wrote = true
	t.taken += time.Duration(since) * time.Millisecond
}

// unserved reports whether a conversation whose deadline has passed was kept
// waiting by this process: something to read had come by then, or what this
// process took for its answers was a large part of the time.
func (t *turnaround) unserved(ctx context.Context, started time.Time) bool {
	info := t.info()
	deadline, bounded := ctx.Deadline()
	if info == nil || !bounded {
		return false
	}
	if t.taken > deadline.Sub(started)/ownShare {
		return true
	}
	age := time.Duration(info.Last_data_recv) * time.Millisecond
	return t.unread() && age >= longUnread && cameBefore(ctx, age)
}

// cameBefore reports whether what came so long ago came before the deadline.
func cameBefore(ctx context.Context, age time.Duration) bool {
	deadline, _ := ctx.Deadline()
	return age >= time.Since(deadline)
}

func (t *turnaround) info() (info *unix.TCPInfo) {
	t.control(func(fd int) {
		// A socket of another protocol has none.
		info, _ = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	return info
}

// unread reports whether there is something to read, an end included.
func (t *turnaround) unread() (there bool) {
	t.control(func(fd int) {
		poll := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll[:], 0)
		there = err == nil && n > 0
	})
	return there
}

func (t *turnaround) control(f func(fd int)) {
	if t.raw != nil {
		// It fails when the connection is closed, of which nothing is known then.
		_ = t.raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

package socket

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of sendmmsg(2). The x/sys module has its parts but
// neither the calls nor this.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// Calls that cannot block are raw: the scheduler is not told of them. It looks
// for calls that last longer than 20 µs, as a few packets do, every 20 µs, takes
// the place in which Go code runs away from them and wakes another thread for it;
// that cost a tenth of a core at 10,000 probes a second. The price is a garbage
// collector that waits for the call to end, a batch's time at most.

// sendmmsg sends messages and returns how many went out.
func sendmmsg(fd int, messages []mmsghdr) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// recvmmsg fills messages with what has arrived and does not wait.
func recvmmsg(fd int, messages []mmsghdr, flags int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
	return int(n), errno
}

// poll waits for events on fds, at most for wait, to the nanosecond.
func poll(fds []unix.PollFd, wait time.Duration) (int, syscall.Errno) {
	timeout := unix.NsecToTimespec(int64(wait))
	if wait <= 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
			uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
		return int(n), errno
	}
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return int(n), errno
}

// sleep sleeps for a time, at most a few milliseconds, and keeps the place in
// which Go code runs: who sleeps so often needs one more of those. A signal that
// cuts it short does no harm; the garbage collector sends one.
func sleep(length time.Duration) {
	if length > 0 {
		nap := unix.NsecToTimespec(int64(length))
		_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&nap)), 0, 0)
	}
}

// pendingError takes the error that waits on a socket, 0 if none does.
func pendingError(fd int) syscall.Errno {
	var value int32
	size := uint32(unsafe.Sizeof(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR,
		uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return syscall.Errno(value)
}

// Places in the array that SO_MEMINFO returns (linux/sock_diag.h).
const (
	meminfoDrops = 8
	meminfoSize  = 9
)

// drops returns how many packets the kernel has dropped because the socket's
// receive buffer was full. It wraps at 2³². Kernels before 4.12 tell nothing.
func drops(fd int) uint32 {
	var info [meminfoSize]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, _ = unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return info[meminfoDrops]
}

// connect sets a socket's peer; a nil name takes a datagram socket's peer away.
func connect(fd int, name *unix.RawSockaddrInet6, size uint32) syscall.Errno {
	var none unix.RawSockaddrInet6
	if name == nil {
		none.Family, name, size = unix.AF_UNSPEC, &none, uint32(unsafe.Sizeof(none))
	}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(name)), uintptr(size))
	return errno
}

// localName writes the address that a socket is bound to into name.
func localName(fd int, name *unix.RawSockaddrInet6) syscall.Errno {
	size := uint32(unsafe.Sizeof(*name))
	_, _, errno := unix.Syscall(unix.SYS_GETSOCKNAME, uintptr(fd),
		uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&size)))
	return errno
}

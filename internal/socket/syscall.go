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

// sendmmsg sends messages and returns how many went out. It goes through
// Syscall6, not RawSyscall6: a send may take long enough in the kernel that
// the scheduler must be able to take the processor away from it.
func sendmmsg(fd int, messages []mmsghdr) (int, syscall.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// recvmmsg fills messages with what has arrived and does not wait.
func recvmmsg(fd int, messages []mmsghdr, flags int) (int, syscall.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&messages[0])), uintptr(len(messages)), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
	return int(n), errno
}

// poll waits for events on fds, at most for wait, to the nanosecond.
func poll(fds []unix.PollFd, wait time.Duration) (int, syscall.Errno) {
	timeout := unix.NsecToTimespec(int64(wait))
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return int(n), errno
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
	_, _, _ = unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
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

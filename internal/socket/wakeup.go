package socket

import (
	"sync"

	"golang.org/x/sys/unix"
)

// wakeup is an eventfd that ends a wait. Signals after close go nowhere, rather
// than to a stranger that was given the same number.
type wakeup struct {
	mu     sync.Mutex
	fd     int
	closed bool
}

func (w *wakeup) signal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	one := [8]byte{1, 1, 1, 1, 1, 1, 1} // any number but 0, in either byte order
	// The write fails only when the counter is full: then a wake-up is due already.
	_, _ = unix.Write(w.fd, one[:])
}

// reset takes all signals so far.
func (w *wakeup) reset() {
	var count [8]byte
	_, _ = unix.Read(w.fd, count[:])
}

func (w *wakeup) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return unix.Close(w.fd)
}

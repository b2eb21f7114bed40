package main

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// sleepStep is how far apart a sleeper's times are.
const sleepStep = 2 * time.Millisecond

// sleeper is a thread that does nothing but sleep until fixed times. How late it
// wakes is what this machine does to anybody who has to do something then.
type sleeper struct {
	stop chan struct{}
	done sync.WaitGroup
	// late is by how much it woke too late, in milliseconds.
	late []float64
}

func startSleeper() *sleeper {
	s := &sleeper{stop: make(chan struct{})}
	s.done.Go(s.run)
	return s
}

func (s *sleeper) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for due := time.Now().Add(sleepStep); ; due = due.Add(sleepStep) {
		select {
		case <-s.stop:
			return
		default:
		}
		for left := time.Until(due); left > 0; left = time.Until(due) {
			nap := unix.NsecToTimespec(int64(left))
			_ = unix.Nanosleep(&nap, nil) // cut short by a signal it goes on
		}
		s.late = append(s.late, time.Since(due).Seconds()*1e3)
	}
}

// end stops it and returns by how much it woke too late, in milliseconds.
func (s *sleeper) end() []float64 {
	close(s.stop)
	s.done.Wait()
	return s.late
}

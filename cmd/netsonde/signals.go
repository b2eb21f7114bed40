package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals turns what the kernel sends into reloads and an orderly end.
type signals struct {
	received chan os.Signal
	// reloads holds at most one reload that has not begun: any number of
	// SIGHUPs in the meantime are one.
	reloads chan struct{}
	// hangUpStops has a hang-up end the command as SIGTERM does.
	hangUpStops bool
	// listening is closed once the signals come here.
	listening chan struct{}

	mu   sync.Mutex
	stop func()
}

// listen takes over SIGHUP, SIGTERM and SIGINT.
func listen() *signals {
	s := listenSoon()
	<-s.listening
	return s
}

// listenSoon is listen that does not wait until it is so, which takes as long as
// to open sockets: a thread of the runtime is woken for each signal.
func listenSoon() *signals {
	s := &signals{
		received: make(chan os.Signal, 64), reloads: make(chan struct{}, 1), listening: make(chan struct{}),
	}
	go func() {
		signal.Notify(s.received, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
		close(s.listening)
	}()
	return s
}

// close ends serve, in its own time: the process need not stay for it. A hang-up
// is ignored from now on, since it would kill a process that has ended well but
// for its last microseconds.
func (s *signals) close() {
	go func() {
		<-s.listening
		signal.Ignore(syscall.SIGHUP)
		signal.Stop(s.received)
		close(s.received)
	}()
}

// onStop is what the first SIGTERM or SIGINT calls from now on.
func (s *signals) onStop(stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = stop
}

// reload asks for a reload, as SIGHUP does.
func (s *signals) reload() {
	select {
	case s.reloads <- struct{}{}:
	default:
	}
}

// serve acts on signals until close. The first that asks for an end calls
// stop, or what onStop has put in its place; the second ends the process at
// once, with the code that shells know.
func (s *signals) serve(stop func()) {
	s.mu.Lock()
	if s.stop == nil {
		s.stop = stop
	}
	s.mu.Unlock()
	stopping := false
	for received := range s.received {
		if received == syscall.SIGHUP && !s.hangUpStops {
			s.reload()
			continue
		}
		if stopping {
			os.Exit(128 + int(received.(syscall.Signal)))
		}
		stopping = true
		s.mu.Lock()
		stop := s.stop
		s.mu.Unlock()
		stop()
	}
}

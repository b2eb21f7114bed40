package main

import (
	"context"
	"sync"
	"time"

	"netsonde/internal/console"
)

// printing is the writing of results beside the work that brings them.
type printing struct {
	end   context.CancelFunc
	ended chan error
}

// startPrinting runs write until finish is called. failed is told an error as
// soon as nothing can be written any more.
func startPrinting(write func(context.Context) error, failed func(error)) *printing {
	ctx, end := context.WithCancel(context.Background())
	p := &printing{end: end, ended: make(chan error, 1)}
	go func() {
		err := write(ctx)
		if err != nil {
			failed(err)
		}
		p.ended <- err
	}()
	return p
}

// finish tells that no more results come, and waits until everything is
// written, for as long as the reader takes; once stopped is closed, for a
// bounded time.
func (p *printing) finish(stopped <-chan struct{}) error {
	p.end()
	select {
	case err := <-p.ended:
		return err
	case <-stopped:
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(flushTime):
		return console.ErrUnwritten
	}
}

// serveOneShot has the signals end a command that runs once, a hang-up
// included, by a drain. stopped is closed when one has.
func (s *signals) serveOneShot(drain func()) (stopped <-chan struct{}) {
	s.hangUpStops = true
	ended := make(chan struct{})
	go s.serve(sync.OnceFunc(func() {
		drain()
		close(ended)
	}))
	return ended
}

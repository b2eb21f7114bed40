package pmonitor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// recorder writes results while pinging goes on: a database that is locked
// delays no ping and loses none.
type recorder struct {
	work *DB
	log  *slog.Logger
	// more is signalled when there are results, or there will be no more.
	more chan struct{}
	done chan struct{}

	mu      sync.Mutex
	waiting []result
	ended   bool
}

func newRecorder(work *DB, log *slog.Logger) *recorder {
	return &recorder{work: work, log: log, more: make(chan struct{}, 1), done: make(chan struct{})}
}

// add takes a result. It does not wait.
func (r *recorder) add(found result) {
	r.mu.Lock()
	r.waiting = append(r.waiting, found)
	r.mu.Unlock()
	r.signal()
}

// end says that no results will follow.
func (r *recorder) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.signal()
}

func (r *recorder) signal() {
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait waits for run to return.
func (r *recorder) wait() { <-r.done }

// run writes, all that waits in one transaction, until end is called and
// nothing is left. It fails when ctx ends before, or writing does.
func (r *recorder) run(ctx context.Context) error {
	defer close(r.done)
	for {
		results, ended := r.take()
		switch {
		case len(results) > 0:
			if err := r.work.record(ctx, r.log, results); err != nil {
				return fmt.Errorf("%d results could not be written: %w", len(results), err)
			}
		case ended:
			return nil
		default:
			<-r.more
		}
	}
}

func (r *recorder) take() (results []result, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	results, r.waiting = r.waiting, nil
	return results, r.ended
}

package main

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"netsonde"
)

// healthReport adds what the process takes to the agent's health, and tells it.
type healthReport struct {
	program *program
	output  output
	// asked tells that somebody wants to read it.
	asked atomic.Bool

	at   time.Time
	used time.Duration
}

// healthReader is an output that has a place for health.
type healthReader interface {
	Health(*netsonde.Health)
	Waiting() int
	Dropped() uint64
}

// tell is called by one goroutine at a time.
func (r *healthReport) tell(h *netsonde.Health) {
	now, used := time.Now(), processorTime()
	if !r.at.IsZero() && now.After(r.at) {
		h.CPU = float64(used-r.used) / float64(now.Sub(r.at))
	}
	r.at, r.used = now, used
	h.Memory = residentMemory()
	if reader, ok := r.output.(healthReader); ok {
		h.OutputWaiting, h.OutputDropped = reader.Waiting(), reader.Dropped()
		reader.Health(h)
	}
	if r.asked.Swap(false) {
		r.program.diagnostics.Health(h)
	}
}

// serve has SIGUSR1 ask for a report on standard error, until ctx ends.
func (r *healthReport) serve(ctx context.Context, ask func()) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	defer signal.Stop(asked)
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			r.asked.Store(true)
			ask()
		}
	}
}

// processorTime is what the process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// residentMemory is what the process holds of the machine's memory, 0 when that
// is not known.
func residentMemory() uint64 {
	const resident = 1 // the field of /proc/self/statm (proc(5)), in pages
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) <= resident {
		return 0
	}
	pages, err := strconv.ParseUint(fields[resident], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

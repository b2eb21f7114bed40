package agent

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// mostChecks is how many checks run at the same time where the process may
// open twice as many files.
const mostChecks = 4096

// defaultCheckLimit leaves half of the files that the process may open to
// everything else.
func defaultCheckLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostChecks
	}
	return int(max(1, min(files.Cur/2, mostChecks)))
}

// checkPool runs service checks, a bounded number at the same time. A check
// that has to wait for its turn simply runs later: its RTT begins when it does.
type checkPool struct {
	checks map[netsonde.Kind]Check
	limit  int
	warn   func(string)

	running sync.WaitGroup

	mu    sync.Mutex
	count int
	// waiting is bounded by the plan: a probe has one check under way.
	waiting []check
	warned  bool
}

// check is one that is to be run.
type check struct {
	due  probe.Due
	done func(netsonde.Service)
}

func newCheckPool(checks map[netsonde.Kind]Check, limit int, warn func(string)) *checkPool {
	return &checkPool{checks: checks, limit: limit, warn: warn}
}

// start runs the check now, or when its turn has come, and calls done from
// another goroutine, unless ctx ends before.
func (p *checkPool) start(ctx context.Context, due probe.Due, done func(netsonde.Service)) {
	c := check{due: due, done: done}
	p.mu.Lock()
	if p.count < p.limit {
		p.count++
		p.mu.Unlock()
		p.running.Go(func() { p.work(ctx, c) })
		return
	}
	p.waiting = append(p.waiting, c)
	warn := !p.warned
	p.warned = true
	p.mu.Unlock()
	if warn {
		p.warn(fmt.Sprintf("%d service checks run at once, more wait for their turn: raise the limit of open files", p.limit))
	}
}

// wait returns when no check runs any more.
func (p *checkPool) wait() { p.running.Wait() }

// work runs c, then those that wait.
func (p *checkPool) work(ctx context.Context, c check) {
	for more := true; more; c, more = p.next(ctx) {
		found := p.run(ctx, c.due)
		if ctx.Err() == nil {
			c.done(found)
		}
	}
}

// next takes the check that has waited longest, or gives the place back.
func (p *checkPool) next(ctx context.Context) (c check, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() != nil || len(p.waiting) == 0 {
		p.count--
		p.waiting = nil
		p.warned = false
		return check{}, false
	}
	c = p.waiting[0]
	p.waiting[0] = check{}
	p.waiting = p.waiting[1:]
	return c, true
}

func (p *checkPool) run(ctx context.Context, due probe.Due) netsonde.Service {
	started := time.Now()
	run := p.checks[due.Probe.Kind]
	var found netsonde.Service
	if run == nil {
		found = netsonde.Service{
			Port:    due.Probe.Port,
			Started: started,
			State:   netsonde.ServiceFailed,
			Reason:  "no check for " + due.Probe.Kind.String() + " is built in",
		}
	} else {
		ctx, cancel := context.WithTimeout(ctx, due.Probe.Timeout)
		found = run(ctx, due.Probe, due.Target.Host, due.Addr)
		cancel()
	}
	// The check knows what it found, the agent for whom.
	found.Probe, found.Round = due.Probe.ID, due.Round
	found.Kind, found.Addr = due.Probe.Kind, due.Addr
	return found
}

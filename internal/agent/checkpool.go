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

const (
	// mostChecks is how many checks run at the same time where the process may
	// open twice as many files.
	mostChecks = 4096
	// otherFiles is about how many files the process has open beside checks.
	otherFiles = 32
	// stallTolerance is how long after its deadline a check may end that was
	// run in time. One that ends later was stopped together with this process.
	stallTolerance = 250 * time.Millisecond
	// stallRetries is how often a check that was stopped is run again.
	stallRetries = 3
	// longestTurn is how long a check of a fixed cadence waits for its turn.
	longestTurn = 100 * time.Millisecond
)

// defaultCheckLimit leaves half of the files that the process may open to
// everything else.
func defaultCheckLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostChecks
	}
	return checkLimit(files.Cur)
}

func checkLimit(files uint64) int {
	if files <= otherFiles+1 {
		return 1
	}
	return int(min(files/2, files-otherFiles, mostChecks))
}

// checkPool runs service checks, a bounded number at the same time. A check
// that has to wait for its turn simply runs later when the next round begins
// after its end, so that nothing is missed. At a fixed cadence it would be late
// for all rounds to come: it waits a little, and is then told as stalled.
//
// Probes whose last check took long, such as those of dead hosts, wait apart
// and never take all places, so that they hold up nobody but themselves.
type checkPool struct {
	checks map[netsonde.Kind]Check
	limit  int
	warn   func(string)

	running sync.WaitGroup

	mu      sync.Mutex
	count   [speeds]int
	waiting [speeds]checkQueue
	slow    map[netsonde.ProbeID]struct{}
	warned  bool
	drained bool
	ended   bool
}

// speed is how long a probe's checks are expected to take.
type speed uint8

const (
	quick speed = iota
	slow
	speeds
)

// check is one that is to be run. Either done or dropped is called, unless the
// context ends. Neither may call the pool.
type check struct {
	due     probe.Due
	done    func(netsonde.Service)
	dropped func()
	// impatience ends the wait for a turn at a fixed cadence; nil while it runs
	// or when it waits as long as it takes.
	impatience *time.Timer
	// gone tells that the wait has ended so.
	gone bool
}

// checkQueue is checks in turn.
type checkQueue struct {
	checks []*check
	first  int
}

// empty reports whether nobody waits, once those that have gone are left out.
func (q *checkQueue) empty() bool {
	for q.first < len(q.checks) && q.checks[q.first].gone {
		q.pop()
	}
	return q.first == len(q.checks)
}

func (q *checkQueue) push(c *check) {
	if q.first > 1024 && q.first > len(q.checks)/2 {
		n := copy(q.checks, q.checks[q.first:])
		clear(q.checks[n:])
		q.checks, q.first = q.checks[:n], 0
	}
	q.checks = append(q.checks, c)
}

func (q *checkQueue) pop() *check {
	c := q.checks[q.first]
	q.checks[q.first] = nil
	q.first++
	return c
}

func newCheckPool(checks map[netsonde.Kind]Check, limit int, warn func(string)) *checkPool {
	return &checkPool{checks: checks, limit: limit, warn: warn, slow: map[netsonde.ProbeID]struct{}{}}
}

// start runs the check now, or when its turn has come, in another goroutine.
// Once the pool is drained it is dropped.
func (p *checkPool) start(ctx context.Context, c *check) {
	p.mu.Lock()
	class := quick
	if _, slowly := p.slow[c.due.Probe.ID]; slowly {
		class = slow
	}
	switch {
	case p.drained:
		p.mu.Unlock()
		c.dropped()
		return
	case p.place(class):
		p.count[class]++
		p.mu.Unlock()
		p.running.Go(func() { p.work(ctx, c, class) })
		return
	}
	p.waiting[class].push(c)
	if c.due.Fixed {
		asked := time.Now()
		c.impatience = time.AfterFunc(longestTurn, func() { p.giveUp(ctx, c, asked) })
	}
	warn := !p.warned
	p.warned = true
	p.mu.Unlock()
	if warn {
		p.warn(fmt.Sprintf("%d service checks run at once, more wait for their turn: raise the limit of open files", p.limit))
	}
}

// giveUp tells that a check has waited for its turn in vain, unless it has
// come just now.
func (p *checkPool) giveUp(ctx context.Context, c *check, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.impatience == nil || p.ended || ctx.Err() != nil {
		return
	}
	c.impatience, c.gone = nil, true
	c.done(netsonde.Service{
		Probe: c.due.Probe.ID, Round: c.due.Round, Kind: c.due.Probe.Kind,
		Addr: c.due.Addr, Port: c.due.Probe.Port, Started: asked,
		State:  netsonde.ServiceStalled,
		Reason: fmt.Sprintf("not run: %d checks ran at once for more than %v", p.limit, longestTurn),
	})
}

// take takes the next check that waits, with its lasting patience.
func (q *checkQueue) take() *check {
	c := q.pop()
	if c.impatience != nil {
		c.impatience.Stop()
		c.impatience = nil
	}
	return c
}

// place reports whether a check of that speed may run beside those that do.
// A quarter of the places, if there are as many, is never taken by slow ones.
func (p *checkPool) place(class speed) bool {
	if p.count[quick]+p.count[slow] >= p.limit {
		return false
	}
	return class == quick || p.count[slow] < max(1, p.limit-p.limit/4)
}

// drain drops every check that waits, and those that are started from now on.
func (p *checkPool) drain() {
	p.mu.Lock()
	p.drained = true
	defer p.mu.Unlock()
	for class := range p.waiting {
		for queue := &p.waiting[class]; !queue.empty(); {
			queue.take().dropped()
		}
	}
	p.waiting = [speeds]checkQueue{}
}

// retain forgets the probes that are no longer in the plan, those that wait included.
func (p *checkPool) retain(plan *netsonde.Plan) {
	planned := map[netsonde.ProbeID]struct{}{}
	for _, target := range plan.Targets {
		for _, group := range target.Groups {
			for i := range group.Probes {
				if group.Probes[i].Kind.IsCheck() {
					planned[group.Probes[i].ID] = struct{}{}
				}
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.slow {
		if _, kept := planned[id]; !kept {
			delete(p.slow, id)
		}
	}
	for class := range p.waiting {
		var kept checkQueue
		for queue := &p.waiting[class]; !queue.empty(); {
			c := queue.pop()
			if _, stays := planned[c.due.Probe.ID]; stays {
				kept.push(c)
			} else if c.impatience != nil {
				c.impatience.Stop()
				c.impatience = nil
			}
		}
		p.waiting[class] = kept
	}
}

// wait returns when no check runs any more, and has none told from then on.
func (p *checkPool) wait() {
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// work runs c, then those that wait.
func (p *checkPool) work(ctx context.Context, c *check, class speed) {
	for more := true; more; c, class, more = p.next(ctx, class) {
		found, elapsed := p.run(ctx, c.due)
		p.remember(c.due.Probe, elapsed)
		if ctx.Err() == nil {
			c.done(found)
		}
	}
}

// remember keeps who takes long.
func (p *checkPool) remember(probe *netsonde.Probe, elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if elapsed < probe.Timeout/2 {
		delete(p.slow, probe.ID)
		return
	}
	p.slow[probe.ID] = struct{}{}
}

// next gives back a place of one speed and takes the check that has waited
// longest, of the same speed if there is one.
func (p *checkPool) next(ctx context.Context, was speed) (c *check, class speed, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count[was]--
	if ctx.Err() != nil {
		return nil, 0, false
	}
	for _, class := range [speeds]speed{was, quick + slow - was} {
		if !p.waiting[class].empty() && p.place(class) {
			p.count[class]++
			return p.waiting[class].take(), class, true
		}
	}
	return nil, 0, false
}

// run runs a check and tells how long it took. What ran out of time because
// this process was stopped, or too slow, says nothing of the service and is run
// again.
func (p *checkPool) run(ctx context.Context, due probe.Due) (found netsonde.Service, elapsed time.Duration) {
	for try := 0; ; try++ {
		started := time.Now()
		found = p.once(ctx, due, started)
		elapsed = time.Since(started)
		stalled := elapsed >= due.Timeout+stallTolerance || found.State == netsonde.ServiceStalled
		if !stalled || try == stallRetries || ctx.Err() != nil {
			return found, elapsed
		}
	}
}

func (p *checkPool) once(ctx context.Context, due probe.Due, started time.Time) netsonde.Service {
	var found netsonde.Service
	if run := p.checks[due.Probe.Kind]; run == nil {
		found = netsonde.Service{
			Port:    due.Probe.Port,
			Started: started,
			State:   netsonde.ServiceFailed,
			Reason:  "no check for " + due.Probe.Kind.String() + " is built in",
		}
	} else {
		ctx, cancel := context.WithTimeout(ctx, due.Timeout)
		found = run(ctx, due.Probe, due.Target.Host, due.Addr)
		cancel()
	}
	// The check knows what it found, the agent for whom.
	found.Probe, found.Round = due.Probe.ID, due.Round
	found.Kind, found.Addr = due.Probe.Kind, due.Addr
	return found
}

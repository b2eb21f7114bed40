package agent

import (
	"context"
	"runtime"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// sweepChecks runs a sweep's checks, a bounded number at the same time. It
// remembers nothing of those that have ended. Its workers run one check after
// the other: to begin a goroutine for each costs as much as to connect.
//
// All but the workers belongs to the sweep's goroutine.
type sweepChecks struct {
	shard  *shard
	pool   *checkPool
	window *checkWindow

	running sync.WaitGroup
	count   int
	due     []probe.Due

	mu   sync.Mutex
	free *sync.Cond // a worker waits for work
	// done are results that the sweep has not taken, told whether it has been
	// told of them.
	done, taken []checked
	told        bool
	// waiting are checks without a worker, the first of which is next.
	waiting []*sweepCheck
	next    int
	// idle workers wait; coming ones were woken or begun and are not there yet.
	workers, idle, coming int
	ended                 bool
}

// sweepCheck is one check that was admitted.
type sweepCheck struct {
	due  probe.Due
	turn *turn
}

// checked is one that has ended.
type checked struct {
	*sweepCheck
	found   netsonde.Service
	elapsed time.Duration
}

// fewWaiting is how few checks wait when the sweep is told of results, and so
// is to bring more. To tell it of each costs as much as some of the checks.
const fewWaiting = sendBatch / 2

func newSweepChecks(s *shard, pool *checkPool) *sweepChecks {
	c := &sweepChecks{shard: s, pool: pool, window: newCheckWindow()}
	c.free = sync.NewCond(&c.mu)
	return c
}

// start runs what is due and allowed. more tells that there may be more.
func (c *sweepChecks) start(ctx context.Context, now netsonde.Instant) (more bool) {
	most := min(c.pool.limit-c.count, c.window.room(now.Monotonic), sendBatch)
	c.due = c.shard.engine.Admit(now, c.due[:0], most)
	if len(c.due) == 0 {
		return false
	}
	c.count += len(c.due)
	c.mu.Lock()
	for _, due := range c.due {
		c.waiting = append(c.waiting, &sweepCheck{due: due, turn: c.window.begin(now.Monotonic, due.Timeout)})
	}
	c.summon(ctx)
	c.mu.Unlock()
	clear(c.due)
	return true
}

// summon has one more worker come if there is work for it and none is coming.
// So there are as many as the processors have time for: while those that run
// have something to do, none begins, and no check is begun that would wait for
// us instead of for its service. c.mu is held.
func (c *sweepChecks) summon(ctx context.Context) {
	switch {
	case c.next == len(c.waiting) || c.coming > 0:
	case c.idle > 0:
		c.idle--
		c.coming++
		c.free.Signal()
	case c.workers < c.pool.limit:
		c.workers++
		c.coming++
		c.running.Go(func() { c.work(ctx) })
	}
}

// work runs checks until the sweep ends.
func (c *sweepChecks) work(ctx context.Context) {
	for came := true; ; came = false {
		// Answers that stand ready go first.
		runtime.Gosched()
		check := c.take(ctx, came)
		if check == nil {
			return
		}
		found, elapsed := c.pool.run(ctx, check.due)
		c.mu.Lock()
		c.done = append(c.done, checked{check, found, elapsed})
		tell := c.tell()
		c.mu.Unlock()
		if tell {
			c.shard.connection.Wake()
		}
	}
}

// tell reports whether the sweep is to be woken for results. c.mu is held.
func (c *sweepChecks) tell() bool {
	if c.told || len(c.done) == 0 || len(c.waiting)-c.next > fewWaiting {
		return false
	}
	c.told = true
	return true
}

// collect gives the engine the results that there are.
func (c *sweepChecks) collect() {
	c.mu.Lock()
	c.taken, c.done, c.told = c.done, c.taken[:0], false
	c.mu.Unlock()
	now := c.shard.connection.Now()
	for i := range c.taken {
		ended := &c.taken[i]
		c.count--
		c.window.end(now.Monotonic, ended.turn, &ended.found, ended.elapsed)
		c.shard.engine.Checked(now, ended.found)
	}
	clear(c.taken)
}

// take returns the next check, nil at the end. came tells that the worker was
// coming.
func (c *sweepChecks) take(ctx context.Context, came bool) *sweepCheck {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if came {
			c.coming--
		}
		if c.ended {
			return nil
		}
		if c.next < len(c.waiting) {
			check := c.waiting[c.next]
			c.waiting[c.next] = nil
			if c.next++; c.next == len(c.waiting) {
				c.waiting, c.next = c.waiting[:0], 0
			}
			c.summon(ctx)
			if c.tell() {
				c.shard.connection.Wake()
			}
			return check
		}
		c.idle++
		c.free.Wait()
		came = true
	}
}

// end lets the workers go and returns when they have.
func (c *sweepChecks) end() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.free.Broadcast()
	c.running.Wait()
}

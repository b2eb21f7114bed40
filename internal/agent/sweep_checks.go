package agent

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/probe"
)

// sweepChecks runs a sweep's checks, a bounded number at the same time and no
// more than so many a second of one target. It remembers nothing of those that
// have ended. It belongs to the sweep's goroutine.
type sweepChecks struct {
	shard *shard
	pool  *checkPool
	// interval is the time between two checks of one target, after as many as
	// a second holds.
	interval time.Duration
	burst    int

	running sync.WaitGroup
	count   int
	queue   checkTimes
	due     []probe.Due
	// target is whose checks came due last, and how many did.
	target *netsonde.Target
	nth    int
}

// waitingCheck is a check that must not begin before its time.
type waitingCheck struct {
	at    time.Duration
	order uint64
	due   probe.Due
}

func newSweepChecks(s *shard, pool *checkPool, rate int) *sweepChecks {
	c := &sweepChecks{shard: s, pool: pool}
	if rate > 0 {
		c.interval, c.burst = time.Second/time.Duration(rate), rate
	}
	return c
}

// waiting is the number of checks that are due and do not run yet.
func (c *sweepChecks) waiting() int { return len(c.queue.checks) }

// start runs what is due and allowed. It returns when more will be.
func (c *sweepChecks) start(ctx context.Context, now netsonde.Instant) (next time.Duration) {
	c.due = c.shard.engine.Due(c.due[:0])
	for _, due := range c.due {
		if due.Target != c.target {
			c.target, c.nth = due.Target, 0
		}
		at := now.Monotonic + time.Duration(max(0, c.nth-c.burst))*c.interval
		c.nth++
		c.queue.add(at, due)
	}
	clear(c.due)
	for len(c.queue.checks) > 0 {
		if c.count >= c.pool.limit {
			break // one that ends wakes us
		}
		if at := c.queue.checks[0].at; at > now.Monotonic {
			return at
		}
		c.run(ctx, heap.Pop(&c.queue).(waitingCheck).due)
	}
	return 1<<63 - 1
}

func (c *sweepChecks) run(ctx context.Context, due probe.Due) {
	c.count++
	c.running.Go(func() {
		found, _ := c.pool.run(ctx, due)
		c.shard.post(func(now netsonde.Instant) {
			c.count--
			c.shard.engine.Checked(now, found)
		})
	})
}

// clear returns the checks that wait and drops them.
func (c *sweepChecks) clear() (dropped []probe.Due) {
	for _, waiting := range c.queue.checks {
		dropped = append(dropped, waiting.due)
	}
	c.queue.checks = nil
	return dropped
}

// checkTimes is a heap of checks by time, and by order within one.
type checkTimes struct {
	checks []waitingCheck
	added  uint64
}

func (q *checkTimes) add(at time.Duration, due probe.Due) {
	q.added++
	heap.Push(q, waitingCheck{at, q.added, due})
}

func (q *checkTimes) Len() int { return len(q.checks) }

func (q *checkTimes) Less(i, j int) bool {
	a, b := &q.checks[i], &q.checks[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (q *checkTimes) Swap(i, j int) { q.checks[i], q.checks[j] = q.checks[j], q.checks[i] }

func (q *checkTimes) Push(x any) { q.checks = append(q.checks, x.(waitingCheck)) }

func (q *checkTimes) Pop() any {
	last := len(q.checks) - 1
	c := q.checks[last]
	q.checks[last] = waitingCheck{}
	q.checks = q.checks[:last]
	return c
}

package agent

import (
	"context"
	"sync"

	"netsonde"
	"netsonde/internal/probe"
)

// sweepChecks runs a sweep's checks, a bounded number at the same time. It
// remembers nothing of those that have ended. It belongs to the sweep's
// goroutine.
type sweepChecks struct {
	shard *shard
	pool  *checkPool

	running sync.WaitGroup
	count   int
	due     []probe.Due
}

// start runs what is due and allowed. more tells that there may be more.
func (c *sweepChecks) start(ctx context.Context, now netsonde.Instant) (more bool) {
	most := min(c.pool.limit-c.count, sendBatch)
	c.due = c.shard.engine.Admit(now, c.due[:0], most)
	for _, due := range c.due {
		c.run(ctx, due)
	}
	clear(c.due)
	return len(c.due) > 0
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

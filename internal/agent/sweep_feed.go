package agent

import (
	"context"
	"net/netip"
	"sync"

	"netsonde"
)

// So many targets with an address, and so many probes of theirs, wait to begin,
// one target in any case. No more may still begin when the writer has fallen
// behind, but for the one that is taken before the writer is looked at.
const (
	feedAhead   = 1024
	probesAhead = 1 << 16
)

// candidate is a target that may begin.
type candidate struct {
	target  *netsonde.Target
	address netip.Addr
}

// feed takes targets from their sequence, looks up their names, and has them
// ready when the sweep wants more.
type feed struct {
	config SweepConfig
	shard  *shard
	// drain ends the sweep when there is no room for results any more.
	drain   func(netsonde.Instant)
	lookups lookupLimit
	// taken wakes the feed when there is room for more.
	taken chan struct{}

	mu    sync.Mutex
	ready []candidate
	// probes are those of what is ready.
	probes int
	// hungry tells that the sweep found nothing and is to be woken.
	hungry bool
	ended  bool
}

func newFeed(config SweepConfig, s *shard, drain func(netsonde.Instant)) *feed {
	return &feed{config: config, shard: s, drain: drain, lookups: newLookupLimit(), taken: make(chan struct{}, 1)}
}

// run feeds until the targets, ctx or the room for results come to an end; the
// last is an error.
func (f *feed) run(ctx context.Context) (err error) {
	var lookups sync.WaitGroup
	defer func() {
		lookups.Wait()
		f.mu.Lock()
		f.ended = true
		f.mu.Unlock()
		if err != nil {
			f.shard.post(f.drain)
		}
		f.shard.connection.Wake()
	}()
	for target := range f.config.Targets {
		if err := f.config.Room(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		address, literal := literalAddress(target)
		switch {
		case address.IsValid():
			if !f.put(ctx, candidate{target, address}) {
				return nil
			}
		case literal:
			f.unresolved(target, errNoAddress)
		default:
			release, err := f.lookups.acquire(ctx)
			if err != nil {
				return nil
			}
			lookups.Go(func() {
				// Not before the target is ready: what waits for that counts too.
				defer release()
				address, err := resolve(ctx, f.config.Resolver, f.config.Proc, target, netip.Addr{})
				switch {
				case err == nil:
					f.put(ctx, candidate{target, address})
				case ctx.Err() == nil:
					f.unresolved(target, err)
				}
			})
		}
	}
	return nil
}

// literalAddress returns the address that a target's host is, which is not
// valid if it is of the wrong family.
func literalAddress(target *netsonde.Target) (address netip.Addr, literal bool) {
	address, err := netip.ParseAddr(target.Host)
	if err != nil {
		return netip.Addr{}, false
	}
	return choose(target.Family, []netip.Addr{address}, netip.Addr{}), true
}

func (f *feed) unresolved(target *netsonde.Target, reason error) {
	f.shard.post(func(now netsonde.Instant) { f.shard.unresolved(now, target, reason.Error()) })
}

// put has a target ready, as soon as there is room for it. It reports false
// when ctx ended before.
func (f *feed) put(ctx context.Context, c candidate) bool {
	f.mu.Lock()
	for f.full() {
		f.mu.Unlock()
		select {
		case <-f.taken:
		case <-ctx.Done():
			return false
		}
		f.mu.Lock()
	}
	f.ready = append(f.ready, c)
	for i := range c.target.Groups {
		f.probes += len(c.target.Groups[i].Probes)
	}
	room, hungry := !f.full(), f.hungry
	f.hungry = false
	f.mu.Unlock()
	if room {
		f.tellTaken() // others may wait for the rest of the room
	}
	if hungry {
		f.shard.connection.Wake()
	}
	return ctx.Err() == nil
}

// full needs f.mu.
func (f *feed) full() bool { return len(f.ready) >= feedAhead || f.probes >= probesAhead }

// take exchanges emptied, whose memory is used again, for what is ready. more
// that follow are told by a Wake; ended tells that none do.
func (f *feed) take(emptied []candidate) (ready []candidate, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ready, f.ready, f.probes = f.ready, emptied, 0
	f.hungry = len(ready) == 0
	f.tellTaken()
	return ready, f.ended
}

func (f *feed) tellTaken() {
	select {
	case f.taken <- struct{}{}:
	default:
	}
}

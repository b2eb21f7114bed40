package agent

import (
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"netsonde"
	"netsonde/internal/discovery"
)

const (
	// lookupTimeout bounds one lookup, whatever the resolver's own patience.
	lookupTimeout = 10 * time.Second
	// The pause after the first failure; it doubles up to the last.
	firstRetry = time.Second
	lastRetry  = time.Minute
	// leastPause keeps the loop from waking for each of many names.
	leastPause = 100 * time.Millisecond
)

// gatewayName is the name under which systemd's resolver, and we, know the
// default gateway (nss-myhostname(8)).
const gatewayName = "_gateway"

// errNoAddress tells that a name has addresses, but none of the wanted family.
var errNoAddress = errors.New("no address of the wanted family")

// name is what is known of where a target is. Its fields belong to Agent.mu.
type name struct {
	target *netsonde.Target
	// address is the last good one, invalid while none was.
	address netip.Addr
	// busy is closed when the lookup in flight ends; nil when there is none.
	busy     chan struct{}
	again    time.Time
	place    int32 // in Agent.again + 1; 0 when it does not wait there
	failures int32
	// literal tells that the host is an address, or none of the wanted family;
	// nothing is looked up.
	literal bool
	// awaited tells that an Apply sees to the next lookup.
	awaited bool
}

func newName(target *netsonde.Target) *name {
	n := &name{target: target}
	if address, err := netip.ParseAddr(target.Host); err == nil {
		n.literal = true
		n.address = choose(target.Family, []netip.Addr{address}, netip.Addr{})
	}
	return n
}

// lookUpFirst looks up names that have no address, all at the same time within
// the limit, and tells of those that fail. It returns when each has been, or
// ctx ends: then some were not, and complete is false.
func (a *Agent) lookUpFirst(ctx context.Context, unknown []*name) (complete bool) {
	defer a.leave(unknown)
	var lookups sync.WaitGroup
	var known atomic.Int64
	for _, n := range unknown {
		if n.literal {
			a.failed(n, errNoAddress, true)
			known.Add(1)
			continue
		}
		release, err := a.lookups.acquire(ctx)
		if err != nil {
			break
		}
		lookups.Go(func() {
			defer release()
			if a.lookUp(ctx, n, true) {
				known.Add(1)
			}
		})
	}
	lookups.Wait()
	return known.Load() == int64(len(unknown))
}

// leave gives names that were awaited over to lookUpAgain.
func (a *Agent) leave(names []*name) {
	a.mu.Lock()
	for _, n := range names {
		n.awaited = false
		a.wait(n)
	}
	a.mu.Unlock()
	a.reckonAnew()
}

// lookUpAgain looks names up whenever their time has come, until ctx ends.
func (a *Agent) lookUpAgain(ctx context.Context) {
	var lookups sync.WaitGroup
	defer lookups.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.changed:
		case <-timer.C:
		}
		due, next := a.dueNames(time.Now())
		for _, n := range due {
			release, err := a.lookups.acquire(ctx)
			if err != nil {
				return
			}
			lookups.Go(func() {
				defer release()
				a.lookUp(ctx, n, false)
			})
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(max(time.Until(next), leastPause))
		}
	}
}

// reckonAnew tells lookUpAgain that the time of a name has changed.
func (a *Agent) reckonAnew() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// dueNames returns the names whose time has come by now, and when the next
// one's comes; zero when there is none.
func (a *Agent) dueNames(now time.Time) (due []*name, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.again) > 0 {
		if next = a.again[0].again; next.After(now) {
			return due, next
		}
		due = append(due, heap.Pop(&a.again).(*name))
	}
	return due, time.Time{}
}

// wait has a name of the plan looked up again when its time has come, unless a
// lookup is in flight or seen to. It is called with Agent.mu held.
func (a *Agent) wait(n *name) {
	switch {
	case n.literal, n.awaited, n.busy != nil, a.names[n.target.Name] != n:
	case n.place > 0:
		heap.Fix(&a.again, int(n.place-1))
	default:
		heap.Push(&a.again, n)
	}
}

// lookUp looks one name up; tell has a failure told. A lookup that is already
// in flight is waited for, and repeated only if it found nothing. known is
// false when ctx ended before.
func (a *Agent) lookUp(ctx context.Context, n *name, tell bool) (known bool) {
	a.mu.Lock()
	for n.busy != nil {
		busy := n.busy
		a.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return false
		}
		a.mu.Lock()
		if n.address.IsValid() {
			a.mu.Unlock()
			return true
		}
	}
	busy := make(chan struct{})
	n.busy = busy
	if n.place > 0 {
		heap.Remove(&a.again, int(n.place-1))
	}
	target, current := n.target, n.address
	a.mu.Unlock()

	address, err := resolve(ctx, a.config.Resolver, a.config.Proc, target, current)
	known = err == nil || ctx.Err() == nil
	switch {
	case err == nil:
		a.found(n, address)
	case known:
		a.failed(n, err, tell)
	}
	a.mu.Lock()
	n.busy = nil
	a.wait(n)
	a.mu.Unlock()
	close(busy)
	a.reckonAnew()
	return known
}

// found stores an address and gives it to the shard if it is news.
func (a *Agent) found(n *name, address netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n.failures = 0
	n.again = time.Now().Add(a.resolveEvery)
	old := n.address
	n.address = address
	if old == address || a.names[n.target.Name] != n {
		return
	}
	target := n.target
	s := a.shards[a.shardOf(target.Name)]
	s.post(func(now netsonde.Instant) { s.setAddress(now, target, old, address) })
}

// failed sets the time of the next try and, if no address is known from
// before, lets the shard know, and has it tell if told to.
func (a *Agent) failed(n *name, err error, tell bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n.failures++
	pause := a.resolveEvery
	if !n.address.IsValid() {
		pause = min(firstRetry<<min(n.failures-1, 10), lastRetry)
	}
	n.again = time.Now().Add(pause)
	if n.address.IsValid() || a.names[n.target.Name] != n {
		return
	}
	target := n.target
	s := a.shards[a.shardOf(target.Name)]
	s.post(func(now netsonde.Instant) {
		s.engine.Unresolved(now, target.Name)
		if tell {
			s.unresolved(now, target, err.Error())
		}
	})
}

// resolve asks the kernel's routes for the gateway and the resolver for all
// other names.
func resolve(ctx context.Context, resolver Resolver, proc fs.FS, target *netsonde.Target, current netip.Addr) (netip.Addr, error) {
	if target.Host == gatewayName {
		if address := choose(target.Family, discovery.Gateways(proc), current); address.IsValid() {
			return address, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addresses, err := resolver.LookupNetIP(ctx, lookupNetwork(target.Family), target.Host)
	if err != nil {
		return netip.Addr{}, err
	}
	address := choose(target.Family, addresses, current)
	if !address.IsValid() {
		return netip.Addr{}, errNoAddress
	}
	return address, nil
}

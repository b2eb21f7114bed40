package agent

import (
	"context"
	"sync"
	"time"
)

const (
	// quickLookups may run at the same time as long as they are quick.
	quickLookups = 64
	// quickLookup is how long a lookup holds one of those places. Names whose
	// servers are dead thus delay the others by little.
	quickLookup = 200 * time.Millisecond
	// mostLookups may run at the same time, quick or not.
	mostLookups = 1024
)

// lookupLimit bounds how many names are looked up at the same time.
type lookupLimit struct {
	quick, all chan struct{}
}

func newLookupLimit() lookupLimit {
	return lookupLimit{quick: make(chan struct{}, quickLookups), all: make(chan struct{}, mostLookups)}
}

// acquire waits for a place. release must be called when the lookup has ended.
func (l lookupLimit) acquire(ctx context.Context) (release func(), err error) {
	select {
	case l.all <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case l.quick <- struct{}{}:
	case <-ctx.Done():
		<-l.all
		return nil, ctx.Err()
	}
	leaveQuick := sync.OnceFunc(func() { <-l.quick })
	slow := time.AfterFunc(quickLookup, leaveQuick)
	return func() {
		slow.Stop()
		leaveQuick()
		<-l.all
	}, nil
}

package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

const (
	// restShare is how much longer than a look the pause after it is, so that
	// looks at thousands of interfaces cost a twentieth of a processor at most.
	restShare = 20
	// longestRest keeps a look that had to wait, as all do while interfaces are
	// being configured, from being the last for long.
	longestRest = 100 * time.Millisecond
	// leastRest is the pause that a change of a carrier does not shorten.
	leastRest = 2 * time.Millisecond
	// egressKept is how long a destination's interface is remembered.
	egressKept = 10 * time.Second
	// mostEgress bounds how many are.
	mostEgress = 1 << 16
)

// Observer looks at the kernel's counters when it is asked to. Its methods may
// be called by any goroutine.
type Observer struct {
	counters *counters
	notices  *notices
	now      func() time.Duration
	warn     func(text string)
	outages  outages
	latest   atomic.Pointer[netsonde.Drops]

	// asked holds a token when a look is wanted, changed when a carrier has changed.
	asked, changed chan struct{}

	egressMu sync.Mutex
	routes   *netlink.Conn
	known    map[egressName]egressKnown
	// changes is how often carriers had changed when known was begun.
	changes uint64
}

type egressName struct{ to, from netip.Addr }

type egressKnown struct {
	index int
	until time.Duration
}

// Options are what an observer is made of.
type Options struct {
	// Now reads the monotonic clock by which probes are sent.
	Now func() time.Duration
	// Warn is told when the counters cannot be read, and when they can be again;
	// nil means nobody is.
	Warn func(text string)
}

// Open makes an observer of the network namespace of the calling thread. It
// takes the first look, and no other before Run. Close must be called at the end.
func Open(o Options) (*Observer, error) {
	c, err := openCounters()
	if err != nil {
		return nil, err
	}
	n, err := openNotices()
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	observer := &Observer{
		counters: c, notices: n, now: o.Now, warn: o.Warn, known: map[egressName]egressKnown{},
		asked: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	if observer.warn == nil {
		observer.warn = func(string) {}
	}
	if observer.routes, err = netlink.Dial(unix.NETLINK_ROUTE, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("open kernel counters: %w", err), c.close(), n.close())
	}
	if err := observer.look(); err != nil {
		return nil, errors.Join(err, observer.Close())
	}
	return observer, nil
}

// Close frees what Open took, after Run has returned.
func (o *Observer) Close() error {
	return errors.Join(o.counters.close(), o.notices.close(), o.routes.Close())
}

// Latest is the last look. It is never changed.
func (o *Observer) Latest() *netsonde.Drops { return o.latest.Load() }

// Look has another look taken soon, if Run runs. It never waits: the kernel may
// be slow to answer while its interfaces are being configured.
func (o *Observer) Look() { put(o.asked) }

// put leaves a token where none is.
func put(tokens chan struct{}) {
	select {
	case tokens <- struct{}{}:
	default:
	}
}

// Run takes looks until ctx ends: when asked to, and when a carrier changes.
func (o *Observer) Run(ctx context.Context) error {
	deaf := make(chan error, 1)
	var following sync.WaitGroup
	following.Go(func() { deaf <- o.notices.follow(ctx, o.Latest, func() { put(o.changed) }) })
	defer following.Wait()
	var failures failures
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-deaf:
			if err != nil {
				o.warn("That a carrier is lost is noticed late: " + err.Error())
			}
			continue
		case <-o.asked:
		case <-o.changed:
		}
		began := o.now()
		err := o.look()
		failures.note(o.now(), err, o.warn)
		o.rest(ctx, o.now()-began)
	}
}

// rest pauses after a look that took some time. A carrier that changes ends it,
// though not so soon that looks at many interfaces take more than half of a
// processor.
func (o *Observer) rest(ctx context.Context, took time.Duration) {
	least := min(max(took, leastRest), longestRest)
	pause(ctx, least, nil)
	if pause(ctx, min(took*restShare, longestRest)-least, o.changed) {
		put(o.changed)
	}
}

// pause waits, and reports whether a token ended that.
func pause(ctx context.Context, lasts time.Duration, tokens chan struct{}) bool {
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-tokens:
		return true
	}
	return false
}

func (o *Observer) look() error {
	began := o.now()
	d, err := o.counters.read()
	if err != nil {
		return err
	}
	d.Began, d.Ended = began, o.now()
	d.Outages = o.outages.observe(d)
	o.latest.Store(d)
	return nil
}

// Interface is the index of the interface by which packets to an address leave
// now, from one of ours if that is valid; 0 when it is not known.
func (o *Observer) Interface(to, from netip.Addr) int {
	latest := o.latest.Load()
	if zone := to.Zone(); zone != "" {
		for i := range latest.Interfaces {
			if is := &latest.Interfaces[i]; is.Name == zone || strconv.Itoa(is.Index) == zone {
				return is.Index
			}
		}
		return 0
	}
	now := o.now()
	o.egressMu.Lock()
	defer o.egressMu.Unlock()
	if changes := carrierChanges(latest); changes != o.changes || len(o.known) >= mostEgress {
		clear(o.known)
		o.changes = changes
	}
	name := egressName{to, from}
	if known, ok := o.known[name]; ok && known.until > now {
		return known.index
	}
	// Without a route there is no interface, and that is not remembered.
	index, err := egress(o.routes, to, from)
	if err != nil {
		return 0
	}
	o.known[name] = egressKnown{index, now + egressKept}
	return index
}

// carrierChanges differs when interfaces or their carriers have.
func carrierChanges(d *netsonde.Drops) uint64 {
	sum := uint64(0)
	for i := range d.Interfaces {
		sum = sum*31 + d.Interfaces[i].CarrierChanges + uint64(d.Interfaces[i].Index)
	}
	return sum
}

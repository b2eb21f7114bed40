package console

import (
	"net/netip"
	"sync"

	"netsonde"
)

// namers is how many targets have their names looked up at the same time.
const namers = 16

// measured is a target that is done.
type measured struct {
	target *netsonde.Target
	addr   netip.Addr
	// findings are empty for a target without address.
	findings []finding
}

// naming is the targets that are done and wait for the names of their
// addresses, which nobody who measures waits for.
type naming struct {
	mu      sync.Mutex
	filled  sync.Cond
	waiting []measured
	closed  bool
}

func newNaming() *naming {
	n := &naming{}
	n.filled.L = &n.mu
	return n
}

func (n *naming) push(m measured) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, m)
	n.filled.Signal()
}

// take waits for a target. It returns false once nothing is left to come.
func (n *naming) take() (measured, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.waiting) == 0 {
		if n.closed {
			return measured{}, false
		}
		n.filled.Wait()
	}
	m := n.waiting[0]
	n.waiting[0], n.waiting = measured{}, n.waiting[1:]
	return m, true
}

// close lets what waits be taken and then ends; with drop, at once.
func (n *naming) close(drop bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if drop {
		n.waiting = nil
	}
	n.filled.Broadcast()
}

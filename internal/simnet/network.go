package simnet

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Network is nodes and the links between them, with one client from which is
// measured. Its methods may be called by any goroutine at any time.
type Network struct {
	mu          sync.Mutex
	seed        uint64
	clock       clock
	client      *Node
	nodes       []*Node
	connections []*Connection
	accounts    map[netip.Addr]*Account
	pausedUntil time.Duration
	// ways holds, by the node where a packet is to go, the links that each
	// node may send it over. It is emptied when the topology changes.
	ways map[*Node]map[*Node][]*Link
}

// Account is what became of the probes that were sent to one address.
type Account struct {
	Sent int
	// Answered counts the probes to which something came back, once each and
	// whatever it was.
	Answered int
}

// New makes a network that holds only the client, with those addresses; an
// invalid one means that the client has none of that family. The same seed
// gives the same fates to the same packets.
func New(seed uint64, address4, address6 netip.Addr) *Network {
	n := &Network{
		seed:     seed,
		clock:    newClock(),
		accounts: map[netip.Addr]*Account{},
		ways:     map[*Node]map[*Node][]*Link{},
	}
	n.client = n.Node(address4, address6)
	return n
}

// Client is the node from which is measured.
func (n *Network) Client() *Node { return n.client }

// Node adds a node that answers under its addresses, either of which may be
// invalid.
func (n *Network) Node(address4, address6 netip.Addr) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	node := &Node{network: n, index: uint64(len(n.nodes)), address4: address4, address6: address6}
	for _, address := range []netip.Addr{address4, address6} {
		if address.IsValid() {
			node.claims = append(node.claims, claim{netip.PrefixFrom(address, address.BitLen()), AnswerAll})
		}
	}
	n.nodes = append(n.nodes, node)
	return node
}

// Link joins two nodes by a link of that quality in both directions. Packets
// take the ways with the fewest links; among equal ones the flow decides.
func (n *Network) Link(a, b *Node, quality Quality) *Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	link := &Link{network: n, ends: [2]*Node{a, b}, quality: [2]Quality{quality, quality}}
	a.links = append(a.links, link)
	b.links = append(b.links, link)
	clear(n.ways)
	return link
}

// StepClock moves the real-time clock by d; the monotonic one goes on.
func (n *Network) StepClock(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.clock.step(d)
}

// Pause stops the measuring process for d from now: its connections do
// nothing, while the network goes on.
func (n *Network) Pause(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pausedUntil = max(n.pausedUntil, n.clock.now().Monotonic+d)
}

// Account tells what has become of the probes to an address so far.
func (n *Network) Account(address netip.Addr) Account {
	n.mu.Lock()
	defer n.mu.Unlock()
	if account := n.accounts[address]; account != nil {
		return *account
	}
	return Account{}
}

// account returns the address's account, to be written to.
func (n *Network) account(address netip.Addr) *Account {
	account := n.accounts[address]
	if account == nil {
		account = &Account{}
		n.accounts[address] = account
	}
	return account
}

// owner is the node that answers for an address by its most exact claim, nil
// when there is none.
func (n *Network) owner(address netip.Addr) (*Node, Answer) {
	var owner *Node
	var best claim
	for _, node := range n.nodes {
		for _, c := range node.claims {
			if c.prefix.Contains(address) && (owner == nil || c.prefix.Bits() > best.prefix.Bits()) {
				owner, best = node, c
			}
		}
	}
	return owner, best.answer
}

// way returns the links over which here may send to the node there.
func (n *Network) way(here, there *Node) []*Link {
	ways := n.ways[there]
	if ways == nil {
		ways = waysTo(there)
		n.ways[there] = ways
	}
	return ways[here]
}

// waysTo walks the links from the node outwards, the nearest nodes first.
func waysTo(there *Node) map[*Node][]*Link {
	ways := map[*Node][]*Link{}
	distance := map[*Node]int{there: 0}
	for queue := []*Node{there}; len(queue) > 0; queue = queue[1:] {
		node := queue[0]
		for _, link := range node.links {
			if link.down {
				continue
			}
			next := link.other(node)
			known, seen := distance[next]
			if !seen {
				distance[next] = distance[node] + 1
				queue = append(queue, next)
			}
			if !seen || known == distance[node]+1 {
				ways[next] = append(ways[next], link)
			}
		}
	}
	return ways
}

// connect registers a connection and gives it chances of its own, so that
// what happens to one does not depend on the pace of another.
func (n *Network) connect(c *Connection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.chance = rand.New(rand.NewPCG(n.seed, uint64(len(n.connections))))
	n.connections = append(n.connections, c)
}

func (n *Network) disconnect(c *Connection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.connections, c); i >= 0 {
		n.connections[i] = nil
	}
}

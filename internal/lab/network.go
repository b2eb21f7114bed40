package lab

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// ErrUnavailable is wrapped by New's error when this machine or this user
// cannot make namespaces.
var ErrUnavailable = errors.New("no network lab here")

// Network is a set of nodes that are removed together.
//
// Building and changing a network is a row of small steps, so its methods
// return no errors: the first failure is kept, later steps do nothing, and Err
// tells it. A network made by ForTest ends its test at once instead.
type Network struct {
	mutex  sync.Mutex
	nodes  []*Node
	rules  int
	err    error
	failed func(error)
}

// New returns an empty network. The error wraps ErrUnavailable when namespaces
// cannot be made here. The caller closes the network.
func New() (*Network, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: run as root", ErrUnavailable)
	}
	n := &Network{}
	trial, err := newNode(n, "trial")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return n, trial.close()
}

// Err returns the first failure of any step so far.
func (n *Network) Err() error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.err
}

// fail keeps the first error. It reports whether there was one, now or before.
func (n *Network) fail(err error) bool {
	n.mutex.Lock()
	first := err != nil && n.err == nil
	if first {
		n.err = err
	}
	broken := n.err != nil
	n.mutex.Unlock()
	if first && n.failed != nil {
		n.failed(err)
	}
	return broken
}

// Node adds a node with its loopback interface up. Its name is for messages
// and for the interfaces that lead to it: at most 12 bytes, unique in the network.
func (n *Network) Node(name string) *Node {
	node, err := newNode(n, name)
	if err != nil {
		n.fail(fmt.Errorf("node %s: %w", name, err))
		return &Node{network: n, name: name}
	}
	n.mutex.Lock()
	n.nodes = append(n.nodes, node)
	n.mutex.Unlock()
	return node
}

// Close ends what was started in the nodes and removes them. It returns the
// first failure of the network's whole life.
func (n *Network) Close() error {
	n.mutex.Lock()
	nodes := n.nodes
	n.nodes = nil
	n.mutex.Unlock()
	var problems []error
	for _, node := range nodes {
		problems = append(problems, node.close())
	}
	return errors.Join(append(problems, n.Err())...)
}

package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// errClosed is the error of steps on a node that is gone.
var errClosed = errors.New("node is closed")

// Node is one machine of a network: network and mount namespaces of its own,
// with its own hosts file, sysctls and firewall. It answers like a fresh Linux
// machine; Forward makes it a router.
type Node struct {
	network *Network
	name    string

	mutex sync.Mutex
	calls chan func()
	ended chan struct{}
	// closers are what was opened in the node and ends before it does.
	closers []io.Closer

	// netns keeps a handle of the network namespace for moving links there.
	netns *os.File
	link  *netlink.Handle
	hosts *os.File
}

// Name returns the name that the node was made with.
func (n *Node) Name() string { return n.name }

// newNode starts the thread that is the node.
func newNode(network *Network, name string) (*Node, error) {
	if len(name) == 0 || len(name) > maxNodeName {
		return nil, fmt.Errorf("name must have 1 to %d bytes", maxNodeName)
	}
	calls := make(chan func())
	n := &Node{
		network: network,
		name:    name,
		calls:   calls,
		ended:   make(chan struct{}),
	}
	entered := make(chan error)
	onOwnThread(func() {
		defer close(n.ended)
		err := n.enter()
		entered <- err
		if err != nil {
			return
		}
		for call := range calls {
			call()
		}
	})
	if err := <-entered; err != nil {
		return nil, err
	}
	return n, nil
}

// onOwnThread runs f on a thread that dies with it. The main thread cannot
// die, and /proc/self shows its namespaces, so it is never taken.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			f()
		}()
		<-started
		runtime.UnlockOSThread()
	}()
}

// enter takes the calling thread to new namespaces and makes them habitable.
func (n *Node) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("new namespaces: %w", err)
	}
	var err error
	if n.netns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	if n.hosts, err = privateFiles(); err != nil {
		return err
	}
	if n.link, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	loopback, err := n.link.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("interface lo: %w", err)
	}
	if err := n.link.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("interface lo up: %w", err)
	}
	for name, value := range freshSysctls() {
		if err := writeSysctl(name, value); err != nil {
			return err
		}
	}
	return nil
}

// Do runs f on the node's thread, so that sockets and files that f opens
// itself are the node's. Goroutines that f starts are elsewhere: a dialler, a
// resolver or an HTTP transport in f leaves the node.
func (n *Node) Do(f func() error) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.calls == nil {
		return fmt.Errorf("node %s: %w", n.name, errClosed)
	}
	result := make(chan error)
	n.calls <- func() {
		err := errors.New("panicked")
		defer func() { result <- err }()
		err = f()
	}
	return <-result
}

// step runs f on the node's thread unless the network has failed before.
func (n *Node) step(what string, f func() error) {
	if n.network.fail(nil) {
		return
	}
	if err := n.Do(f); err != nil {
		n.network.fail(fmt.Errorf("node %s: %s: %w", n.name, what, err))
	}
}

// closeWith has c closed when the node is.
func (n *Node) closeWith(c io.Closer) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.closers = append(n.closers, c)
}

// close ends the thread; the kernel then kills what was started from it and
// removes the namespaces.
func (n *Node) close() error {
	n.mutex.Lock()
	closers, calls := n.closers, n.calls
	n.closers, n.calls = nil, nil
	n.mutex.Unlock()
	if calls == nil {
		return nil
	}
	var problems []error
	for _, c := range closers {
		problems = append(problems, c.Close())
	}
	close(calls)
	<-n.ended
	n.link.Close()
	problems = append(problems, n.hosts.Close(), n.netns.Close())
	return errors.Join(problems...)
}

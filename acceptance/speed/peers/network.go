package main

import (
	"fmt"
	"iter"
	"net/netip"
	"os"
	"strings"

	"netsonde/internal/lab"
)

// The chain: a client, 14 routers of which the eighth is silent, and a server
// that is the fifteenth hop and owns the destinations behind it.
const (
	chainRouters = 14
	silentRouter = 8
	behindChain  = "10.81.0.0/22"
)

// chain builds it, and returns the client and the address of the server.
func chain(network *lab.Network) (client *lab.Node, target netip.Addr) {
	nodes := []*lab.Node{network.Node("client")}
	for i := 1; i <= chainRouters; i++ {
		nodes = append(nodes, network.Node(fmt.Sprintf("router%d", i)))
	}
	nodes = append(nodes, network.Node("server"))
	last := len(nodes) - 1
	for i := range last {
		network.Link(nodes[i], nodes[i+1]).Addresses(fmt.Sprintf("10.80.%d.1/24", i), fmt.Sprintf("10.80.%d.2/24", i))
	}
	for i, node := range nodes {
		node.Unlimited()
		if i > 0 && i < last {
			node.Forward()
		}
		if i < last {
			node.Route(behindChain, fmt.Sprintf("10.80.%d.2", i))
		}
		for j := range last {
			switch {
			case j > i:
				node.Route(fmt.Sprintf("10.80.%d.0/24", j), fmt.Sprintf("10.80.%d.2", i))
			case j < i-1:
				node.Route(fmt.Sprintf("10.80.%d.0/24", j), fmt.Sprintf("10.80.%d.1", i-1))
			}
		}
	}
	nodes[last].Local(behindChain)
	nodes[silentRouter].Silent()
	return nodes[0], netip.MustParseAddr(fmt.Sprintf("10.80.%d.2", last-1))
}

// chainHops is the path that a trace of the chain must find: invalid where it
// is silent.
func chainHops(destination netip.Addr) (hops []netip.Addr) {
	for i := range chainRouters {
		addr := netip.MustParseAddr(fmt.Sprintf("10.80.%d.2", i))
		if i+1 == silentRouter {
			addr = netip.Addr{}
		}
		hops = append(hops, addr)
	}
	return append(hops, destination)
}

// addresses are count of them from first on.
func addresses(first netip.Addr, count int) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for addr := first; count > 0 && yield(addr); count-- {
			addr = addr.Next()
		}
	}
}

// hardwareAddress is that of a node's interface.
func hardwareAddress(node *lab.Node, name string) (address string, err error) {
	err = node.Do(func() error {
		text, err := os.ReadFile("/sys/class/net/" + name + "/address")
		address = strings.TrimSpace(string(text))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hardware address: %w", err)
	}
	return address, nil
}

func writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write a file for the run: %w", err)
	}
	return nil
}

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Hop is the way to one address: through the neighbour Via on a link, which
// may be the address itself. Without a link there is no way.
type Hop struct {
	To, Via netip.Addr
	Link    *Link
}

// Hops sets ways, in place of those to the same addresses before, for packets
// from the node's address source. Links need no addresses of their own for it.
func (n *Node) Hops(source netip.Addr, hops []Hop) {
	n.step("routes", func() error {
		interfaces := map[*Link]int{}
		for _, hop := range hops {
			route := &netlink.Route{Dst: hostNet(hop.To)}
			if hop.Link == nil {
				if err := n.link.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
					return fmt.Errorf("no way to %v: %w", hop.To, err)
				}
				continue
			}
			index, known := interfaces[hop.Link]
			if !known {
				i, err := n.link.LinkByName(hop.Link.interfaceOf(n))
				if err != nil {
					return fmt.Errorf("way to %v: %w", hop.To, err)
				}
				index = i.Attrs().Index
				interfaces[hop.Link] = index
			}
			route.LinkIndex, route.Src = index, source.AsSlice()
			if hop.Via == hop.To {
				route.Scope = netlink.SCOPE_LINK
			} else {
				route.Gw = hop.Via.AsSlice()
				route.SetFlag(netlink.FLAG_ONLINK)
			}
			if err := n.link.RouteReplace(route); err != nil {
				return fmt.Errorf("way to %v: %w", hop.To, err)
			}
		}
		return nil
	})
}

func hostNet(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

// interfaceOf returns the name of the node's end.
func (l *Link) interfaceOf(n *Node) string {
	if l.a.node == n {
		return l.a.name
	}
	return l.b.name
}

// nobody is a hardware address that no interface has.
func nobody() net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, 1} }

// Blind makes a node send what is for a neighbour on a cable to nobody, or no
// longer: one direction carries nothing while both ends stay up. It needs no
// firewall and lasts until the cable goes down.
func (l *Link) Blind(n *Node, neighbour netip.Addr, blind bool) {
	e := end{node: n, name: l.interfaceOf(n)}
	e.step("blind", func(i netlink.Link) error {
		entry := &netlink.Neigh{
			LinkIndex: i.Attrs().Index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT,
			IP: neighbour.AsSlice(), HardwareAddr: nobody(),
		}
		if blind {
			return n.link.NeighSet(entry)
		}
		if err := n.link.NeighDel(entry); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		return nil
	})
}

// Remove takes a cable and both its ends away. Wires are closed instead.
func (l *Link) Remove() {
	l.a.step("remove", func(i netlink.Link) error { return l.a.node.link.LinkDel(i) })
}

// CanWire returns nil if wires can be made here, else why not.
func CanWire() error {
	file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("wires need /dev/net/tun: %w", err)
	}
	return file.Close()
}

// Namespaces opens the node's network and mount namespaces, for setns(2). The
// caller closes both.
func (n *Node) Namespaces() (network, mount *os.File, err error) {
	err = n.Do(func() error {
		var problem error
		if network, problem = os.Open("/proc/thread-self/ns/net"); problem != nil {
			return problem
		}
		if mount, problem = os.Open("/proc/thread-self/ns/mnt"); problem != nil {
			return errors.Join(problem, network.Close())
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("namespaces of node %s: %w", n.name, err)
	}
	return network, mount, nil
}

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Route sends packets for a prefix ("default4" and "default6" are all of a
// family) to a gateway, in place of where they went before. Several gateways
// are a fork: each flow takes one of them, chosen by its addresses and ports.
func (n *Node) Route(prefix string, gateways ...string) {
	n.step("route "+prefix, func() error {
		route, err := routeTo(prefix)
		if err != nil {
			return err
		}
		addresses := make([]net.IP, len(gateways))
		for i, gateway := range gateways {
			address, err := netip.ParseAddr(gateway)
			if err != nil {
				return err
			}
			addresses[i] = address.AsSlice()
		}
		switch len(addresses) {
		case 0:
			return errors.New("no gateway")
		case 1:
			route.Gw = addresses[0]
		default:
			for _, name := range []string{"net.ipv4.fib_multipath_hash_policy", "net.ipv6.fib_multipath_hash_policy"} {
				if err := writeSysctl(name, "1"); err != nil {
					return err
				}
			}
			if err := n.viaEach(route, addresses); err != nil {
				return err
			}
		}
		return n.link.RouteReplace(route)
	})
}

// viaEach fills in a route's gateways with the interface of each, which the
// kernel wants to be told for IPv6.
func (n *Node) viaEach(route *netlink.Route, gateways []net.IP) error {
	for _, gateway := range gateways {
		direct, err := n.link.RouteGet(gateway)
		if err != nil {
			return fmt.Errorf("gateway %s: %w", gateway, err)
		}
		route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{
			LinkIndex: direct[0].LinkIndex,
			Gw:        gateway,
		})
	}
	return nil
}

// Unreachable makes the node refuse packets for a prefix: its own fail with
// EHOSTUNREACH, those of others are answered with "host unreachable".
func (n *Node) Unreachable(prefix string) { n.special(prefix, unix.RTN_UNREACHABLE, 0) }

// Local makes every address of a prefix the node's own, without the cost of
// an address each.
func (n *Node) Local(prefix string) { n.special(prefix, unix.RTN_LOCAL, unix.RT_TABLE_LOCAL) }

// special sets a route of a type that has no gateway.
func (n *Node) special(prefix string, kind, table int) {
	n.step("route "+prefix, func() error {
		route, err := routeTo(prefix)
		if err != nil {
			return err
		}
		loopback, err := n.link.LinkByName("lo")
		if err != nil {
			return err
		}
		route.Type, route.Table = kind, table
		if kind == unix.RTN_LOCAL {
			route.LinkIndex = loopback.Attrs().Index
			route.Scope = netlink.SCOPE_HOST
		}
		return n.link.RouteReplace(route)
	})
}

// NoRoute takes the route for a prefix away.
func (n *Node) NoRoute(prefix string) {
	n.step("no route "+prefix, func() error {
		route, err := routeTo(prefix)
		if err != nil {
			return err
		}
		return n.link.RouteDel(route)
	})
}

// routeTo returns a route with its destination only.
func routeTo(prefix string) (*netlink.Route, error) {
	switch prefix {
	case "default4":
		prefix = "0.0.0.0/0"
	case "default6":
		prefix = "::/0"
	}
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return nil, err
	}
	return &netlink.Route{Dst: &net.IPNet{
		IP:   p.Masked().Addr().AsSlice(),
		Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
	}}, nil
}

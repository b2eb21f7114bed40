package lab

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// maxNodeName leaves room in an interface's name, at most 15 bytes, for a
// number behind the name of the node at the other end.
const maxNodeName = 12

// Link is a cable between two nodes.
type Link struct{ a, b end }

// end is one end of a link.
type end struct {
	node *Node
	name string
}

// Link joins two nodes by a cable that is up. At each end the interface has
// the name of the node at the other, with a number from the second on.
func (n *Network) Link(a, b *Node) *Link {
	l := &Link{a: end{node: a}, b: end{node: b}}
	a.step("link to "+b.name, func() error {
		l.a.name = freeName(a, b.name)
		l.b.name = freeName(b, a.name)
		attributes := netlink.NewLinkAttrs()
		attributes.Name = l.a.name
		return a.link.LinkAdd(&netlink.Veth{
			LinkAttrs:     attributes,
			PeerName:      l.b.name,
			PeerNamespace: netlink.NsFd(int(b.netns.Fd())),
		})
	})
	l.Up()
	return l
}

// freeName returns the first interface name made of base that node has not.
func freeName(node *Node, base string) string {
	name := base
	for i := 2; i < 100; i++ {
		if _, err := node.link.LinkByName(name); err != nil {
			break
		}
		name = fmt.Sprint(base, i)
	}
	return name
}

// linkTime bounds how long a link may take to come up.
const linkTime = 10 * time.Second

// Up puts both ends up, and waits until they are. The kernel lets packets
// through some time after the call, which on a busy machine is noticed.
func (l *Link) Up() {
	l.each("up", (*netlink.Handle).LinkSetUp)
	for _, e := range []end{l.a, l.b} {
		e.step("wait for it to be up", func(i netlink.Link) (err error) {
			for end := time.Now().Add(linkTime); i.Attrs().OperState != netlink.OperUp; time.Sleep(time.Millisecond) {
				if i.Attrs().OperState == netlink.OperUnknown {
					break // it does not tell: a device without a carrier
				}
				if time.Now().After(end) {
					return fmt.Errorf("it is %v after %v", i.Attrs().OperState, linkTime)
				}
				if i, err = e.node.link.LinkByName(e.name); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// Down pulls the cable: both ends go down. Routes through them are gone and
// must be set again after Up.
func (l *Link) Down() { l.each("down", (*netlink.Handle).LinkSetDown) }

func (l *Link) each(what string, set func(*netlink.Handle, netlink.Link) error) {
	for _, e := range []end{l.a, l.b} {
		e.step(what, func(i netlink.Link) error { return set(e.node.link, i) })
	}
}

// Addresses gives each end addresses, as "10.0.0.1/24" or "fd00::1/64". An
// empty one is left out. It returns the link for the next pair.
func (l *Link) Addresses(a, b string) *Link {
	l.a.address(a)
	l.b.address(b)
	return l
}

// MTU sets the largest packet of both ends in bytes, IP header included.
func (l *Link) MTU(bytes int) {
	l.each("mtu", func(h *netlink.Handle, i netlink.Link) error { return h.LinkSetMTU(i, bytes) })
}

// step runs f on the end's interface.
func (e end) step(what string, f func(netlink.Link) error) {
	e.node.step("interface "+e.name+": "+what, func() error {
		i, err := e.node.link.LinkByName(e.name)
		if err != nil {
			return err
		}
		return f(i)
	})
}

// address adds one address to the end's interface.
func (e end) address(prefix string) {
	if prefix == "" {
		return
	}
	e.step("address "+prefix, func(i netlink.Link) error {
		p, err := netip.ParsePrefix(prefix)
		if err != nil {
			return err
		}
		address := &netlink.Addr{IPNet: &net.IPNet{
			IP:   p.Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}}
		if p.Addr().Is6() {
			address.Flags = unix.IFA_F_NODAD
		}
		return e.node.link.AddrAdd(i, address)
	})
}

// Address adds addresses to the node's loopback interface: they are the
// node's own wherever packets for them come in.
func (n *Node) Address(prefixes ...string) {
	for _, prefix := range prefixes {
		end{node: n, name: "lo"}.address(prefix)
	}
}

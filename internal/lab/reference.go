package lab

// Reference is the network in which connmonitor was recorded: a client, three
// routers in a row with a second one beside the middle, and servers of every
// kind behind them.
//
//	client 10.77.1.2 ─ 10.77.1.1 router1 ─ 10.77.2.2 router2  ─ 10.77.3.2 router3 ─ servers 10.77.10.0/24
//	                                    └ 10.77.2.6 router2b ─ 10.77.3.6 ┘
//
// Answers always come back through router2. 10.77.99.0/24 ends at router1 with
// "network unreachable", 10.77.98.0/24 at the client itself with EHOSTUNREACH.
// IPv6 takes the same way, fd77:1:: to fd77:10::, except for router2b.
type Reference struct {
	Client                              *Node
	Router1, Router2, Router2b, Router3 *Node
	Servers                             *Node

	services map[string][]*Service
}

// NewReference builds the network of the recordings in n.
func NewReference(n *Network) *Reference {
	r := &Reference{
		Client:   n.Node("client"),
		Router1:  n.Node("router1"),
		Router2:  n.Node("router2"),
		Router2b: n.Node("router2b"),
		Router3:  n.Node("router3"),
		Servers:  n.Node("servers"),
		services: map[string][]*Service{},
	}
	r.connect(n)
	r.route()
	r.Client.Hosts(referenceNames()...)
	for host, ports := range referenceServers(n) {
		for port, server := range ports {
			r.services[host] = append(r.services[host], r.Servers.Serve(host+":"+port, server))
		}
	}
	r.Servers.Drop(HookInput, "ip daddr 10.77.10.5 icmp type echo-request")
	r.Servers.Reject(HookInput, "ip daddr 10.77.10.6", "admin-prohibited")
	r.Servers.Drop(HookInput, "ip daddr 10.77.10.7")
	return r
}

// connect joins the nodes and gives them addresses.
func (r *Reference) connect(n *Network) {
	n.Link(r.Client, r.Router1).Addresses("10.77.1.2/24", "10.77.1.1/24").Addresses("fd77:1::2/64", "fd77:1::1/64")
	n.Link(r.Router1, r.Router2).Addresses("10.77.2.1/30", "10.77.2.2/30").Addresses("fd77:2::1/64", "fd77:2::2/64")
	n.Link(r.Router1, r.Router2b).Addresses("10.77.2.5/30", "10.77.2.6/30")
	n.Link(r.Router2, r.Router3).Addresses("10.77.3.1/30", "10.77.3.2/30").Addresses("fd77:3::1/64", "fd77:3::2/64")
	n.Link(r.Router2b, r.Router3).Addresses("10.77.3.5/30", "10.77.3.6/30")
	n.Link(r.Router3, r.Servers).Addresses("10.77.4.1/24", "10.77.4.2/24").Addresses("fd77:4::1/64", "fd77:4::2/64")
	r.Servers.Local("10.77.10.0/24")
	r.Servers.Address("fd77:10::1/128")
}

// route sets the routes there and back.
func (r *Reference) route() {
	for _, router := range []*Node{r.Router1, r.Router2, r.Router2b, r.Router3} {
		router.Forward()
	}
	r.Servers.Unlimited()
	// A router that really has no route says so five times and then once a
	// second, by a limit that namespaces cannot change.
	r.Router1.Reject(HookPrerouting, "ip daddr 10.77.99.0/24", "no-route")

	r.Client.Route("default4", "10.77.1.1")
	r.Client.Route("default6", "fd77:1::1")
	r.Client.Unreachable("10.77.98.0/24")
	r.Router1.Route("10.77.10.0/24", "10.77.2.2")
	r.Router1.Route("fd77:10::/64", "fd77:2::2")
	r.Router2.Route("10.77.10.0/24", "10.77.3.2")
	r.Router2.Route("fd77:10::/64", "fd77:3::2")
	r.Router2b.Route("10.77.10.0/24", "10.77.3.6")
	r.Router3.Route("10.77.10.0/24", "10.77.4.2")
	r.Router3.Route("fd77:10::/64", "fd77:4::2")

	r.Servers.Route("default4", "10.77.4.1")
	r.Servers.Route("default6", "fd77:4::1")
	r.Router3.Route("10.77.1.0/24", "10.77.3.1")
	r.Router3.Route("fd77:1::/64", "fd77:3::1")
	r.Router2.Route("10.77.1.0/24", "10.77.2.1")
	r.Router2.Route("fd77:1::/64", "fd77:2::1")
	r.Router2b.Route("10.77.1.0/24", "10.77.2.5")
}

// Reroute sends the client's packets through 10.77.2.6 instead of 10.77.2.2.
func (r *Reference) Reroute() { r.Router1.Route("10.77.10.0/24", "10.77.2.6") }

// RouteBack undoes Reroute.
func (r *Reference) RouteBack() { r.Router1.Route("10.77.10.0/24", "10.77.2.2") }

// Mute makes a server ignore echo requests until the filter is removed.
func (r *Reference) Mute(address string) *Filter {
	return r.Servers.Drop(HookInput, "ip daddr "+address+" icmp type echo-request")
}

// ClosePorts closes all ports of a server.
func (r *Reference) ClosePorts(address string) error {
	for _, s := range r.services[address] {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// OpenPorts opens them again.
func (r *Reference) OpenPorts(address string) {
	for _, s := range r.services[address] {
		s.Open()
	}
}

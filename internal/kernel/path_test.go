package kernel_test

import (
	"context"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"netsonde"
	"netsonde/internal/kernel"
	"netsonde/internal/lab"
)

// pathWorld is a machine with a router, and one with two queues.
type pathWorld struct {
	t             *testing.T
	here, gateway *lab.Node
}

func newPathWorld(t *testing.T) *pathWorld {
	n := lab.ForTest(t)
	w := &pathWorld{t: t, here: n.Node("here"), gateway: n.Node("gateway")}
	n.Link(w.here, w.gateway).Addresses("10.0.1.1/24", "10.0.1.2/24").Addresses("fd00:1::1/64", "fd00:1::2/64")
	w.here.Route("default4", "10.0.1.2")
	w.here.Route("default6", "fd00:1::2")
	return w
}

func (w *pathWorld) run(command string) {
	w.t.Helper()
	words := strings.Fields(command)
	if err := w.here.Run(exec.Command(words[0], words[1:]...)); err != nil {
		w.t.Fatalf("%s: %v", command, err)
	}
}

func (w *pathWorld) ask(question kernel.PathQuestion) *netsonde.LocalPath {
	w.t.Helper()
	var path *netsonde.LocalPath
	if err := w.here.Do(func() error {
		path = kernel.Path(context.Background(), question)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// to asks about an address and expects no problem.
func (w *pathWorld) to(address string) *netsonde.LocalPath {
	w.t.Helper()
	path := w.ask(kernel.PathQuestion{Addr: netip.MustParseAddr(address), Identity: 0x1234})
	if len(path.Problems) > 0 {
		w.t.Errorf("%s: problems: %q", address, path.Problems)
	}
	return path
}

// TestPath asks real kernels about ways of every sort.
func TestPath(t *testing.T) {
	w := newPathWorld(t)
	for _, c := range []struct{ address, gateway, source string }{
		{"192.0.2.1", "10.0.1.2", "10.0.1.1"}, {"2001:db8::1", "fd00:1::2", "fd00:1::1"},
		{"10.0.1.2", "", "10.0.1.1"}, {"::ffff:192.0.2.1", "10.0.1.2", "10.0.1.1"},
	} {
		path := w.to(c.address)
		want := netsonde.LocalRoute{Type: "unicast", Source: netip.MustParseAddr(c.source), Interface: "gateway", Table: 254}
		if c.gateway != "" {
			want.Gateway = netip.MustParseAddr(c.gateway)
		}
		if path.Route == nil || *path.Route != want {
			t.Errorf("%s: the route %+v, want %+v", c.address, path.Route, want)
		}
		if i := path.Interface; i == nil || i.Name != "gateway" || i.State != "up" || !i.Up || !i.Carrier || i.MTU != 1500 {
			t.Errorf("%s: the interface %+v", c.address, i)
		}
		if path.Neighbour == nil || len(path.Queues) != 1 || path.Queues[0].Kind != "noqueue" {
			t.Errorf("%s: the neighbour %+v, the queues %+v", c.address, path.Neighbour, path.Queues)
		}
	}

	w.run("ip route add 198.51.100.0/24 via 10.0.1.2 table 100 mtu 1400")
	w.run("ip rule add to 198.51.100.0/24 table 100")
	if route := w.to("198.51.100.1").Route; route.Table != 100 || route.MTU != 1400 {
		t.Errorf("a route of a table of its own: %+v", route)
	}
	w.run("ip route add blackhole 203.0.113.0/25")
	w.run("ip route add prohibit 203.0.113.128/25")
	for address, want := range map[string]syscall.Errno{
		"203.0.113.1": syscall.EINVAL, "203.0.113.129": syscall.EACCES,
	} {
		if path := w.to(address); path.Route.Errno != want || path.Interface != nil || path.Neighbour != nil {
			t.Errorf("%s: %+v", address, path.Route)
		}
	}
	if path := w.to("10.0.1.1"); path.Route.Type != "local" || path.Neighbour != nil {
		t.Errorf("an address of its own: %+v, %+v", path.Route, path.Neighbour)
	}
}

// TestPathNeighbours asks about next hops that answer, that do not, and that
// nobody has asked for.
func TestPathNeighbours(t *testing.T) {
	w := newPathWorld(t)
	if found := w.to("10.0.1.77").Neighbour; found.State != "absent" || found.Hardware != "" {
		t.Errorf("a neighbour that nobody asked for: %+v", found)
	}
	w.run("ip neighbour replace 10.0.1.2 lladdr 02:00:00:00:00:07 dev gateway nud permanent")
	if found := w.to("192.0.2.1").Neighbour; found.State != "permanent" || found.Hardware != "02:00:00:00:00:07" || found.Addr != netip.MustParseAddr("10.0.1.2") {
		t.Errorf("a neighbour that is told: %+v", found)
	}
	w.run("ip neighbour replace 10.0.1.9 dev gateway nud failed")
	if found := w.to("10.0.1.9").Neighbour; found.State != "failed" {
		t.Errorf("a neighbour that failed: %+v", found)
	}
}

// TestPathQueues sees what a queue has dropped, the root first.
func TestPathQueues(t *testing.T) {
	w := newPathWorld(t)
	w.run("tc qdisc add dev gateway root handle 1: tbf rate 8kbit burst 200 limit 300")
	// It has room for three of these, and two may leave at once.
	_ = w.here.Run(exec.Command("ping", "-c", "20", "-i", "0.01", "-W", "1", "-s", "56", "10.0.1.2"))
	queues := w.to("10.0.1.2").Queues
	if len(queues) == 0 || queues[0].Kind != "tbf" || queues[0].Drops == 0 {
		t.Errorf("the queues: %+v", queues)
	}
}

// TestPathConntrack finds the session of an echo, and none of another.
func TestPathConntrack(t *testing.T) {
	w := newPathWorld(t)
	w.here.Filter(lab.HookOutput, "ct state new,established", "accept")
	w.run("ping -c 1 -e 4660 10.0.1.2")
	question := kernel.PathQuestion{Addr: netip.MustParseAddr("10.0.1.2"), Identity: 4660}
	path := w.ask(question)
	if c := path.Conntrack; c == nil || c.Count == 0 || c.Max == 0 || len(c.Sessions) != 1 || !c.Sessions[0].Replied || c.Sessions[0].Left <= 0 {
		t.Errorf("tracked: %+v, problems %q", c, path.Problems)
	}
	question.Identity = 4661
	if path := w.ask(question); path.Conntrack == nil || path.Conntrack.Sessions == nil || len(path.Conntrack.Sessions) > 0 {
		t.Errorf("tracked of another: %+v, problems %q", path.Conntrack, path.Problems)
	}
}

// TestPathWithoutCarrier sees the far end go down.
func TestPathWithoutCarrier(t *testing.T) {
	w := newPathWorld(t)
	if err := w.gateway.Run(exec.Command("ip", "link", "set", "here", "down")); err != nil {
		t.Fatal(err)
	}
	path := w.to("192.0.2.1")
	if i := path.Interface; i == nil || !i.Up || i.Carrier || !slices.Contains([]string{"down", "lowerlayerdown"}, i.State) || i.CarrierChanges == 0 {
		t.Errorf("the interface %+v", i)
	}
}

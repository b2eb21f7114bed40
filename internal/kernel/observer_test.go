package kernel_test

import (
	"context"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/kernel"
	"netsonde/internal/lab"
)

// patience bounds how long the kernel may take to show what was done.
const patience = 10 * time.Second

// TestObserver looks at interfaces of a namespace while the other end of a cable
// is pulled, and while a queue drops. It needs root and namespaces.
func TestObserver(t *testing.T) {
	n := lab.ForTest(t)
	here, there := n.Node("here"), n.Node("there")
	n.Link(here, there).Addresses("10.0.0.1/24", "10.0.0.2/24")
	origin := time.Now()
	var observer *kernel.Observer
	if err := here.Do(func() (err error) {
		observer, err = kernel.Open(kernel.Options{
			Now: func() time.Duration { return time.Since(origin) }, Warn: func(text string) { t.Error(text) },
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- observer.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := observer.Close(); err != nil {
			t.Error(err)
		}
	}()

	index := observer.Interface(netip.MustParseAddr("10.0.0.2"), netip.Addr{})
	if is := observer.Latest().Interface(index); is == nil || is.Name != "there" || !is.Carrier || !is.Up {
		t.Fatalf("packets to the other end leave by %d, %+v", index, is)
	}
	if own := observer.Interface(netip.MustParseAddr("10.0.0.1"), netip.Addr{}); !observer.Latest().Interface(own).Loopback {
		t.Errorf("packets to this end leave by %d", own)
	}
	if unknown := observer.Interface(netip.MustParseAddr("192.0.2.1"), netip.Addr{}); unknown != 0 {
		t.Errorf("packets to nowhere leave by %d", unknown)
	}

	run(t, here, "tc", "qdisc", "add", "dev", "there", "root", "handle", "1:", "tbf", "rate", "1kbit", "burst", "1600", "limit", "100000")
	run(t, here, "tc", "qdisc", "add", "dev", "there", "parent", "1:1", "pfifo_head_drop", "limit", "1")
	before := observer.Latest().Interface(index)
	run(t, here, "ping", "-q", "-c", "40", "-i", "0.002", "-W", "1", "-s", "200", "10.0.0.2")
	await(t, observer, func(d *netsonde.Drops) bool { return d.Interface(index).QueueDropped >= before.QueueDropped+10 })
	run(t, here, "tc", "qdisc", "del", "dev", "there", "root")

	up := time.Since(origin)
	run(t, there, "ip", "link", "set", "here", "down")
	down := time.Since(origin)
	// Nobody asks for a look: the kernel tells.
	lost := wait(t, observer, func(d *netsonde.Drops) bool { return len(d.Outages) == 1 }).Outages[0]
	if lost.Interface != index || lost.To != 0 || lost.From > down {
		t.Errorf("the carrier of %d was lost between %v and %v; told is %+v", index, up, down, lost)
	}
	run(t, there, "ip", "link", "set", "here", "up")
	back := wait(t, observer, func(d *netsonde.Drops) bool { return d.Outages[0].To != 0 }).Outages[0]
	if back.To < down || back.From != lost.From {
		t.Errorf("the carrier is back: %+v, before %+v", back, lost)
	}
}

// TestEchoesWithARuleOfTheirOwn has ICMP leave by another interface than all else.
func TestEchoesWithARuleOfTheirOwn(t *testing.T) {
	n := lab.ForTest(t)
	here, near, far := n.Node("here"), n.Node("near"), n.Node("far")
	n.Link(here, near).Addresses("10.0.1.1/24", "10.0.1.2/24").Addresses("fd00:1::1/64", "fd00:1::2/64")
	n.Link(here, far).Addresses("10.0.2.1/24", "10.0.2.2/24").Addresses("fd00:2::1/64", "fd00:2::2/64")
	for _, each := range []struct{ family, protocol, by, away string }{
		{"-4", "icmp", "10.0.1.2", "10.0.2.2"}, {"-6", "ipv6-icmp", "fd00:1::2", "fd00:2::2"},
	} {
		run(t, here, "ip", each.family, "route", "add", "default", "via", each.by)
		run(t, here, "ip", each.family, "route", "add", "default", "via", each.away, "table", "100")
		run(t, here, "ip", each.family, "rule", "add", "ipproto", each.protocol, "lookup", "100")
	}
	var observer *kernel.Observer
	var paths []*netsonde.LocalPath
	addresses := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	if err := here.Do(func() (err error) {
		for _, addr := range addresses {
			paths = append(paths, kernel.Path(context.Background(), kernel.PathQuestion{Addr: addr}))
		}
		observer, err = kernel.Open(kernel.Options{Now: func() time.Duration { return 0 }})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := observer.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, addr := range addresses {
		if by := observer.Latest().Interface(observer.Interface(addr, netip.Addr{})); by == nil || by.Name != "far" {
			t.Errorf("echoes to %s leave by %+v", addr, by)
		}
		if path := paths[i]; path.Interface == nil || path.Interface.Name != "far" || path.Route.Table != 100 {
			t.Errorf("echoes to %s leave by %+v, %+v", addr, path.Interface, path.Route)
		}
	}
}

// await looks until a look shows something.
func await(t *testing.T, observer *kernel.Observer, shows func(*netsonde.Drops) bool) *netsonde.Drops {
	t.Helper()
	return wait(t, observer, func(d *netsonde.Drops) bool {
		observer.Look()
		return shows(d)
	})
}

// wait waits until a look shows something.
func wait(t *testing.T, observer *kernel.Observer, shows func(*netsonde.Drops) bool) *netsonde.Drops {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if d := observer.Latest(); shows(d) {
			return d
		}
	}
	t.Fatalf("it does not show: %+v", observer.Latest())
	return nil
}

// run runs a program in a node. Its exit code is no matter: ping's is that of loss.
func run(t *testing.T, node *lab.Node, name string, arguments ...string) {
	t.Helper()
	command := exec.Command(name, arguments...)
	if err := node.Run(command); err != nil && name != "ping" {
		t.Fatalf("%s %v: %v", name, arguments, err)
	}
}

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/check"
	"netsonde/internal/console"
	"netsonde/internal/probe"
	"netsonde/internal/socket"
)

const (
	// unreadTargets may wait for the writer before no more are started.
	unreadTargets = 1024
	// usualHops is how many packets a trace takes on the Internet, about.
	usualHops = 16
	// reverseTimeout bounds the lookup of an address's name.
	reverseTimeout = 2 * time.Second
)

// newSweep opens the sockets and makes a sweep over them, whose checks are the
// checker's.
func (o *oneShot) newSweep(report *console.Report, checker *check.Checker) (*agent.Sweep, *socket.Connection, error) {
	rates, err := o.rates()
	if err != nil {
		return nil, nil, err
	}
	connection, err := o.openConnection()
	if err != nil {
		return nil, nil, err
	}
	config := agent.SweepConfig{
		Connection: connection,
		Checks:     allChecks(checker),
		Sinks:      []agent.Sink{report},
		Targets:    o.targets,
		Room:       func(ctx context.Context) error { return report.WaitBelow(ctx, unreadTargets) },
		Rates:      rates,
		Proc:       os.DirFS("/proc"),
	}
	if rates != (probe.Rates{}) {
		config.Exempt = own()
	}
	if o.tool != console.ToolScan {
		config.Window = connection.Holds(o.largest())
	}
	sweep, err := agent.NewSweep(config)
	if err != nil {
		return nil, nil, errors.Join(err, connection.Close())
	}
	return sweep, connection, nil
}

// openConnection opens no sockets for a scan, whose checks have their own.
func (o *oneShot) openConnection() (*socket.Connection, error) {
	if o.tool == console.ToolScan {
		return socket.Open(socket.Options{Kind: socket.KindNothing, Origin: time.Now()})
	}
	return o.program.openConnection(socket.Options{
		EchoOnly: !slices.ContainsFunc(o.probes, func(p netsonde.Probe) bool {
			return p.Kind == netsonde.KindTrace && p.Protocol != netsonde.TraceICMP
		}),
		ReceiveOnly: o.receiveOnly(),
	})
}

// receiveOnly reports whether stamps of what leaves are left out, which are an
// eighth of what an echo costs: for many hosts as fast as possible. What few
// hosts cost is nothing, and their RTTs are to be true.
func (o *oneShot) receiveOnly() bool {
	most := uint64(budgetRate)
	if o.tool == console.ToolTrace {
		most /= usualHops
	}
	return o.rate == unlimited && o.total > most
}

// largest is the payload of the largest answer.
func (o *oneShot) largest() (size int) {
	for i := range o.probes {
		size = max(size, o.probes[i].Size)
	}
	return size
}

// own reports whether an address is one of this machine's. The budget is for
// the network; what does not leave is exempt.
func own() func(netip.Addr) bool {
	mine := sync.OnceValue(ownAddresses)
	return func(address netip.Addr) bool {
		if address.IsLoopback() {
			return true
		}
		_, is := mine()[address.WithZone("")]
		return is
	}
}

func ownAddresses() map[netip.Addr]struct{} {
	addresses := map[netip.Addr]struct{}{}
	// Addresses that cannot be had are merely not exempt.
	interfaces, _ := net.InterfaceAddrs()
	for _, text := range interfaces {
		if prefix, err := netip.ParsePrefix(text.String()); err == nil {
			addresses[prefix.Addr()] = struct{}{}
		}
	}
	return addresses
}

// reverseName is the first name of an address, "" for none.
func reverseName(address netip.Addr) string {
	ctx, cancel := context.WithTimeout(context.Background(), reverseTimeout)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, address.String())
	if err != nil || len(names) == 0 {
		return ""
	}
	return strings.TrimSuffix(names[0], ".")
}

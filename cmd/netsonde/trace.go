package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/console"
)

const (
	// webPort is where a TCP trace goes that is not told otherwise.
	webPort = 80
	// mostFlows are what Probe.Flow can number.
	mostFlows = 255
	// quickHopWait is how long a lone trace waits at least for a hop when a
	// farther one has answered: whoever asks sits there and waits.
	quickHopWait = 5 * time.Millisecond
)

func (p *program) traceCommand() *cobra.Command {
	o := &oneShot{program: p, tool: console.ToolTrace, timeout: time.Second}
	icmp, udp, tcp := false, false, false
	port, flows, hops, wait := 0, 1, 30, quickHopWait
	command := o.command("trace [flags] HOST…|@FILE", "Trace the routes to many hosts once",
		"Find the routers on the way to hosts, by UDP unless another protocol is asked for.",
		func() error {
			protocol, err := traceProtocol(icmp, udp, tcp)
			switch {
			case err != nil:
				return err
			case port < 0 || port > 65535:
				return fmt.Errorf("--port %d is out of range: give 1 to 65535", port)
			case port > 0 && icmp:
				return errors.New("--port means nothing with --icmp, which has no ports: leave it out")
			case flows < 1 || flows > mostFlows:
				return fmt.Errorf("--flows %d is out of range: give 1 to %d", flows, mostFlows)
			case hops < 1 || hops > 255:
				return fmt.Errorf("--hops %d is out of range: give 1 to 255", hops)
			case wait <= 0 || wait > time.Hour:
				return fmt.Errorf("--hop-wait %v is out of range: give more than 0 and at most 1h", wait)
			case protocol == netsonde.TraceTCP && port == 0:
				port = webPort
			}
			source, err := o.sourceAddress()
			for flow := range flows {
				o.probes = append(o.probes, netsonde.Probe{
					Kind: netsonde.KindTrace, Protocol: protocol, Port: uint16(port), Flow: uint8(flow),
					Hops: hops, HopWait: wait, Timeout: o.timeout, Source: source,
				})
			}
			return err
		})
	flags := command.Flags()
	flags.BoolVar(&icmp, "icmp", false, "send echoes")
	flags.BoolVar(&udp, "udp", false, "send datagrams")
	flags.BoolVar(&tcp, "tcp", false, "send the first packet of a connection")
	flags.IntVar(&port, "port", 0, "the port of datagrams and connections (default: traceroute's, and 80 for TCP)")
	flags.IntVar(&flows, "flows", flows, "how many flows to follow: routers may send them different ways")
	flags.IntVar(&hops, "hops", hops, "the longest way that is tried")
	flags.DurationVar(&wait, "hop-wait", wait, "how long a silent hop is waited for at least when a farther one has answered")
	return command
}

func traceProtocol(icmp, udp, tcp bool) (netsonde.TraceProtocol, error) {
	switch {
	case icmp && udp, icmp && tcp, udp && tcp:
		return 0, errors.New("--icmp, --udp and --tcp exclude each other: give one")
	case icmp:
		return netsonde.TraceICMP, nil
	case tcp:
		return netsonde.TraceTCP, nil
	default:
		return netsonde.TraceUDP, nil
	}
}

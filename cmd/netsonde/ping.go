package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/console"
)

// The bounds of an echo's payload (RFC 791: 65,535 bytes in all) and of the
// differentiated services codepoint (RFC 2474).
const (
	largestPayload = 65507
	largestDSCP    = 63
)

func (p *program) pingCommand() *cobra.Command {
	o := &oneShot{program: p, tool: console.ToolPing, timeout: 2 * time.Second}
	count, interval, size, dscp, whole := 3, time.Second, 56, 0, false
	command := o.command("ping [flags] HOST…|@FILE", "Ping many hosts once",
		"Send echoes to hosts and tell which of them answer, how fast, and why others do not.",
		func() error {
			switch {
			case count < 1 || count > 65535:
				return fmt.Errorf("--count %d is out of range: give 1 to 65535", count)
			case interval < 0 || interval > time.Hour:
				return fmt.Errorf("--interval %v is out of range: give 0s to 1h", interval)
			case count > 1 && interval < shortestInterval && o.rate == "":
				return fmt.Errorf("--interval %v is more than %d packets a second to one host: allow it with --rate", interval, budgetTarget)
			case size < 0 || size > largestPayload:
				return fmt.Errorf("--size %d is out of range: give 0 to %d bytes", size, largestPayload)
			case dscp < 0 || dscp > largestDSCP:
				return fmt.Errorf("--dscp %d is out of range: give 0 to %d", dscp, largestDSCP)
			}
			source, err := o.sourceAddress()
			o.probes = []netsonde.Probe{{
				Kind: netsonde.KindPing, Count: count, Spacing: interval, Size: size, Timeout: o.timeout,
				DSCP: uint8(dscp), DontFragment: whole, Source: source,
			}}
			return err
		})
	flags := command.Flags()
	flags.IntVarP(&count, "count", "c", count, "echoes a host")
	flags.DurationVarP(&interval, "interval", "i", interval, "time from one echo of a host to the next")
	flags.IntVar(&size, "size", size, "bytes of payload of an echo")
	flags.IntVar(&dscp, "dscp", dscp, "differentiated services codepoint")
	flags.BoolVar(&whole, "dont-fragment", false, "forbid to cut echoes on the way")
	return command
}

package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/config"
	"netsonde/internal/discovery"
	"netsonde/internal/doctor"
	"netsonde/internal/socket"
)

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor [flags] [FILE|-]",
		Short: "Say what this machine can and cannot do, and how to mend it",
		Long: `Doctor tries what monitoring needs: every kind of socket, the kernel's stamps,
buffers, the firewall on the way out, gateways and name servers. It says what it
found, why that matters, and for each gap the command that mends it. With FILE it
also holds the machine against what that configuration needs.

Packets go to this machine itself, to its gateways and to its name servers. Where
there is none, those neighbours are tried that might be one and, as the last name
server, a public one.

The exit code is 0 without gaps and 1 with some.`,
		Example: `  netsonde doctor
  netsonde doctor --json office.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeConfiguration,
		RunE: untilSignal(func(ctx context.Context, _ *cobra.Command, args []string) error {
			var needs *doctor.Needs
			if len(args) == 1 {
				var err error
				if needs, err = p.needs(ctx, args[0]); err != nil {
					return err
				}
			}
			return p.diagnose(ctx, needs, asJSON)
		}),
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON a finding")
	return command
}

// needs reads what a configuration asks of the machine.
func (p *program) needs(ctx context.Context, path string) (*doctor.Needs, error) {
	read, diagnostics, err := p.readConfiguration(ctx, path)
	for i := range diagnostics {
		p.complain(diagnostics[i])
	}
	var wrong config.Errors
	switch {
	case errors.As(err, &wrong):
		return nil, exit(exitUsage)
	case err != nil:
		return nil, err
	}
	return needsOf(read), nil
}

// needsOf sums a configuration up.
func needsOf(read *config.Configuration) *doctor.Needs {
	cost := config.CostOf(read.Plan)
	needs := &doctor.Needs{
		Targets: cost.Targets, PacketsPerSecond: cost.PacketsSent, Budgeted: cost.Budgeted, Budget: float64(read.Budget.Rate),
	}
	for _, target := range read.Plan.Targets {
		if address, err := netip.ParseAddr(target.Host); err == nil {
			needs.Addrs = append(needs.Addrs, address.Unmap())
		}
		for _, group := range target.Groups {
			for i := range group.Probes {
				probe := &group.Probes[i]
				if !probe.Kind.IsCheck() {
					continue
				}
				needs.Checks++
				port := probe.Port
				if port == 0 {
					port = probe.Kind.Port()
				}
				if probe.Kind != netsonde.KindDNS && port != 0 {
					needs.TCPPorts = append(needs.TCPPorts, port)
				}
			}
		}
	}
	slices.Sort(needs.TCPPorts)
	needs.TCPPorts = slices.Compact(needs.TCPPorts)
	return needs
}

// diagnose looks at the machine and prints what was found.
func (p *program) diagnose(ctx context.Context, needs *doctor.Needs, asJSON bool) error {
	options := doctor.Options{Try: trySocket, BufferAsked: socket.BufferAsked}
	for _, route := range discovery.DefaultRoutes(os.DirFS("/proc")) {
		options.Gateways = append(options.Gateways, doctor.Gateway{Addr: route.Gateway, Six: route.IPv6, Device: route.Interface})
	}
	facts := doctor.Gather(ctx, options)
	findings := doctor.Judge(&facts, needs)
	var text []byte
	if asJSON {
		text = doctor.AppendJSON(nil, findings)
	} else {
		text = doctor.AppendText(nil, findings, coloured(p.stdout))
	}
	if err := p.print(string(text)); err != nil {
		return err
	}
	if doctor.Gaps(findings) > 0 {
		return exit(exitFailure)
	}
	return nil
}

// trySocket tries a kind of socket for the doctor.
func trySocket(method doctor.Method, to netip.Addr, wait time.Duration) doctor.Attempt {
	kind := socket.KindPort
	switch method {
	case doctor.MethodRaw:
		kind = socket.KindRaw
	case doctor.MethodPing:
		kind = socket.KindPing
	}
	trial := socket.Try(kind, to, wait)
	return doctor.Attempt{
		OpenErrno: trial.OpenErrno, SendErrno: trial.SendErrno, Answered: trial.Answered, RTT: trial.RTT,
		ReceiveStamp: trial.ReceiveStamp, TransmitStamp: trial.TransmitStamp,
		ReceiveBuffer: trial.ReceiveBuffer, SendBuffer: trial.SendBuffer,
	}
}

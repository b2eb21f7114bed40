package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/config"
	"netsonde/internal/console"
	"netsonde/internal/socket"
)

// vitals is what connvitals was asked for.
type vitals struct {
	options config.Vitals
	version bool
}

func (p *program) connvitalsCommand() *cobra.Command {
	asked := vitals{options: config.DefaultVitals()}
	noPing := false
	command := &cobra.Command{
		Use:   "connvitals [flags] HOST…",
		Short: "Measure hosts once as connvitals does",
		RunE: func(command *cobra.Command, hosts []string) error {
			if asked.version {
				return p.print("connvitals (netsonde) " + version + "\n")
			}
			if len(hosts) == 0 {
				return errors.New("name at least one host")
			}
			asked.options.Ping = !noPing
			plan, diagnostics, err := asked.options.Plan(hosts)
			if err != nil {
				return err
			}
			for i := range diagnostics {
				p.complain(diagnostics[i])
			}
			if len(plan.Targets) == 0 {
				p.complain(config.ErrNoHosts)
				return exit(exitFailure)
			}
			return exit(p.vitals(command.Context(), plan))
		},
	}
	flags := command.Flags()
	flags.IntVarP(&asked.options.Hops, "hops", "H", asked.options.Hops, "most hops of a trace")
	flags.IntVarP(&asked.options.Pings, "pings", "p", asked.options.Pings, "pings a host")
	flags.BoolVarP(&noPing, "no-ping", "P", false, "send no pings")
	flags.BoolVarP(&asked.options.Trace, "trace", "t", false, "trace the route")
	flags.BoolVarP(&asked.options.Scan, "port-scan", "s", false, "check HTTP, HTTPS and MySQL on their ports")
	flags.BoolVarP(&asked.options.JSON, "json", "j", false, "print one line of JSON a host")
	flags.IntVar(&asked.options.Payload, "payload-size", asked.options.Payload, "bytes of payload of a ping")
	flags.BoolVarP(&asked.version, "version", "V", false, "print the version")
	return command
}

// vitals runs a plan once and returns the exit code.
func (p *program) vitals(ctx context.Context, plan *netsonde.Plan) int {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	signals := listen()
	defer signals.close()

	output := console.New(console.Options{
		Results: p.stdout, Diagnostics: p.diagnostics, Lossless: true, UnresolvedKind: "str",
	})
	ordered := console.NewInOrder(output, plan.Targets)
	connection, err := p.openConnection(socket.Options{})
	if err != nil {
		p.diagnostics.Error("OSError", err.Error())
		return exitFailure
	}
	defer connection.Close()
	running, err := p.newAgent([]*socket.Connection{connection}, nil, ordered, nil)
	if err != nil {
		p.diagnostics.Error("OSError", err.Error())
		return exitFailure
	}
	stopped := signals.serveOneShot(running.Drain)
	printing := startPrinting(output.Run, end)
	applied := make(chan error, 1)
	go func() { applied <- running.Apply(ctx, plan) }()
	err = running.Run(ctx)
	end(nil)
	unresolved := <-applied
	ordered.Flush()
	written := printing.finish(stopped)
	switch {
	case err != nil:
		p.diagnostics.Error("OSError", err.Error())
		return exitFailure
	case errors.Is(unresolved, agent.ErrNoHosts):
		p.complain(config.ErrNoHosts)
		return exitFailure
	}
	return p.printed(written)
}

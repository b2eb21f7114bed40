package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"netsonde"
	"netsonde/internal/config"
	"netsonde/internal/console"
	"netsonde/internal/discovery"
	"netsonde/internal/socket"
)

// live monitors what this machine's network stands on and shows it in a table,
// until it is interrupted.
func (p *program) live(ctx context.Context) int {
	found := discovery.Find(os.DirFS("/"))
	text := config.InitialFound(found.Gateways, found.Resolvers, found.Far)
	if found.Empty() {
		p.diagnostics.Warn("This machine has neither a gateway nor a resolver, which netsonde doctor explains: localhost is watched")
		text = []byte("targets: [localhost]")
	}
	plan, _, err := config.Parse("found.yaml", bytes.NewReader(text))
	if err != nil {
		p.complain(err)
		return exitFailure
	}
	hasten(plan)
	m := monitor{program: p, found: plan, badConfiguration: exitFailure}
	return m.run(ctx)
}

// newTable makes the table.
func (p *program) newTable(plan *netsonde.Plan, connection *socket.Connection) *console.Live {
	return console.NewLive(console.LiveOptions{
		Screen:    p.stdout,
		Size:      func() (columns, rows int) { return terminalSize(p.stdout) },
		Plain:     os.Getenv("TERM") == "dumb",
		Coloured:  coloured(p.stdout),
		Node:      nodeName(plan),
		Measuring: connection.Capabilities().Description,
		Hints:     "Ctrl-C ends; netsonde init writes a file to begin with; netsonde help",
	})
}

// hasten makes the pace of a file that is meant to run for years that of
// somebody who is looking.
func hasten(plan *netsonde.Plan) {
	for _, target := range plan.Targets {
		for i := range target.Groups {
			group := &target.Groups[i]
			switch group.Probes[0].Kind {
			case netsonde.KindPing:
				group.Cadence.Every = time.Second
			case netsonde.KindTrace:
				group.Cadence.Every = time.Minute
			default:
				group.Cadence.Every = 5 * time.Second
			}
			for j := range group.Probes {
				group.Probes[j].Timeout = min(group.Probes[j].Timeout, group.Cadence.Every)
			}
		}
	}
}

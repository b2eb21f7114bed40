package probe

import "netsonde"

// endUnresolved ends a round that has no address to go to as soon as it has
// begun.
func (e *Engine) endUnresolved(now netsonde.Instant, g *group) {
	for _, m := range g.probes {
		m.active = true
		switch m.plan.Kind {
		case netsonde.KindPing:
			e.batch.Bursts = append(e.batch.Bursts, netsonde.Burst{
				Probe: m.plan.ID, Round: g.round,
				Samples: []netsonde.Sample{{Sent: now, Outcome: netsonde.OutcomeUnresolved}},
			})
		case netsonde.KindTrace:
			e.batch.Routes = append(e.batch.Routes, netsonde.Route{
				Probe: m.plan.ID, Round: g.round, Started: now, Flow: m.plan.Flow,
				End: netsonde.RouteUnresolved, Protocol: m.plan.Protocol,
			})
		default:
			e.batch.Services = append(e.batch.Services, netsonde.Service{
				Probe: m.plan.ID, Round: g.round, Kind: m.plan.Kind, Port: m.plan.Port,
				Started: now.Time(), State: netsonde.ServiceUnresolved, Reason: "the name has no address",
			})
		}
		m.end(e, now)
	}
}

package config

import (
	"fmt"
	"time"

	"netsonde"
)

// pingVitalsTimeout is how long connvitals waits after the last ping.
const pingVitalsTimeout = 2 * time.Second

// Vitals is what connvitals' command line asks for: one round of each host.
type Vitals struct {
	Ping, Trace, Scan, JSON bool
	// Pings is the echoes of each host, 0 to 65,535.
	Pings int
	// Payload is the bytes of an echo, 0 to 65,507.
	Payload int
	// Hops is the largest TTL of a trace; 0 is no trace, above 255 counts as 255.
	Hops int
}

// DefaultVitals is what connvitals does without options.
func DefaultVitals() Vitals { return Vitals{Ping: true, Pings: 10, Payload: 41, Hops: 30} }

// Plan returns the plan for the hosts, in their order, and a diagnostic for
// each that no resolver could make sense of. An error names the number that is
// out of its range.
func (v Vitals) Plan(hosts []string) (*netsonde.Plan, []Diagnostic, error) {
	for _, number := range []struct {
		name         string
		value, limit int
	}{
		{"pings", v.Pings, maxPings}, {"payload size", v.Payload, maxPayload},
	} {
		if number.value < 0 || number.value > number.limit {
			return nil, nil, fmt.Errorf("%s is %d, not 0 to %d", number.name, number.value, number.limit)
		}
	}
	if v.Hops < 0 {
		return nil, nil, fmt.Errorf("hops is %d, below 0", v.Hops)
	}
	var probes []netsonde.Probe
	if v.Ping {
		probes = append(probes, ping(v.Pings, v.Payload, pingVitalsTimeout))
	}
	if v.Trace && v.Hops > 0 {
		probes = append(probes, trace(min(v.Hops, maxHops)))
	}
	if v.Scan {
		probes = append(probes, scan()...)
	}
	plan := newPlanner()
	pattern := []netsonde.Group{{Name: "all", Cadence: netsonde.Cadence{Once: true}, Probes: probes}}
	var diagnostics []Diagnostic
	for _, host := range hosts {
		if why := unusable(host); why != "" {
			diagnostics = append(diagnostics, Diagnostic{Severity: Host, Type: "str",
				Text: fmt.Sprintf("Unable to resolve host ( %s ): %s", host, why)})
			continue
		}
		plan.add(host, pattern, netsonde.Output{Dialect: netsonde.DialectConnmonitor3, JSON: v.JSON})
	}
	return plan.plan, diagnostics, nil
}

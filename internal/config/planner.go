package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"netsonde"
)

const (
	// maxHost is NI_MAXHOST less its final zero: no resolver takes more.
	maxHost = 1024

	traceTimeout = time.Second
	checkTimeout = time.Second
)

// planner builds a plan entry by entry.
type planner struct {
	plan *netsonde.Plan
	// ordinals counts the entries of each host.
	ordinals map[string]int
}

func newPlanner() *planner {
	return &planner{plan: &netsonde.Plan{}, ordinals: map[string]int{}}
}

// add appends a target that does what the groups say. They are copied, so that
// many targets can be made after one pattern.
func (p *planner) add(host string, pattern []netsonde.Group, output netsonde.Output) {
	ordinal := p.ordinals[host] + 1
	name := host + "#" + strconv.Itoa(ordinal)
	// The host shares the name's bytes: with a million entries that counts.
	host = name[:len(host)]
	p.ordinals[host] = ordinal

	target := &netsonde.Target{Name: name, Host: host, Family: netsonde.FamilyPrefer4,
		Groups: slices.Clone(pattern), Output: output}
	for i := range target.Groups {
		probes := slices.Clone(target.Groups[i].Probes)
		for j := range probes {
			probes[j].ID = netsonde.NewProbeID(name, target.Family, probes[j])
		}
		target.Groups[i].Probes = probes
	}
	p.plan.Targets = append(p.plan.Targets, target)
}

func ping(count, size int, timeout time.Duration) netsonde.Probe {
	return netsonde.Probe{Kind: netsonde.KindPing, Count: count, Size: size, Timeout: timeout}
}

func trace(hops int) netsonde.Probe {
	return netsonde.Probe{Kind: netsonde.KindTrace, Hops: hops, Protocol: netsonde.TraceUDP, Timeout: traceTimeout}
}

// scan is connmonitor's port scan: three service checks.
func scan() []netsonde.Probe {
	probes := make([]netsonde.Probe, 0, 3)
	for _, kind := range []netsonde.Kind{netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL} {
		probes = append(probes, netsonde.Probe{Kind: kind, Port: kind.Port(), Timeout: checkTimeout})
	}
	return probes
}

// unusable says why no resolver should be asked for the host, "" if one should.
func unusable(host string) string {
	switch {
	case isNumber(host):
		return "a bare number is no host"
	case strings.ContainsRune(host, '='):
		return "an option stands where the host belongs"
	case len(host) > maxHost:
		return "longer than " + strconv.Itoa(maxHost) + " bytes"
	case strings.ContainsFunc(host, unicode.IsControl):
		return "a control character in a host"
	default:
		return ""
	}
}

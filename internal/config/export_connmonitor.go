package config

import (
	"fmt"
	"math"
	"strings"
	"time"

	"netsonde"
)

// ExportNative writes the plan of a connmonitor file in the native format:
// the same hosts and statistics, sizes, counts and hops, at a fixed cadence.
// Comments say what differs, and which entries are left out: those that measured
// nothing, and hosts that are none there. It fails when no entry is left. The
// plan is none of the native format's; source is the file's name, for the
// comments.
func ExportNative(plan *netsonde.Plan, source string) ([]byte, error) {
	e := exporter{known: map[string]*section{}, notes: map[note]string{}}
	for _, target := range plan.Targets {
		e.add(target)
	}
	if len(e.sections) == 0 && e.silent > 0 && e.silent == len(e.leftOut) {
		return nil, fmt.Errorf("import %s: every statistic is off for every host, so there is nothing to watch: switch on ping, trace or scan, and import again", source)
	}
	if len(e.sections) == 0 {
		return nil, fmt.Errorf("export the configuration: no entry is left: %s", strings.Join(e.leftOut[:min(len(e.leftOut), 3)], "; "))
	}
	var file strings.Builder
	file.WriteString(comment("#", "#", "Made from "+source+" by netsonde import connmonitor."))
	for n := range notes {
		if text := e.notes[n]; text != "" {
			if n == noteRate {
				file.WriteString("#\n# What differs from connmonitor:\n")
			}
			file.WriteString(comment("# -", "#  ", text))
		}
	}
	if e.leftOut != nil {
		file.WriteString("#\n# Left out:\n")
		for _, why := range e.leftOut {
			file.WriteString(comment("# -", "#  ", why))
		}
	}
	file.WriteString(e.budget())
	file.WriteString("\ngroups:\n")
	for _, s := range e.sections {
		file.WriteString("  - probes:\n" + s.probes + "    targets:\n")
		for _, line := range s.targets {
			file.WriteString(line)
		}
	}
	return []byte(file.String()), nil
}

// note is something that an imported file does in another way; each is told once.
type note int

const (
	noteRate note = iota
	noteTogether
	noteShortest
	noteLongest
	noteTimeout
	noteCheckTimeout
	noteFamily
	noteJSON
	noteNothing
	notes
)

// section is the targets that are measured alike.
type section struct {
	groups []netsonde.Group
	// probes and targets are the lines of the two lists.
	probes  string
	targets []string
}

// exporter turns targets into sections in the order in which they come.
type exporter struct {
	sections []*section
	// known are the sections by their probes.
	known   map[string]*section
	native  netsonde.Plan
	notes   map[note]string
	leftOut []string
	// silent is how many were left out since nothing of them was measured.
	silent int
}

func (e *exporter) add(target *netsonde.Target) {
	if target.Output.JSON {
		e.notes[noteJSON] = "The file asked for JSON: netsonde run --output json."
	}
	if why := asOneHost(target.Host); why != "" {
		e.leftOut = append(e.leftOut, why)
		return
	}
	var groups []netsonde.Group
	for i := range target.Groups {
		groups = append(groups, e.fixed(&target.Groups[i])...)
	}
	if len(groups) == 0 {
		e.silent++
		e.leftOut = append(e.leftOut, "host "+target.Host+": nothing was measured")
		return
	}
	if !literal(target.Host).IsValid() {
		e.notes[noteFamily] = "Of a name with both, connmonitor took an IPv4 address before an IPv6 one. " +
			"Here the resolver's order counts; family: ipv4 takes IPv4 only."
	}
	s := e.section(groups)
	host := yamlText(target.Host)
	if name := strings.TrimSuffix(target.Name, "#1"); name != target.Host {
		host = "{name: " + yamlText(name) + ", host: " + host + "}"
	}
	s.targets = append(s.targets, "      - "+host+"\n")
	e.native.Targets = append(e.native.Targets, &netsonde.Target{Host: target.Host, Groups: s.groups})
}

// section finds or makes the section of the targets that are measured so.
func (e *exporter) section(groups []netsonde.Group) *section {
	var probes strings.Builder
	for i := range groups {
		probes.WriteString("      - " + yamlProbe(groups[i].Cadence, &groups[i].Probes[0]) + "\n")
	}
	s := e.known[probes.String()]
	if s == nil {
		s = &section{groups: groups, probes: probes.String()}
		e.known[s.probes] = s
		e.sections = append(e.sections, s)
	}
	return s
}

// fixed gives the probes of a group a fixed cadence, each a group of its own.
func (e *exporter) fixed(group *netsonde.Group) []netsonde.Group {
	var groups []netsonde.Group
	e.notes[noteRate] = fmt.Sprintf("Rounds start at fixed times. connmonitor paused after the end of a round; here "+
		"\"every\" is that pause and the time that a round takes where nothing is amiss, which is taken to be %s "+
		"for echoes, %s for a service check and %s for a trace. Slow targets are therefore measured more often than they were, "+
		"and quick ones a little less.", writeDuration(typicalPing), writeDuration(typicalCheck), writeDuration(typicalTrace))
	if len(group.Probes) > 1 {
		e.notes[noteTogether] = "The statistics of a host started together and waited for each other. " +
			"Here each has a place of its own in the interval."
	}
	for _, p := range group.Probes {
		if p.Kind == netsonde.KindPing && p.Count == 0 {
			e.notes[noteNothing] = "Bursts of 0 echoes are left out."
			continue
		}
		interval := (group.Cadence.Pause + typicalDuration(group)).Round(time.Millisecond)
		if interval < leastEvery {
			e.notes[noteShortest] = "Pauses were shorter than the shortest interval, " + writeDuration(leastEvery) + "."
			interval = leastEvery
		}
		if interval > mostEvery {
			e.notes[noteLongest] = "Pauses were longer than the longest interval, " + writeDuration(mostEvery) + "."
			interval = mostEvery
		}
		switch {
		case p.Timeout <= interval:
		case p.Kind != netsonde.KindPing:
			e.notes[noteCheckTimeout] = "The answer of a service check or a trace is waited for until the next round, where connmonitor waited for " +
				writeDuration(p.Timeout) + "; one that comes later is lost. A longer interval makes room for a longer timeout."
			p.Timeout = interval
		default:
			e.notes[noteTimeout] = "An echo is waited for until the next round, where connmonitor waited for " +
				writeDuration(p.Timeout) + "; one that comes later is told as late, with its RTT, and is no loss."
			p.Timeout = interval
		}
		groups = append(groups, netsonde.Group{Name: p.Kind.String(), Cadence: netsonde.Cadence{Every: interval}, Probes: []netsonde.Probe{p}})
	}
	return groups
}

// budget raises the budget where what the file asks for is above the default.
func (e *exporter) budget() string {
	cost := CostOf(&e.native)
	described, _ := Describe().Mapping("budget")
	var fields []string
	for _, part := range []struct {
		name string
		sent float64
	}{
		{"rate", cost.Budgeted}, {"destination", cost.Destination.PacketsSent}, {"network", cost.Network.PacketsSent},
	} {
		key, _ := described.Key(part.name)
		if limit, _ := parseInteger(key.Default); part.sent > float64(limit) {
			fields = append(fields, fmt.Sprintf("%s: %.0f", part.name, roundedUp(part.sent)))
		}
	}
	if fields == nil {
		return ""
	}
	return "\n" + comment("#", "#", "What the file asks for is above the default budget, in packets a second. connmonitor had none.") +
		"budget: {" + strings.Join(fields, ", ") + "}\n"
}

// roundedUp is the next number with two figures.
func roundedUp(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Ceil(x/unit) * unit
}

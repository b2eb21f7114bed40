package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is one kind of work that is measured.
type row struct {
	name string
	work string
	run  func(*bench) error
	// brief tells that a run is over in a second. The machine's speed differs from
	// one to the next by a fifth, so there are more of them.
	brief bool
}

// rows are all of them, in the order of the table.
func rows() []row {
	return []row{
		{"sweep", "sweep of 127.0.0.0/16, one echo each", (*bench).sweep, true},
		{"sweep-large", "sweep of 262,144 and 1,048,576 targets", (*bench).sweepLarge, false},
		{"veth", "sweep of a /16 over a veth", (*bench).sweepLink, true},
		{"monitor-10k", "10,000 targets at 1/s", (*bench).monitorTenThousand, false},
		{"monitor-50k", "50,000 targets at 1/s", (*bench).monitorFiftyThousand, false},
		{"monitor-100k", "100,000 targets at 1/s", (*bench).monitorHundredThousand, false},
		{"monitor-1m", "1,000,000 targets at 0.1/s", (*bench).monitorMillion, false},
		{"trace", "a trace of 15 hops, the eighth silent", (*bench).traceOne, true},
		{"traces", "traces to 1,000 destinations behind it", (*bench).traceMany, false},
		{"ports", "open ports of 1,000 hosts × 3", (*bench).ports, true},
		{"services", "http, https and mysql checks of 1,000 hosts", (*bench).services, false},
		{"rtt", "error of an RTT against a capture on the path", (*bench).roundTrips, false},
	}
}

func rowNames() (names []string) {
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return names
}

// chosen are the rows of a list of names, all for an empty one.
func chosen(list string) ([]row, error) {
	if list == "" {
		return rows(), nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(rowNames(), name) {
			return nil, fmt.Errorf("-row %q is none: give %s", name, strings.Join(rowNames(), ", "))
		}
	}
	return slices.DeleteFunc(rows(), func(r row) bool { return !slices.Contains(wanted, r.name) }), nil
}

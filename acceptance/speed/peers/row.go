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
}

// rows are all of them, in the order of the table.
func rows() []row {
	return []row{
		{"sweep", "sweep of 127.0.0.0/16, one echo each", (*bench).sweep},
		{"sweep-large", "sweep of 262,144 and 1,048,576 targets", (*bench).sweepLarge},
		{"veth", "sweep of a /16 over a veth", (*bench).sweepLink},
		{"monitor-10k", "10,000 targets at 1/s", (*bench).monitorTenThousand},
		{"monitor-50k", "50,000 targets at 1/s", (*bench).monitorFiftyThousand},
		{"monitor-100k", "100,000 targets at 1/s", (*bench).monitorHundredThousand},
		{"monitor-1m", "1,000,000 targets at 0.1/s", (*bench).monitorMillion},
		{"trace", "a trace of 15 hops, the eighth silent", (*bench).traceOne},
		{"traces", "traces to 1,000 destinations behind it", (*bench).traceMany},
		{"ports", "open ports of 1,000 hosts × 3", (*bench).ports},
		{"services", "http, https and mysql checks of 1,000 hosts", (*bench).services},
		{"rtt", "error of an RTT against a capture on the path", (*bench).roundTrips},
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

package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"netsonde/internal/mesh"
	"netsonde/pmonitor"
)

// statusPatience is how long "mesh status" waits for one locked database.
const statusPatience = 10 * time.Second

func (p *program) meshStatusCommand() *cobra.Command {
	command := meshVerb("status", "Print what each node's monitor does and sees", cobra.NoArgs,
		func(ctx context.Context, command *cobra.Command, directory mesh.Directory, _ []string) error {
			state, seen, err := mesh.NewObserver(directory, statusPatience).Observe(ctx)
			if err != nil {
				return err
			}
			running, err := directory.Running()
			if err != nil {
				return err
			}
			for i := range seen {
				if seen[i].Err != nil {
					p.diagnostics.Warn(seen[i].Err.Error())
				}
			}
			return p.answer(command, statusText(state, seen, running), statusFields(state, seen, running))
		})
	command.Long = `Prints for each node what its monitor does, how many of the targets that have ever
answered it do now, and the last five that it pinged, the latest first: + answered,
- did not. A stable node counts stable targets only.`
	command.Flags().Bool("json", false, "print one line of JSON")
	return command
}

// statusText is the status for people.
func statusText(state *mesh.State, seen []mesh.Observation, running bool) string {
	var text bytes.Buffer
	switch {
	case running:
		fmt.Fprintf(&text, "runs since %s, process %d\n", state.Started.Format(time.DateTime), state.Process)
		if state.URL != "" {
			fmt.Fprintln(&text, "page:", state.URL)
		}
	case state.Ended.IsZero():
		fmt.Fprintf(&text, "died: process %d is gone. Clean up with: netsonde mesh stop\n", state.Process)
	default:
		fmt.Fprintf(&text, "ended at %s, files kept\n", state.Ended.Format(time.DateTime))
	}
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNODE\tADDRESS\tKIND\tMONITOR\tGOOD\tLAST FIVE")
	for i := range seen {
		node := &seen[i].Node
		good, monitor := "", monitorState(node, running)
		if node.Monitor != mesh.MonitorNone {
			good = fmt.Sprintf("%d / %d", seen[i].Count.Good, seen[i].Count.Total)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", node.Name, node.Address, kindOf(node.Stable), monitor, good,
			lastFive(node.Name, seen[i].LastFive))
	}
	_ = table.Flush() // a buffer takes everything
	return text.String()
}

// monitorState is what the monitor does; none runs without its process.
func monitorState(node *mesh.NodeState, running bool) mesh.Monitor {
	if !running && node.Monitor == mesh.MonitorRunning {
		return mesh.MonitorEnded
	}
	return node.Monitor
}

// lastFive are the last pings' targets. The own row, which fills up, is none.
func lastFive(own string, list []pmonitor.Status) string {
	var words []string
	for _, status := range list {
		sign := "-"
		if status.Responded {
			sign = "+"
		}
		if status.Name != own {
			// Escaped: it may come from anyone's row.
			quoted := strconv.Quote(status.Name)
			words = append(words, sign+quoted[1:len(quoted)-1])
		}
	}
	return strings.Join(words, " ")
}

func kindOf(stable bool) string {
	if stable {
		return "stable"
	}
	return "dynamic"
}

// statusFields is the status for programs.
func statusFields(state *mesh.State, seen []mesh.Observation, running bool) map[string]any {
	type target struct {
		Name      string `json:"name"`
		Responded int    `json:"responded"`
	}
	type node struct {
		mesh.NodeState
		Good     int      `json:"good"`
		Total    int      `json:"total"`
		LastFive []target `json:"last_five"`
		Targets  []target `json:"targets"`
		Error    string   `json:"error,omitempty"`
	}
	targets := func(list []pmonitor.Status) []target {
		all := []target{}
		for _, status := range list {
			all = append(all, target{status.Name, bit(status.Responded)})
		}
		return all
	}
	nodes := []node{}
	for i := range seen {
		s := &seen[i]
		n := node{NodeState: s.Node, Good: s.Count.Good, Total: s.Count.Total,
			LastFive: targets(s.LastFive), Targets: targets(s.Statuses)}
		n.Monitor = monitorState(&n.NodeState, running)
		if s.Err != nil {
			n.Error = s.Err.Error()
		}
		nodes = append(nodes, n)
	}
	return map[string]any{"running": running, "process": state.Process, "started": state.Started.Format(time.RFC3339Nano),
		"url": state.URL, "nodes": nodes}
}

func (p *program) meshStatsCommand() *cobra.Command {
	command := meshVerb("stats", "Print how many pairs of nodes answered over time", cobra.NoArgs,
		func(_ context.Context, command *cobra.Command, directory mesh.Directory, _ []string) error {
			state, err := directory.State()
			if err != nil {
				return err
			}
			text := "TIME                 STABLE GOOD  TOTAL  DYNAMIC GOOD  TOTAL\n"
			for _, s := range state.Samples {
				text += fmt.Sprintf("%-19s  %11d  %5d  %12d  %5d\n", s.Time.Format(time.DateTime),
					s.Stable.Good, s.Stable.Total, s.Dynamic.Good, s.Dynamic.Total)
			}
			return p.answer(command, text, map[string]any{"samples": append([]mesh.Sample{}, state.Samples...)})
		})
	command.Long = `Prints a line for every 20 seconds, the last 200 of them: how many pairs answered, of
those that ever had, by the kind of the node that pings.`
	command.Flags().Bool("json", false, "print one line of JSON")
	return command
}

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// describe gives every command that says nothing longer a sentence, and the
// examples below, which help and the manual pages show.
func describe(root *cobra.Command) {
	examples := commandExamples()
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		path := strings.TrimPrefix(command.CommandPath(), root.Name())
		if command.Long == "" && command.Short != "" {
			command.Long = command.Short + "."
		}
		if lines := examples[strings.TrimSpace(path)]; command.Example == "" && lines != "" {
			command.Example = "  " + strings.ReplaceAll(lines, "\n", "\n  ")
		}
		for _, child := range command.Commands() {
			walk(child)
		}
	}
	walk(root)
}

// commandExamples are calls of the commands that do not bring their own, by
// the words behind the program's name.
func commandExamples() map[string]string {
	return map[string]string{
		"": `netsonde init -o office.yaml
netsonde check-config office.yaml
netsonde run office.yaml`,
		"run":                  "netsonde run office.yaml\nnetsonde run - < /etc/connmonitor.conf",
		"ping":                 "netsonde ping -c 3 192.0.2.1 web.example\nnetsonde ping -q 10.0.0.0/24",
		"trace":                "netsonde trace web.example\nnetsonde trace --tcp web.example",
		"scan":                 "netsonde scan web.example\nnetsonde scan --ports 80,443 --open 10.0.0.0/24",
		"doctor":               "netsonde doctor\nnetsonde doctor office.yaml",
		"connmonitor":          "netsonde connmonitor hosts.conf\nnetsonde connmonitor - < hosts.conf",
		"connvitals":           "netsonde connvitals -t -s web.example\nnetsonde connvitals --json -p 5 192.0.2.1 192.0.2.2",
		"install":              "sudo netsonde install\nnetsonde install --user --dry-run",
		"uninstall":            "sudo netsonde uninstall\nnetsonde uninstall --user --dry-run",
		"version":              "netsonde version",
		"lab":                  "netsonde lab demo\nsudo netsonde lab up torus --rings 5 --nodes 5",
		"lab demo":             "netsonde lab demo",
		"lab down":             "sudo netsonde lab down\nsudo netsonde lab down --all",
		"lab fault":            "sudo netsonde lab fault link-down sat1-1 sat1-2",
		"lab graph":            "netsonde lab graph ring\nnetsonde lab graph torus --format dot",
		"lab list":             "netsonde lab list",
		"lab nodes":            "sudo netsonde lab nodes | sudo netsonde mesh start -",
		"lab run":              "sudo netsonde lab run sat1-1 -- ping -c 3 ground2",
		"lab shell":            "netsonde lab shell\nnetsonde lab shell -- netsonde lab up ring",
		"lab status":           "netsonde lab status",
		"lab up":               "sudo netsonde lab up torus --rings 5 --nodes 5 --stations 4",
		"mesh":                 "sudo netsonde mesh start nodes\nnetsonde mesh status",
		"mesh start":           "sudo netsonde mesh start nodes",
		"mesh status":          "netsonde mesh status",
		"mesh stats":           "netsonde mesh stats",
		"mesh stop":            "sudo netsonde mesh stop",
		"mesh consolidate":     "netsonde mesh consolidate all.sqlite",
		"pmonitor":             "netsonde pmonitor init master.sqlite ams 192.0.2.1 1 lon 192.0.2.2 0\nnetsonde pmonitor monitor master.sqlite work.sqlite 192.0.2.1",
		"pmonitor can-run":     "netsonde pmonitor can-run work.sqlite 192.0.2.1",
		"pmonitor consolidate": "netsonde pmonitor consolidate master.sqlite all.sqlite work1.sqlite work2.sqlite",
		"pmonitor count":       "netsonde pmonitor count all.sqlite",
		"pmonitor create":      "netsonde pmonitor create work.sqlite",
		"pmonitor init":        "netsonde pmonitor init master.sqlite ams 192.0.2.1 1 lon 192.0.2.2 0",
		"pmonitor is-running":  "netsonde pmonitor is-running work.sqlite 192.0.2.1",
		"pmonitor last-five":   "netsonde pmonitor last-five work.sqlite",
		"pmonitor list":        "netsonde pmonitor list all.sqlite",
		"pmonitor monitor":     "netsonde pmonitor monitor master.sqlite work.sqlite 192.0.2.1",
		"pmonitor ping":        "netsonde pmonitor ping 192.0.2.2 192.0.2.1",
		"pmonitor sample":      "netsonde pmonitor sample work.sqlite lon 192.0.2.2 0 192.0.2.1",
		"pmonitor set-can-run": "netsonde pmonitor set-can-run work.sqlite 192.0.2.1 0",
		"pmonitor set-running": "netsonde pmonitor set-running work.sqlite 192.0.2.1 1",
		"pmonitor test":        "netsonde pmonitor test",
	}
}

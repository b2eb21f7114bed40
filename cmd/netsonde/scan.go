package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"netsonde"
	"netsonde/internal/console"
)

func (p *program) scanCommand() *cobra.Command {
	o := &oneShot{program: p, tool: console.ToolScan, timeout: time.Second}
	ports := "80,443,3306"
	command := o.command("scan [flags] HOST…|@FILE", "Check the services of many hosts once",
		`Connect to ports of hosts and tell which are open and speak what is expected
there: HTTP on 80, HTTPS on 443, MySQL on 3306, SSH on 22, DNS on 53.`,
		func() error {
			list, err := parsePorts(ports)
			if err != nil {
				return err
			}
			source, err := o.sourceAddress()
			for _, port := range list {
				o.probes = append(o.probes, netsonde.Probe{
					Kind: serviceKind(port, o.open), Port: port, Timeout: o.timeout, Source: source,
				})
			}
			return err
		})
	flags := command.Flags()
	flags.StringVar(&ports, "ports", ports, "ports and ranges of them, as in 22,80,8000-8010")
	offer(command, "ports")
	flags.BoolVar(&o.open, "open", false, "only tell whether ports are open")
	return command
}

// serviceKind is how a port is checked.
func serviceKind(port uint16, open bool) netsonde.Kind {
	if open {
		return netsonde.KindTCP
	}
	for _, kind := range []netsonde.Kind{
		netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindMySQL, netsonde.KindSSH, netsonde.KindDNS,
	} {
		if kind.Port() == port {
			return kind
		}
	}
	return netsonde.KindTCP
}

// parsePorts reads a list of ports and ranges of them. Every port counts once,
// in order.
func parsePorts(list string) (ports []uint16, err error) {
	for _, entry := range strings.Split(list, ",") {
		left, right, isRange := strings.Cut(strings.TrimSpace(entry), "-")
		if !isRange {
			right = left
		}
		first, err := parsePort(left)
		last, err2 := parsePort(right)
		if err := errors.Join(err, err2); err != nil {
			return nil, fmt.Errorf("--ports: %q is no port and no range of ports: write numbers from 1 to 65535, as in 22,80,8000-8010", entry)
		}
		if last < first {
			return nil, fmt.Errorf("--ports: %q counts down: write %d-%d", entry, last, first)
		}
		for port := int(first); port <= int(last); port++ {
			ports = append(ports, uint16(port))
		}
		if len(ports) > 1<<16 {
			slices.Sort(ports) // overlapping ranges must not add up
			ports = slices.Compact(ports)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

func parsePort(digits string) (uint16, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err == nil && port == 0 {
		err = strconv.ErrRange
	}
	return uint16(port), err
}

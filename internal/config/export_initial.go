package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netsonde/internal/hosts"
)

// initialHead begins every configuration that is written for a newcomer.
const initialHead = `# A configuration of netsonde, written by netsonde init.
#
#   netsonde check-config FILE   tells what is wrong, or what it costs
#   netsonde run FILE            watches; SIGHUP reads the file again
#
# These are the defaults of all targets. Each probe may differ, as in
# probes: [{ping: {every: 1s}}]. "netsonde schema" and docs/configuration.md
# list every key.
defaults:
  ping: {every: 10s, count: 1, timeout: 2s}  # loss and round-trip time
  trace: {every: 5m, hops: 30}               # the route, and when it changes
`

// initialTail ends them, in a list of targets.
const initialTail = `
  # A service, with what is expected of it; take away each "# " below.
  # - name: web
  #   host: www.example.com
  #   labels: {site: ams}
  #   probes:
  #     - ping
  #     - https: {path: /health, status: [200]}
`

// Initial writes a configuration for a newcomer that watches the hosts of
// some expressions. It refuses what is no such expression.
func Initial(expressions []string) ([]byte, error) {
	var single, several []string
	for _, expression := range expressions {
		set, err := hosts.Parse(expression)
		if err != nil {
			return nil, fmt.Errorf("write a configuration: %w", err)
		}
		switch line := "      - " + yamlText(expression) + "\n"; {
		case set.Count() != 1:
			several = append(several, line)
		case !slices.Contains(single, line):
			single = append(single, line)
		}
	}
	var file strings.Builder
	file.WriteString(initialHead)
	file.WriteString("\ngroups:\n")
	if single != nil {
		file.WriteString("  - name: hosts\n    probes: [ping, trace]\n    targets:\n" + strings.Join(single, ""))
	}
	if several != nil {
		file.WriteString("  - name: networks\n    probes: [ping]\n    targets:\n" + strings.Join(slices.Compact(several), ""))
	}
	// Without targets the list itself is a comment.
	introduction, example, _ := strings.Cut(strings.ReplaceAll(initialTail, "\n  # ", "\n# "), "\n# -")
	file.WriteString(introduction + "\n# targets:\n#   -" + strings.ReplaceAll(example, "\n# ", "\n#   "))
	return []byte(file.String()), nil
}

// InitialFound writes a configuration for a newcomer that watches what a
// machine's network stands on.
func InitialFound(gateways, resolvers, far []netip.Addr) []byte {
	var found []foundHost
	add := func(role string, addrs []netip.Addr, probes ...string) {
		for i, addr := range addrs {
			name := role
			if i > 0 {
				name = fmt.Sprintf("%s-%d", role, i+1)
			}
			if at := slices.IndexFunc(found, func(f foundHost) bool { return f.addr == addr }); at >= 0 {
				found[at].add(probes)
				continue
			}
			f := foundHost{name: name, role: role, addr: addr}
			f.add(probes)
			found = append(found, f)
		}
	}
	add("gateway", gateways, "ping")
	add("resolver", resolvers, "ping", "dns")
	add("far", far, "ping", "trace")

	var file strings.Builder
	file.WriteString(initialHead + "  dns: {every: 30s}                          # an answer, and the time to it\n")
	file.WriteString("\n# What this machine's network stands on, as found when this was written.\ntargets:\n")
	for _, f := range found {
		fmt.Fprintf(&file, "  - name: %s\n    host: %s\n    labels: {role: %s}\n    probes: [%s]\n",
			f.name, yamlText(f.addr.String()), f.role, strings.Join(f.probes, ", "))
	}
	file.WriteString(initialTail)
	return []byte(file.String())
}

// foundHost is a host that a machine's network stands on.
type foundHost struct {
	name, role string
	addr       netip.Addr
	probes     []string
}

// add adds probes. Echoes to this machine itself tell nothing.
func (f *foundHost) add(probes []string) {
	for _, probe := range probes {
		if !slices.Contains(f.probes, probe) && (probe != "ping" || !f.addr.IsLoopback()) {
			f.probes = append(f.probes, probe)
		}
	}
}

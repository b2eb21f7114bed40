package doctor

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// chainPatience bounds one run of the firewall's program.
const chainPatience = 5 * time.Second

// readChains lists the firewall's chains, which only root may.
func (g *gatherer) readChains(ctx context.Context) {
	nft, found := g.facts.Programs["nft"]
	if !found {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, chainPatience)
	defer cancel()
	// Terse: without the elements of sets, of which there may be a million.
	text, err := exec.CommandContext(ctx, nft, "--terse", "list", "ruleset").Output()
	if err == nil {
		g.facts.Chains = parseChains(string(text[:min(len(text), maxFile)]))
		g.facts.ChainsRead = true
	}
}

// parseChains reads what "nft list ruleset" prints and keeps the base chains
// that our own packets or their answers pass. Names that are no plain words are
// left out: they will stand in commands.
func parseChains(text string) (chains []Chain) {
	var current Chain
	inside, base := false, false // of a chain, and of one of those
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case len(fields) >= 3 && fields[0] == "table":
			current, inside, base = Chain{Family: fields[1], Table: fields[2]}, false, false
		case len(fields) >= 2 && fields[0] == "chain":
			current.Name, inside, base = fields[1], true, false
		case fields[0] == "}" || !inside:
			inside, base = false, false
		case len(fields) >= 4 && fields[0] == "type" && fields[2] == "hook":
			if base = current.filters(fields[1], fields[3]); base {
				current.Stops = 0
				if strings.Contains(line, "policy drop;") {
					current.Stops = ProtocolAny
				}
				chains = append(chains, current)
			}
		case base:
			chains[len(chains)-1].Stops |= stops(line)
		}
	}
	return chains
}

// filters reports whether a chain of that type at that hook can stop what is
// ours, and sets its direction.
func (c *Chain) filters(kind, hook string) bool {
	switch hook {
	case "output", "postrouting":
		c.Direction = DirectionOut
	case "input", "prerouting":
		c.Direction = DirectionIn
	default:
		return false
	}
	named := quote(c.Table) == c.Table && quote(c.Name) == c.Name
	return named && (kind == "filter" || kind == "route") &&
		(c.Family == "inet" || c.Family == "ip" || c.Family == "ip6")
}

// stops returns the protocols of which a rule may stop packets: those that it
// names or, where it names none, all. What it sends elsewhere may be stopped there.
func stops(rule string) Protocols {
	var named Protocols
	decides := false
	for i, part := range strings.Split(rule, `"`) {
		if i%2 == 1 {
			continue // a comment or a name
		}
		for _, word := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(" \t\n,{}:;", r) }) {
			switch word {
			case "drop", "reject", "jump", "goto", "queue", "vmap":
				decides = true
			case "icmp", "icmpv6", "ipv6-icmp":
				named |= ProtocolICMP
			case "udp":
				named |= ProtocolUDP
			case "tcp":
				named |= ProtocolTCP
			case "th", "!=":
				named |= ProtocolAny
			}
		}
	}
	switch {
	case !decides:
		return 0
	case named == 0:
		return ProtocolAny
	default:
		return named
	}
}

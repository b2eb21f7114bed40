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
	text, err := exec.CommandContext(ctx, nft, "list", "chains").Output()
	if err == nil {
		g.facts.Chains = parseChains(string(text[:min(len(text), maxFile)]))
	}
}

// parseChains reads what "nft list chains" prints and keeps what can stop our
// own packets or their answers. Names that are no plain words are left out:
// they will stand in commands.
func parseChains(text string) (chains []Chain) {
	var current Chain
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) >= 3 && fields[0] == "table":
			current = Chain{Family: fields[1], Table: fields[2]}
		case len(fields) >= 2 && fields[0] == "chain":
			current.Name = fields[1]
		case len(fields) >= 4 && fields[0] == "type" && fields[1] == "filter" && fields[2] == "hook":
			switch fields[3] {
			case "output", "postrouting":
				current.Direction = DirectionOut
			case "input", "prerouting":
				current.Direction = DirectionIn
			default:
				continue
			}
			named := quote(current.Table) == current.Table && quote(current.Name) == current.Name
			if named && (current.Family == "inet" || current.Family == "ip" || current.Family == "ip6") {
				chains = append(chains, current)
			}
		}
	}
	return chains
}

package doctor

import (
	"fmt"
	"strings"
)

// opening is a rule of a firewall that lets one sort of packet pass.
type opening struct {
	direction Direction
	// six tells of what family the packets are; both, of either.
	six, both bool
	// match are nftables' words, legacy those of iptables or ip6tables, which
	// take several rules for some.
	match  string
	legacy []string
}

// closed is what was found closed of one sort of packet.
type closed struct {
	// four and six are the families.
	four, six bool
	// out and in are the ways; itself tells of what this machine sends to itself.
	out, in, itself bool
}

// tracePorts are the ports of UDP traces, which begin at traceroute's.
const tracePorts = "33434-33689"

// icmpOpenings let echoes out, their answers and ICMP errors in. Without a
// neighbour's address (RFC 4861) no echo of IPv6 leaves.
func icmpOpenings(c closed) (rules []opening) {
	request4 := []string{"echo-request"}
	answers4 := []string{"echo-reply", "destination-unreachable", "time-exceeded"}
	request6 := []string{"echo-request", "nd-neighbor-solicit", "nd-neighbor-advert"}
	answers6 := []string{"echo-reply", "destination-unreachable", "packet-too-big", "time-exceeded", "nd-neighbor-solicit", "nd-neighbor-advert"}
	own4, own6 := []string{"echo-reply", "destination-unreachable"}, []string{"echo-reply", "destination-unreachable"}
	if c.out {
		rules = append(rules, icmp(DirectionOut, "", false, request4), icmp(DirectionOut, "", true, request6))
	}
	if c.in {
		rules = append(rules, icmp(DirectionIn, "", false, answers4), icmp(DirectionIn, "", true, answers6))
	}
	if c.itself {
		rules = append(rules,
			icmp(DirectionOut, "lo", false, own4), icmp(DirectionOut, "lo", true, own6),
			icmp(DirectionIn, "lo", false, request4), icmp(DirectionIn, "lo", true, request6[:1]))
	}
	return rules
}

// udpOpenings let the packets of traces out, and the errors that answer them in.
func udpOpenings(c closed) (rules []opening) {
	errors4 := []string{"destination-unreachable", "time-exceeded"}
	errors6 := []string{"destination-unreachable", "packet-too-big", "time-exceeded"}
	if c.out {
		rules = append(rules, ported(DirectionOut, "", "udp", "dport", []string{tracePorts}, false))
	}
	if c.in {
		rules = append(rules, icmp(DirectionIn, "", false, errors4), icmp(DirectionIn, "", true, errors6))
	}
	if c.itself {
		rules = append(rules,
			icmp(DirectionOut, "lo", false, errors4[:1]), icmp(DirectionOut, "lo", true, errors6[:1]),
			ported(DirectionIn, "lo", "udp", "dport", []string{tracePorts}, false))
	}
	return rules
}

// nameOpenings let questions to name servers out, and what answers them in.
func nameOpenings(c closed) (rules []opening) {
	if c.out {
		rules = append(rules, ported(DirectionOut, "", "udp", "dport", []string{"53"}, false))
	}
	if c.in {
		rules = append(rules, ported(DirectionIn, "", "udp", "sport", []string{"53"}, true))
	}
	return rules
}

// tcpOpenings let connections to ports out, what answers them in, and those of
// this machine with itself pass.
func tcpOpenings(c closed, ports []string) (rules []opening) {
	if c.out {
		rules = append(rules, ported(DirectionOut, "", "tcp", "dport", ports, false))
	}
	if c.in {
		rules = append(rules, ported(DirectionIn, "", "tcp", "sport", ports, true))
	}
	if c.itself {
		for _, direction := range []Direction{DirectionOut, DirectionIn} {
			rules = append(rules, opening{
				direction: direction, both: true,
				match: on(direction, "lo") + "meta l4proto tcp", legacy: []string{legacyOn(direction, "lo") + "-p tcp"},
			})
		}
	}
	return rules
}

// icmp is the rule for some types of ICMP on one interface, or on all.
func icmp(direction Direction, device string, six bool, types []string) opening {
	protocol, option := "icmp", "-p icmp --icmp-type "
	if six {
		protocol, option = "icmpv6", "-p icmpv6 --icmpv6-type "
	}
	rule := opening{direction: direction, six: six, match: on(direction, device) + protocol + " type " + set(types)}
	spelt := strings.NewReplacer("nd-neighbor-solicit", "neighbour-solicitation", "nd-neighbor-advert", "neighbour-advertisement")
	for _, t := range types {
		rule.legacy = append(rule.legacy, legacyOn(direction, device)+option+spelt.Replace(t))
	}
	return rule
}

// ported is the rule for some ports; answers to what was sent, if known, only.
func ported(direction Direction, device, protocol, side string, ports []string, known bool) opening {
	rule := opening{direction: direction, both: true, match: fmt.Sprintf("%s%s %s %s", on(direction, device), protocol, side, set(ports))}
	state := ""
	if known {
		rule.match += " ct state established"
		state = " -m conntrack --ctstate ESTABLISHED"
	}
	for _, port := range ports {
		rule.legacy = append(rule.legacy, fmt.Sprintf("%s-p %s --%s %s%s",
			legacyOn(direction, device), protocol, side, strings.ReplaceAll(port, "-", ":"), state))
	}
	return rule
}

// on are nftables' words for an interface.
func on(direction Direction, device string) string {
	switch {
	case device == "":
		return ""
	case direction == DirectionOut:
		return "oifname " + device + " "
	default:
		return "iifname " + device + " "
	}
}

// legacyOn are iptables'.
func legacyOn(direction Direction, device string) string {
	switch {
	case device == "":
		return ""
	case direction == DirectionOut:
		return "-o " + device + " "
	default:
		return "-i " + device + " "
	}
}

// set writes one word or several as nftables does.
func set(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "{ " + strings.Join(words, ", ") + " }"
}

// suits reports whether packets of the rule are among what was found closed and
// pass chains of a family.
func (o *opening) suits(c closed, family string) bool {
	four, six := c.four && family != "ip6", c.six && family != "ip"
	switch {
	case o.both:
		return four || six
	case o.six:
		return six
	default:
		return four
	}
}

// protocol is that of the rule's packets.
func (o *opening) protocol() Protocols {
	for _, word := range strings.Fields(o.match) {
		switch word {
		case "icmp", "icmpv6":
			return ProtocolICMP
		case "udp":
			return ProtocolUDP
		case "tcp":
			return ProtocolTCP
		}
	}
	return ProtocolAny
}

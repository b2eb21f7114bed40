package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// traffic is a sort of packet that a firewall may stop.
type traffic struct {
	check, name string
	methods     []Method
	protocol    Protocols
	// opens names what the command lets pass, openings are its rules.
	opens    string
	openings func(closed) []opening
	why      string
}

// sorts are all that is tried. Echoes come first: the refusal of a datagram is
// an ICMP packet too, and is missing where those are stopped.
func (j *judge) sorts() []traffic {
	ports := j.ports()
	return []traffic{
		{
			"firewall icmp", "echoes", []Method{MethodRaw, MethodPing}, ProtocolICMP,
			"echoes and what answers them", icmpOpenings, "pings and ICMP traces fail",
		},
		{
			"firewall udp", "UDP", []Method{MethodUDP}, ProtocolUDP,
			"UDP to the ports of traces, " + tracePorts + ", and the ICMP errors that answer it", udpOpenings, "UDP traces fail",
		},
		{
			"firewall tcp", "TCP", []Method{MethodTCP}, ProtocolTCP,
			"TCP to port " + strings.Join(ports, ", ") + " and on this machine", func(c closed) []opening { return tcpOpenings(c, ports) },
			"service checks fail",
		},
	}
}

// ports are those that service checks connect to or, without a configuration,
// those that they usually do: SSH, HTTP, HTTPS and MySQL.
func (j *judge) ports() (ports []string) {
	numbers := []uint16{22, 80, 443, 3306}
	if j.needs != nil && len(j.needs.TCPPorts) > 0 {
		numbers = slices.Compact(slices.Sorted(slices.Values(j.needs.TCPPorts)))
	}
	for _, number := range numbers {
		ports = append(ports, strconv.Itoa(int(number)))
	}
	return ports
}

// stopping is what was seen of a firewall with one sort of packet.
type stopping struct {
	// refused are where nothing could be sent, silent where this machine did
	// not answer itself, arrived whose answers came in and got lost here.
	refused, silent, arrived []string
	closed
}

// firewall tells which of our packets, and of their answers, this machine
// itself stops.
func (j *judge) firewall() {
	stopped, echoes := false, false
	for _, sort := range j.sorts() {
		explained := sort.protocol == ProtocolUDP && echoes
		seen := j.seen(sort.methods, explained)
		if seen.four || seen.six {
			stopped, echoes = true, echoes || sort.protocol == ProtocolICMP
			j.stoppage(&sort, &seen)
		}
	}
	stopped = j.names() || stopped
	if !stopped && !j.down() {
		j.ok("firewall", "it lets our echoes, UDP and TCP out", "a probe that we stop ourselves says nothing about its target")
	}
}

// seen sums up what became of the attempts of some methods. Silence of this
// machine itself may be explained by something else.
func (j *judge) seen(methods []Method, explained bool) (s stopping) {
	for i := range j.facts.Uses {
		use := &j.facts.Uses[i]
		if !slices.Contains(methods, use.Method) || use.OpenErrno != 0 {
			continue
		}
		list := &s.silent
		switch {
		case use.SendErrno == unix.EPERM:
			list, s.out = &s.refused, true
		case use.Arrived && !use.Answered && !use.To.IsLoopback():
			list, s.in = &s.arrived, true
		case !explained && j.silent(use):
			s.in = true
			// These do not tell that their packets were stopped.
			s.out = s.out || use.Method == MethodTCP || use.Method == MethodPing && use.To.Is6()
		default:
			continue
		}
		s.add(list, use.To)
	}
	return s
}

// add adds an address to one of the lists.
func (s *stopping) add(list *[]string, to netip.Addr) {
	if text := to.String(); !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
	s.itself = s.itself || to.IsLoopback()
	s.four, s.six = s.four || to.Is4(), s.six || to.Is6()
}

// silent reports whether this machine has not answered itself, though it would.
func (j *judge) silent(use *Use) bool {
	echo := use.Method == MethodRaw || use.Method == MethodPing
	ignored := j.facts.Limits.EchoIgnored && echo && use.To.Is4()
	return use.To.IsLoopback() && !use.Answered && use.OpenErrno == 0 && use.SendErrno == 0 && !j.down() && !ignored
}

// names tells whether questions to name servers are stopped.
func (j *judge) names() bool {
	var s stopping
	for _, server := range j.facts.Resolver.Servers {
		switch {
		case server.Refused:
			s.out = true
			s.add(&s.refused, server.Addr)
		case server.Arrived && !server.Answered:
			s.in = true
			s.add(&s.arrived, server.Addr)
		}
	}
	if !s.four && !s.six {
		return false
	}
	j.stoppage(&traffic{
		check: "firewall dns", name: "questions", protocol: ProtocolUDP,
		opens: "UDP to port 53 and what answers it", openings: nameOpenings, why: "targets with names stay unresolved",
	}, &s)
	return true
}

// stoppage tells of packets that are stopped, with the command that lets them pass.
func (j *judge) stoppage(sort *traffic, s *stopping) {
	var found []string
	if len(s.refused) > 0 {
		found = append(found, fmt.Sprintf("%s to %s: EPERM, stopped on the way out", sort.name, strings.Join(s.refused, ", ")))
	}
	if len(s.arrived) > 0 {
		found = append(found, fmt.Sprintf("%s to %s: the answers came in and were stopped here", sort.name, strings.Join(s.arrived, ", ")))
	}
	if len(s.silent) > 0 && len(found) == 0 {
		found = append(found, fmt.Sprintf("%s to %s got no answer, from this machine itself", sort.name, strings.Join(s.silent, ", ")))
	}
	text := strings.Join(found, "; ")
	fix := j.open(sort, s.closed)
	if fix == "" {
		j.note(sort.check, text+", by something other than nftables: another firewall, eBPF or a security module", sort.why, "", "")
		return
	}
	j.gap(sort.check, text, sort.why+"; the command opens "+sort.opens+", until the firewall is loaded anew or the machine restarts", fix, "")
}

// open is the command that puts rules before all others in every chain that
// might stop the packets, "" if nothing is known that could.
func (j *judge) open(sort *traffic, c closed) string {
	rules := sort.openings(c)
	var commands []string
	for _, chain := range j.facts.Chains {
		for i := range rules {
			rule := &rules[i]
			if chain.Stops&rule.protocol() != 0 && rule.direction == chain.Direction && rule.suits(c, chain.Family) {
				commands = append(commands, fmt.Sprintf("insert rule %s %s %s %s accept", chain.Family, chain.Table, chain.Name, rule.match))
			}
		}
	}
	switch {
	case len(commands) > 0:
		return j.asRoot(j.program("nft") + ` "` + strings.Join(commands, "; ") + `"`)
	case j.has("nft") && !j.facts.ChainsRead && j.facts.Rights.UID != 0:
		return j.asRoot(j.openUnseen(rules, c))
	case j.has("iptables") && (!j.has("nft") || j.facts.LegacyTables):
		return j.openLegacy(rules, c)
	default:
		return ""
	}
}

// openUnseen does the same where we may not read the firewall: the command
// itself finds the chains.
func (j *judge) openUnseen(rules []opening, c closed) string {
	nft := j.program("nft")
	script := `/^table/{f=$2;t=$2" "$3}/chain/{c=$2}`
	for _, direction := range []Direction{DirectionOut, DirectionIn} {
		var prints []string
		for i := range rules {
			rule := &rules[i]
			four, six := rule.suits(c, "ip"), rule.suits(c, "ip6")
			if rule.direction != direction || !four && !six {
				continue
			}
			condition := ""
			switch {
			case !six:
				condition = `if(f!="ip6")`
			case !four:
				condition = `if(f!="ip")`
			}
			prints = append(prints, condition+`print r"`+rule.match+` accept"`)
		}
		if len(prints) > 0 {
			script += `f~/^i/&&/filter hook ` + string(direction) + `/{r="insert rule "t" "c" ";` + strings.Join(prints, ";") + "}"
		}
	}
	return nft + " list chains | awk '" + script + "' | " + nft + " -f -"
}

// openLegacy does it with iptables.
func (j *judge) openLegacy(rules []opening, c closed) string {
	var commands []string
	for _, family := range []struct{ program, name string }{{"iptables", "ip"}, {"ip6tables", "ip6"}} {
		for i := range rules {
			rule := &rules[i]
			if !j.has(family.program) || !rule.suits(c, family.name) {
				continue
			}
			for _, words := range rule.legacy {
				commands = append(commands, fmt.Sprintf("%s -I %s %s -j ACCEPT",
					j.program(family.program), strings.ToUpper(string(rule.direction)), words))
			}
		}
	}
	if len(commands) == 0 {
		return ""
	}
	return j.asRoot(strings.Join(commands, " && "))
}

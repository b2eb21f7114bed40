package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// traffic is a sort of packet that a firewall may stop.
type traffic struct {
	check, name string
	methods     []Method
	// match are nftables' words for it in a shell, legacy iptables'.
	match, legacy string
	why           string
}

// sorts are all that is tried. Echoes come first: the refusal of a datagram is
// an ICMP packet too, and is missing where those are stopped.
func sorts() []traffic {
	return []traffic{
		{"firewall icmp", "echoes", []Method{MethodRaw, MethodPing}, `meta l4proto "{icmp,icmpv6}"`, "-p icmp", "pings and ICMP traces fail"},
		{"firewall udp", "UDP", []Method{MethodUDP}, "meta l4proto udp", "-p udp", "UDP traces and lookups of names fail"},
		{"firewall tcp", "TCP", []Method{MethodTCP}, "meta l4proto tcp", "-p tcp", "service checks fail"},
	}
}

// firewall tells which of our packets this machine itself stops.
func (j *judge) firewall() {
	stopped := map[string]bool{}
	for _, sort := range sorts() {
		var refused, silent []string
		// What is silent was stopped as it came in, unless sending says nothing.
		directions := []Direction{DirectionIn}
		explained := sort.name == "UDP" && stopped["echoes"]
		for i := range j.facts.Uses {
			use := &j.facts.Uses[i]
			to := use.To.String()
			switch {
			case !slices.Contains(sort.methods, use.Method) || use.OpenErrno != 0:
			case use.SendErrno == unix.EPERM && !slices.Contains(refused, to):
				refused = append(refused, to)
			case !explained && j.silent(use) && !slices.Contains(silent, to):
				silent = append(silent, to)
				if use.Method == MethodTCP || use.Method == MethodPing && use.To.Is6() {
					directions = []Direction{DirectionOut, DirectionIn}
				}
			}
		}
		switch {
		case len(refused) > 0:
			j.gap(sort.check, sort.name+" to "+strings.Join(refused, ", ")+": EPERM, stopped on the way out", sort.why,
				j.allow(sort, DirectionOut), "")
		case len(silent) > 0:
			j.gap(sort.check, sort.name+" to "+strings.Join(silent, ", ")+" got no answer, from this machine itself", sort.why,
				j.allow(sort, directions...), "")
		default:
			continue
		}
		stopped[sort.name] = true
	}
	if len(stopped) == 0 && !j.down() {
		j.ok("firewall", "it lets our echoes, UDP and TCP out", "a probe that we stop ourselves says nothing about its target")
	}
}

// silent reports whether this machine has not answered itself, though it would.
func (j *judge) silent(use *Use) bool {
	echo := use.Method == MethodRaw || use.Method == MethodPing
	ignored := j.facts.Limits.EchoIgnored && echo && use.To.Is4()
	return use.To.IsLoopback() && !use.Answered && use.OpenErrno == 0 && use.SendErrno == 0 && !j.down() && !ignored
}

// allow is the command that puts a rule for the traffic before all others, in
// every chain that might stop it.
func (j *judge) allow(sort traffic, directions ...Direction) string {
	var commands []string
	for _, chain := range j.facts.Chains {
		if slices.Contains(directions, chain.Direction) {
			commands = append(commands, fmt.Sprintf("%s insert rule %s %s %s %s accept",
				j.program("nft"), chain.Family, chain.Table, chain.Name, sort.match))
		}
	}
	if len(commands) == 0 && !j.has("nft") && j.has("iptables") {
		for _, direction := range directions {
			commands = append(commands, fmt.Sprintf("%s -I %s %s -j ACCEPT",
				j.program("iptables"), strings.ToUpper(string(direction)), sort.legacy))
		}
	}
	if len(commands) == 0 {
		return j.asRoot(j.allowUnseen(sort, directions))
	}
	return j.asRoot(strings.Join(commands, " && "))
}

// allowUnseen does the same where we may not read the firewall: the command
// itself finds the chains.
func (j *judge) allowUnseen(sort traffic, directions []Direction) string {
	hooks := make([]string, len(directions))
	for i, direction := range directions {
		hooks[i] = "/filter hook " + string(direction) + "/"
	}
	nft := j.program("nft")
	return nft + ` list chains | awk '/^table/{t=$2" "$3}/chain/{c=$2}` + strings.Join(hooks, "||") +
		`{print "insert rule "t" "c" ` + strings.ReplaceAll(sort.match, `"`, "") + ` accept"}' | ` + nft + " -f -"
}

// ipv6 tells whether there is that family.
func (j *judge) ipv6() {
	const why = "half of the Internet's names have such an address"
	switch {
	case !j.facts.IPv6.Present:
		j.note("ipv6", "the kernel runs without it", why, "", "")
	case j.facts.IPv6.Disabled:
		fix, persistent := j.sysctl("net.ipv6.conf.all.disable_ipv6", "0")
		j.gap("ipv6", "switched off: net.ipv6.conf.all.disable_ipv6 is 1", why, fix, persistent)
	case !slices.ContainsFunc(j.facts.Links, global6):
		j.note("ipv6", "no interface has a global address", "IPv6 targets can be reached only on this link", "", "")
	default:
		j.ok("ipv6", "there are global addresses", why)
	}
}

// global6 reports whether a link has an IPv6 address that others can answer to.
func global6(link Link) bool {
	return slices.ContainsFunc(link.Prefixes, func(prefix netip.Prefix) bool {
		address := prefix.Addr()
		return address.Is6() && !address.IsLinkLocalUnicast() && !address.IsLoopback()
	})
}

// isolated reports whether there is no interface to anywhere.
func (j *judge) isolated() bool {
	return !slices.ContainsFunc(j.facts.Links, func(link Link) bool { return link.Up && !link.Loopback })
}

// gateways tells of the ways to everywhere else.
func (j *judge) gateways() {
	present := map[bool]bool{}
	for i := range j.facts.Gateways {
		gateway := &j.facts.Gateways[i]
		present[gateway.Six] = true
		j.gateway(gateway)
	}
	const why = "only neighbours can be reached"
	if !present[false] {
		router := slices.IndexFunc(j.facts.Routers, func(Router) bool { return true })
		switch {
		case j.isolated():
			j.note("gateway IPv4", "no interface that is up leads anywhere: a network namespace without links, or no cable",
				"only this machine can be measured", "", "")
		case present[true]:
			j.note("gateway IPv4", "no default route", why+" by IPv4", "", "")
		case router >= 0:
			r := j.facts.Routers[router]
			j.gap("gateway IPv4", fmt.Sprintf("no default route; %v answers where a router usually is", r.Addr), why,
				j.asRoot(fmt.Sprintf("%s route add default via %v dev %s", j.program("ip"), r.Addr, quote(r.Device))), "")
		default:
			j.noRouter(why)
		}
	}
	if !present[true] && slices.ContainsFunc(j.facts.Links, global6) {
		j.note("gateway IPv6", "no default route", why+" by IPv6", "", "")
	}
}

// noRouter says what there is to do where no router shows itself.
func (j *judge) noRouter(why string) {
	device := ""
	for _, link := range j.facts.Links {
		if link.Up && !link.Loopback && device == "" {
			device = quote(link.Name)
		}
	}
	for _, client := range []struct{ program, arguments string }{
		{"networkctl", " reconfigure "}, {"nmcli", " device connect "}, {"dhclient", " "},
	} {
		if j.has(client.program) {
			j.gap("gateway IPv4", "no default route, and no router shows itself on "+device, why,
				j.asRoot(j.program(client.program)+client.arguments+device), "")
			return
		}
	}
	j.note("gateway IPv4", "no default route, and no router shows itself on "+device+"; ask the network's operator for its address",
		why, "", "")
}

// gateway tells of one default route.
func (j *judge) gateway(gateway *Gateway) {
	check := "gateway " + family(gateway.Six)
	if !gateway.Addr.IsValid() {
		j.ok(check, "the default route leads to "+gateway.Device, "that is where all else goes")
		return
	}
	place := fmt.Sprintf("%v on %s", gateway.Addr.WithZone(""), gateway.Device)
	asked := false
	for _, use := range j.facts.Uses {
		if use.To != gateway.Addr || use.Method == MethodUDP {
			continue
		}
		if use.Answered {
			j.ok(check, fmt.Sprintf("%s answered in %d µs", place, max(1, use.RTT.Microseconds())), "that is where all else goes")
			return
		}
		asked = asked || use.SendErrno == 0
	}
	switch gateway.Neighbour {
	case "failed", "incomplete":
		j.note(check, place+" is not there: its neighbour entry is "+gateway.Neighbour,
			"all that lies beyond it will be lost", "", "")
	case "":
		j.note(check, place+" did not answer, and has no neighbour entry", "all that lies beyond it may be lost", "", "")
	default:
		if !asked {
			j.ok(check, place+" is there: its neighbour entry is "+gateway.Neighbour, "that is where all else goes")
			return
		}
		j.note(check, place+" answers no echo, but is there: its neighbour entry is "+gateway.Neighbour,
			"many routers answer none", "", "")
	}
}

// stopped reports whether the firewall lets none of a method out.
func (j *judge) stopped(method Method) bool {
	return slices.ContainsFunc(j.facts.Uses, func(use Use) bool { return use.Method == method && use.SendErrno == unix.EPERM })
}

// publicResolver is offered where nothing nearer answers: Quad9's.
const publicResolver = "9.9.9.9"

// resolver tells whether names can be looked up.
func (j *judge) resolver() {
	const why = "targets with names stay unresolved"
	r := &j.facts.Resolver
	var answering, silent []string
	for _, server := range r.Servers {
		if server.Answered {
			answering = append(answering, server.Addr.String())
		} else {
			silent = append(silent, server.Addr.String())
		}
	}
	found := "/etc/resolv.conf names no server"
	if len(silent) > 0 {
		found = strings.Join(silent, ", ") + " of /etc/resolv.conf did not answer"
	}
	switch {
	case len(answering) > 0 && len(silent) > 0:
		j.note("resolver", found+", but "+strings.Join(answering, ", ")+" did", "lookups wait for the silent one", "", "")
	case len(answering) > 0:
		j.ok("resolver", strings.Join(answering, ", ")+" answered", "names are looked up again every minute")
	case j.stopped(MethodUDP):
		j.note("resolver", found+", but UDP is stopped here (see firewall udp)", why, "", "")
	case j.isolated() && len(r.Others) == 0:
		j.note("resolver", found+", and there is no way to one", why, "", "")
	case len(r.Others) == 0 && strings.Contains(r.Link, "systemd/resolve"):
		j.gap("resolver", found, why, j.asRoot("systemctl enable --now systemd-resolved"), "")
	default:
		server := publicResolver
		if len(r.Others) > 0 {
			server = r.Others[0].String()
			found += "; " + server + " does"
		} else {
			found += "; one for everybody is Quad9's"
		}
		j.gap("resolver", found, why, j.asRoot("echo nameserver "+server+" > /"+resolverFile), "")
	}
}

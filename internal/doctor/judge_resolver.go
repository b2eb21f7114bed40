package doctor

import (
	"net/netip"
	"slices"
	"strings"
)

// resolver tells whether names can be looked up.
func (j *judge) resolver() {
	const why = "targets with names stay unresolved"
	r := &j.facts.Resolver
	var answering, silent []string
	stopped := false
	for _, server := range r.Servers {
		if server.Answered {
			answering = append(answering, server.Addr.String())
		} else {
			silent = append(silent, server.Addr.String())
		}
		stopped = stopped || server.Refused || server.Arrived && !server.Answered
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
	case stopped:
		j.note("resolver", found+": questions or answers are stopped here (see firewall dns)", why, "", "")
	case j.isolated() && len(r.Others) == 0:
		j.note("resolver", found+", and there is no way to one", why, "", "")
	case strings.Contains(r.Link, "systemd/resolve") && !j.facts.Services.Resolved && j.facts.Services.Systemd:
		j.gap("resolver", found+"; systemd-resolved, whose file that is, does not run", why,
			j.asRoot("systemctl enable --now systemd-resolved"), "")
	case len(r.Others) == 0:
		j.note("resolver", found+", and no other server is known that does: the network's operator knows one, and a line nameserver ADDRESS names it there",
			why, "", "")
	default:
		server := r.Others[0]
		found += "; " + server.String() + " does"
		if server == publicResolver() {
			found += ", which is for everybody (Quad9's)"
		}
		fix, persistent := j.takeServer(server)
		j.gap("resolver", found, why, fix, persistent)
	}
}

// publicResolver is asked where nothing nearer answers: Quad9's.
func publicResolver() netip.Addr { return netip.AddrFrom4([4]byte{9, 9, 9, 9}) }

// takeServer is the command that has names looked up by a server, and the one
// that keeps it. Whoever owns the file is told; else the server comes in front
// of those that it names, and all else in it stays.
func (j *judge) takeServer(server netip.Addr) (fix, persistent string) {
	r := &j.facts.Resolver
	const file = "/" + resolverFile
	line := "nameserver " + server.String()
	device, managed := j.wayOut()
	own := server.IsLoopback()
	switch {
	case !own && managed && r.NetworkManager && j.has("nmcli"):
		property := " ipv4.dns "
		if server.Is6() {
			property = " ipv6.dns "
		}
		return j.asRoot(j.program("nmcli") + " device modify " + quote(device) + strings.Replace(property, " ", " +", 1) + server.String()), ""
	case !own && device != "" && j.facts.Services.Resolved && strings.Contains(r.Link, "systemd/resolve") && j.has("resolvectl"):
		drop := "/etc/systemd/resolved.conf.d"
		return j.asRoot(j.program("resolvectl") + " dns " + quote(device) + " " + server.String()),
			j.asRoot("mkdir -p " + drop + " && printf \"[Resolve]\\nDNS=" + server.String() + "\\n\" > " + drop + "/netsonde.conf")
	case r.Missing && r.Link != "":
		// What it points to is not there.
		return j.asRoot("rm -f " + file + " && echo " + line + " > " + file), ""
	case len(r.Servers) == 0 && !r.Unfinished:
		return j.asRoot("echo " + line + " >> " + file), ""
	default:
		// Those behind the third are not looked at (MAXNS in resolv.conf(5)).
		return j.asRoot(`rest=$(cat ` + file + `) && printf "%s\n" "` + line + `" "$rest" > ` + file), ""
	}
}

// wayOut is the interface that leads to the gateway or, without one, any that
// leads somewhere; managed tells that NetworkManager takes care of it.
func (j *judge) wayOut() (device string, managed bool) {
	if i := slices.IndexFunc(j.facts.Links, leads); i >= 0 {
		device = j.facts.Links[i].Name
	}
	if len(j.facts.Gateways) > 0 {
		device = j.facts.Gateways[0].Device
	}
	return device, slices.Contains(j.facts.Services.NetworkManager, device)
}

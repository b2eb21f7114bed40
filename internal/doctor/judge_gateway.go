package doctor

import (
	"fmt"
	"slices"
	"strings"
)

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
		switch {
		case j.isolated():
			j.note("gateway IPv4", j.isolation(), "only this machine can be measured", "", "")
		case present[true]:
			j.note("gateway IPv4", "no default route", why+" by IPv4", "", "")
		case len(j.facts.Routers) > 0 && j.has("ip"):
			r := j.facts.Routers[0]
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

// noRouter says what there is to do where no router shows itself: only what
// takes care of an interface can be asked for its routes.
func (j *judge) noRouter(why string) {
	var devices []string
	for _, link := range j.facts.Links {
		if leads(link) {
			devices = append(devices, link.Name)
		}
	}
	found := "no default route, and no router shows itself on " + strings.Join(devices, ", ")
	for _, keeper := range []struct {
		program, arguments string
		devices            []string
	}{
		{"networkctl", " reconfigure ", j.facts.Services.Networkd},
		{"nmcli", " device connect ", j.facts.Services.NetworkManager},
	} {
		for _, device := range devices {
			if j.has(keeper.program) && slices.Contains(keeper.devices, device) {
				j.gap("gateway IPv4", found, why, j.asRoot(j.program(keeper.program)+keeper.arguments+quote(device)), "")
				return
			}
		}
	}
	for _, client := range []string{"dhclient", "dhcpcd", "udhcpc"} {
		if j.has(client) {
			found += "; if there is a DHCP server, " + client + " asks it"
			break
		}
	}
	j.note("gateway IPv4", found+"; the network's operator knows the router's address, and ip route add default via ADDRESS takes it", why, "", "")
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
			"many routers answer none, and a firewall here may stop the answer", "", "")
	}
}

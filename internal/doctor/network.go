package doctor

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxRouters bounds how many neighbours are asked whether they are there.
const maxRouters = 8

// network reads interfaces.
func (g *gatherer) network() {
	interfaces, err := net.Interfaces()
	if err == nil {
		for _, i := range interfaces {
			link := Link{
				Name: i.Name, Index: i.Index,
				Up: i.Flags&net.FlagUp != 0, Carrier: i.Flags&net.FlagRunning != 0, Loopback: i.Flags&net.FlagLoopback != 0,
			}
			addresses, err := i.Addrs()
			if err != nil {
				continue // gone meanwhile
			}
			for _, address := range addresses {
				if prefix, err := netip.ParsePrefix(address.String()); err == nil {
					link.Prefixes = append(link.Prefixes, prefix)
				}
			}
			g.facts.Links = append(g.facts.Links, link)
		}
	}
	g.facts.Gateways = slices.Clone(g.Gateways)
}

// likelyRouters returns who might be a router: those that have a route of their
// own, and who stands where operators put routers.
func (g *gatherer) likelyRouters() []Router {
	routers := hostRoutes(g.read("proc/net/route"))
	for _, router := range likelyRouters(g.facts.Links) {
		if !slices.ContainsFunc(routers, func(other Router) bool { return other.Addr == router.Addr }) {
			routers = append(routers, router)
		}
	}
	return routers[:min(len(routers), maxRouters)]
}

// hostRoutes returns the single machines to which /proc/net/route leads without
// a gateway, such as the other end of a line. Its columns are interface,
// destination, gateway, flags, three of no interest, and mask; addresses are
// hexadecimal words in the machine's byte order.
func hostRoutes(text string) (routers []Router) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[2] != "00000000" || fields[7] != "FFFFFFFF" {
			continue
		}
		destination, err1 := strconv.ParseUint(fields[1], 16, 32)
		flags, err2 := strconv.ParseUint(fields[3], 16, 32)
		const up, reject = 1, 0x200
		if err1 != nil || err2 != nil || flags&up == 0 || flags&reject != 0 {
			continue
		}
		var word [4]byte
		binary.NativeEndian.PutUint32(word[:], uint32(destination))
		routers = append(routers, Router{Addr: netip.AddrFrom4(word), Device: fields[0]})
	}
	return routers
}

// likelyRouters returns the first and the last address of each IPv4 network
// that we are part of, where operators put their routers.
func likelyRouters(links []Link) (routers []Router) {
	for _, link := range links {
		if !leads(link) {
			continue
		}
		for _, prefix := range link.Prefixes {
			if !prefix.Addr().Is4() || prefix.Bits() > 31 || prefix.Bits() < 8 {
				continue
			}
			for _, candidate := range ends(prefix) {
				if candidate != prefix.Addr() && len(routers) < maxRouters {
					routers = append(routers, Router{Addr: candidate, Device: link.Name})
				}
			}
		}
	}
	return routers
}

// ends returns the first and the last address of an IPv4 network that a
// machine may have; a network of two has no others (RFC 3021).
func ends(prefix netip.Prefix) []netip.Addr {
	first := prefix.Masked().Addr()
	word := first.As4()
	size := uint32(1) << (32 - prefix.Bits())
	var last [4]byte
	binary.BigEndian.PutUint32(last[:], binary.BigEndian.Uint32(word[:])+size-1)
	if prefix.Bits() == 31 {
		return []netip.Addr{first, netip.AddrFrom4(last)}
	}
	return []netip.Addr{first.Next(), netip.AddrFrom4(last).Prev()}
}

// readNeighbours fills in the gateways' entries in the neighbour table.
func (g *gatherer) readNeighbours() {
	table, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_UNSPEC)
	if err != nil {
		return
	}
	messages, err := syscall.ParseNetlinkMessage(table)
	if err != nil {
		return
	}
	for _, message := range messages {
		address, state := parseNeighbour(message.Data)
		i := slices.IndexFunc(g.facts.Gateways, func(gateway Gateway) bool { return gateway.Addr.WithZone("") == address })
		if address.IsValid() && i >= 0 {
			g.facts.Gateways[i].Neighbour = state
		}
	}
}

// parseNeighbour reads struct ndmsg and its first destination (rtnetlink(7)).
func parseNeighbour(b []byte) (address netip.Addr, state string) {
	const header = 12
	if len(b) < header {
		return address, ""
	}
	state = neighbourState(binary.NativeEndian.Uint16(b[8:]))
	for b = b[header:]; len(b) >= 4; {
		length := int(binary.NativeEndian.Uint16(b))
		if length < 4 || length > len(b) {
			return address, state
		}
		if binary.NativeEndian.Uint16(b[2:]) == unix.NDA_DST {
			address, _ = netip.AddrFromSlice(bytes.Clone(b[4:length]))
			return address, state
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return address, state
}

// neighbourState names a state as ip-neighbour(8) does.
func neighbourState(state uint16) string {
	for bit, name := range map[uint16]string{
		unix.NUD_INCOMPLETE: "incomplete", unix.NUD_REACHABLE: "reachable", unix.NUD_STALE: "stale",
		unix.NUD_DELAY: "delay", unix.NUD_PROBE: "probe", unix.NUD_FAILED: "failed",
		unix.NUD_NOARP: "noarp", unix.NUD_PERMANENT: "permanent",
	} {
		if state&bit != 0 {
			return name
		}
	}
	return ""
}

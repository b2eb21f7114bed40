package kernel

import (
	"encoding/binary"
	"errors"
	"net"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"netsonde"
)

const (
	// routeMTU is the metric of the largest datagram (rtnetlink.h, RTAX_MTU).
	routeMTU = 2
	// lookupTable asks for the table that the route stands in, rather than the
	// main one (rtnetlink.h, RTM_F_LOOKUP_TABLE).
	lookupTable = 0x1000
)

var routeTypes = map[uint8]string{
	unix.RTN_UNICAST: "unicast", unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast",
	unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable",
	unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw",
}

// askRoute asks how the kernel would send to the address, and returns the index
// of the interface, 0 for none.
func (p *pathQuery) askRoute() (index uint32) {
	to := p.question.Addr.Unmap()
	plain := to.WithZone("")
	header := make([]byte, unix.SizeofRtMsg)
	header[0], header[1], header[3] = family(plain), uint8(plain.BitLen()), p.question.DSCP<<2 //nolint:gosec // at most 128
	binary.NativeEndian.PutUint32(header[8:], lookupTable)
	attributes := encoder()
	attributes.Bytes(unix.RTA_DST, plain.AsSlice())
	if source := p.question.Source.Unmap(); source.IsValid() {
		header[2] = uint8(source.BitLen()) //nolint:gosec // at most 128
		attributes.Bytes(unix.RTA_SRC, source.WithZone("").AsSlice())
	}
	attributes.Uint8(unix.RTA_IP_PROTO, echoProtocol(plain))
	if zone := zoneIndex(to); zone > 0 {
		attributes.Uint32(unix.RTA_OIF, zone)
	}
	answers, err := ask(p.conn, unix.RTM_GETROUTE, 0, header, attributes)
	if err == nil && len(answers) == 0 {
		err = errors.New("no answer")
	}
	if err == nil {
		p.path.Route, index, err = parseRoute(answers[0].Data)
	}
	var errno syscall.Errno
	switch {
	case err == nil:
		return index
	case errors.As(err, &errno) && errno != unix.ETIMEDOUT:
		// What the kernel says here it would say of a packet too.
		p.path.Route = &netsonde.LocalRoute{Errno: errno}
	default:
		p.problem("route", err)
	}
	return 0
}

// parseRoute reads an RTM_NEWROUTE.
func parseRoute(data []byte) (route *netsonde.LocalRoute, index uint32, err error) {
	route = &netsonde.LocalRoute{}
	err = decode(data, unix.SizeofRtMsg, func(a *netlink.AttributeDecoder) {
		switch a.Type() {
		case unix.RTA_GATEWAY:
			route.Gateway = address(a.Bytes())
		case unix.RTA_VIA:
			// A family in front: a gateway of the other one.
			if via := a.Bytes(); len(via) > 2 {
				route.Gateway = address(via[2:])
			}
		case unix.RTA_PREFSRC:
			route.Source = address(a.Bytes())
		case unix.RTA_OIF:
			index = a.Uint32()
		case unix.RTA_TABLE:
			route.Table = a.Uint32()
		case unix.RTA_METRICS:
			a.Nested(func(metrics *netlink.AttributeDecoder) error {
				for metrics.Next() {
					if metrics.Type() == routeMTU {
						route.MTU = metrics.Uint32()
					}
				}
				return nil
			})
		}
	})
	if err != nil {
		return nil, 0, err
	}
	if route.Table == 0 {
		route.Table = uint32(data[4])
	}
	route.Type = routeTypes[data[7]]
	return route, index, nil
}

// askNeighbour asks for the entry of the next hop.
func (p *pathQuery) askNeighbour(index uint32) {
	if p.path.Route.Type != "unicast" {
		return
	}
	next := p.path.Route.Gateway
	if !next.IsValid() {
		next = p.question.Addr.Unmap().WithZone("")
	}
	header := make([]byte, unix.SizeofNdMsg)
	header[0] = family(next)
	binary.NativeEndian.PutUint32(header[4:], index)
	attributes := encoder()
	attributes.Bytes(unix.NDA_DST, next.AsSlice())
	answers, err := ask(p.conn, unix.RTM_GETNEIGH, 0, header, attributes)
	found := &netsonde.Neighbour{Addr: next, State: "absent"}
	switch {
	case errors.Is(err, unix.ENOENT), err == nil && len(answers) == 0:
	case err != nil:
		p.problem("neighbour", err)
		return
	default:
		if err := parseNeighbour(answers[0].Data, found); err != nil {
			p.problem("neighbour", err)
			return
		}
	}
	p.path.Neighbour = found
}

var neighbourStates = []struct {
	bit  uint16
	name string
}{
	{unix.NUD_INCOMPLETE, "incomplete"}, {unix.NUD_REACHABLE, "reachable"}, {unix.NUD_STALE, "stale"},
	{unix.NUD_DELAY, "delay"}, {unix.NUD_PROBE, "probe"}, {unix.NUD_FAILED, "failed"},
	{unix.NUD_NOARP, "noarp"}, {unix.NUD_PERMANENT, "permanent"},
}

// parseNeighbour reads an RTM_NEWNEIGH into what is found.
func parseNeighbour(data []byte, found *netsonde.Neighbour) error {
	hardware := ""
	if err := decode(data, unix.SizeofNdMsg, func(a *netlink.AttributeDecoder) {
		if a.Type() == unix.NDA_LLADDR {
			hardware = net.HardwareAddr(a.Bytes()).String()
		}
	}); err != nil {
		return err
	}
	found.Hardware, found.State = hardware, "none"
	for _, state := range neighbourStates {
		if binary.NativeEndian.Uint16(data[8:])&state.bit != 0 {
			found.State = state.name
		}
	}
	return nil
}

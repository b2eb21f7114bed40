package discovery

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The flags of a route, from Linux's include/uapi/linux/route.h.
const (
	routeUp      = 0x1
	routeGateway = 0x2
	routeReject  = 0x200
)

// Route is a default route of the kernel's main table.
type Route struct {
	// IPv6 tells the families apart when there is no gateway.
	IPv6 bool
	// Gateway is invalid when the way leads straight to a link, such as a
	// tunnel. A link-local one has its interface as its zone.
	Gateway   netip.Addr
	Interface string
	// Metric is the route's price; the kernel takes the cheapest.
	Metric uint64
}

// DefaultRoutes returns the default routes that the tables under proc, which
// is /proc, name: IPv4 first, then by metric. Routes that are down or refuse
// are none; a table that cannot be read has none.
func DefaultRoutes(proc fs.FS) []Route {
	var routes []Route
	for _, table := range []struct {
		path  string
		parse func(fields []string) (Route, bool)
	}{
		{"net/route", parseRoute4},
		{"net/ipv6_route", parseRoute6},
	} {
		file, err := proc.Open(table.path)
		if err != nil {
			continue
		}
		routes = append(routes, parseRoutes(file, table.parse)...)
		// It was only read.
		_ = file.Close()
	}
	return routes
}

// Gateways returns the gateways of the default routes, in their order, each
// once. Their name to systemd's resolver is _gateway (nss-myhostname(8)).
func Gateways(proc fs.FS) []netip.Addr { return gatewaysOf(DefaultRoutes(proc)) }

func gatewaysOf(routes []Route) []netip.Addr {
	var gateways []netip.Addr
	for _, route := range routes {
		if route.Gateway.IsValid() && !slices.Contains(gateways, route.Gateway) {
			gateways = append(gateways, route.Gateway)
		}
	}
	return gateways
}

// parseRoutes returns the table's default routes, the least metric first.
// Lines that make no sense are skipped, and so is what follows an endless one.
func parseRoutes(table io.Reader, parse func([]string) (Route, bool)) []Route {
	var routes []Route
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		if route, ok := parse(strings.Fields(lines.Text())); ok {
			routes = append(routes, route)
		}
	}
	slices.SortStableFunc(routes, func(a, b Route) int { return cmp.Compare(a.Metric, b.Metric) })
	return routes
}

// parseRoute4 reads a line of /proc/net/route: interface, destination,
// gateway, flags, references, uses, metric, mask, …. Addresses are hexadecimal
// words in the machine's byte order.
func parseRoute4(fields []string) (Route, bool) {
	if len(fields) < 8 {
		return Route{}, false
	}
	destination, err1 := strconv.ParseUint(fields[1], 16, 32)
	gateway, err2 := strconv.ParseUint(fields[2], 16, 32)
	flags, err3 := strconv.ParseUint(fields[3], 16, 32)
	metric, err4 := strconv.ParseUint(fields[6], 10, 32)
	mask, err5 := strconv.ParseUint(fields[7], 16, 32)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return Route{}, false
		}
	}
	if destination != 0 || mask != 0 || !usable(flags) {
		return Route{}, false
	}
	route := Route{Interface: fields[0], Metric: metric}
	if flags&routeGateway != 0 && gateway != 0 {
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], uint32(gateway))
		route.Gateway = netip.AddrFrom4(address)
	}
	return route, true
}

// parseRoute6 reads a line of /proc/net/ipv6_route: destination, its prefix
// length, source, its prefix length, next hop, metric, references, uses,
// flags, interface; all hexadecimal.
func parseRoute6(fields []string) (Route, bool) {
	if len(fields) < 10 {
		return Route{}, false
	}
	length, err1 := strconv.ParseUint(fields[1], 16, 8)
	next, err2 := hex.DecodeString(fields[4])
	metric, err3 := strconv.ParseUint(fields[5], 16, 32)
	flags, err4 := strconv.ParseUint(fields[8], 16, 32)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return Route{}, false
		}
	}
	if length != 0 || strings.Trim(fields[0], "0") != "" || len(next) != 16 || !usable(flags) {
		return Route{}, false
	}
	route := Route{IPv6: true, Interface: fields[9], Metric: metric}
	gateway := netip.AddrFrom16([16]byte(next))
	if flags&routeGateway != 0 && !gateway.IsUnspecified() {
		if gateway.IsLinkLocalUnicast() {
			gateway = gateway.WithZone(fields[9])
		}
		route.Gateway = gateway
	}
	return route, true
}

func usable(flags uint64) bool { return flags&routeUp != 0 && flags&routeReject == 0 }

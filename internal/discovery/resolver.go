package discovery

import (
	"bufio"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
)

// resolverLimit is the most name servers that resolvers ask (MAXNS in
// resolv.conf(5)).
const resolverLimit = 3

// Resolvers returns the name servers that the files below root, which is /,
// name: those of etc/resolv.conf or, where that names only a server on this
// machine, those that systemd-resolved asks in turn. Loopback addresses are
// among them when nothing else is known.
func Resolvers(root fs.FS) []netip.Addr {
	servers := readResolvers(root, "etc/resolv.conf")
	if slices.ContainsFunc(servers, func(a netip.Addr) bool { return !a.IsLoopback() }) {
		return servers
	}
	if asked := readResolvers(root, "run/systemd/resolve/resolv.conf"); asked != nil {
		return asked
	}
	return servers
}

// readResolvers reads a file; one that cannot be read names none.
func readResolvers(root fs.FS, path string) []netip.Addr {
	file, err := root.Open(path)
	if err != nil {
		return nil
	}
	// It was only read.
	defer func() { _ = file.Close() }()
	return parseResolvers(file)
}

// parseResolvers returns the first name servers of a file such as resolv.conf,
// each once. What makes no sense is skipped, as resolvers do.
func parseResolvers(file io.Reader) []netip.Addr {
	var servers []netip.Addr
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(servers) < resolverLimit {
		// What stands behind the address is a comment.
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		server, err := netip.ParseAddr(words[1])
		if err == nil && !server.IsUnspecified() && !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	return servers
}

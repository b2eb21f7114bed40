package doctor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options say how facts are gathered.
type Options struct {
	// Try opens a socket of a method other than MethodTCP and sends to an
	// address until that answers or wait is over. It may be called from several
	// goroutines.
	Try func(method Method, to netip.Addr, wait time.Duration) Attempt
	// BufferAsked is what a connection asks for as either buffer, in bytes.
	BufferAsked int
	// Gateways are the default routes, without their Neighbour.
	Gateways []Gateway
}

const (
	// ownPatience bounds the wait for this machine's own answer.
	ownPatience = 100 * time.Millisecond
	// routerPatience bounds the wait for a neighbour's answer.
	routerPatience = 600 * time.Millisecond
	// maxFile bounds what is read of a file of the system, in bytes.
	maxFile = 1 << 20
)

// gatherer gathers the facts.
type gatherer struct {
	Options
	root  fs.FS
	facts Facts
}

// Gather looks at the machine and tries what can be tried, which takes at most
// some three seconds. It sends packets to this machine, to its default gateways
// and to its name servers; where there is no gateway, also to those neighbours
// that might be one, and where no name server answers, to gateways that might
// and, where there is a default route, to a public one.
// What cannot be found out stays unknown.
func Gather(ctx context.Context, options Options) Facts {
	g := &gatherer{Options: options, root: os.DirFS("/")}
	g.facts.Programs = programs(os.Getenv("PATH"))
	g.system()
	g.limits()
	g.network()
	g.services(ctx)
	g.trySockets(ctx)
	g.tryNeighbours(ctx)
	g.tryServers(ctx)
	if g.stopped() {
		g.readChains(ctx)
		g.facts.LegacyTables = g.read("proc/net/ip_tables_names")+g.read("proc/net/ip6_tables_names") != ""
	}
	return g.facts
}

// read returns a small file of the system, "" if it cannot be read.
func (g *gatherer) read(path string) string {
	file, err := g.root.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return ""
	}
	return string(text)
}

// number reads a file that holds a number.
func (g *gatherer) number(path string) int {
	n, err := strconv.Atoi(strings.TrimSpace(g.read(path)))
	if err != nil {
		return Unknown
	}
	return n
}

// exists reports whether there is a file.
func (g *gatherer) exists(path string) bool {
	_, err := fs.Stat(g.root, path)
	return err == nil
}

// programs finds what commands may use, also in the directories of
// administration, which are not in everybody's path.
func programs(path string) map[string]string {
	found := make(map[string]string)
	directories := append(filepath.SplitList(path), "/usr/local/sbin", "/usr/sbin", "/sbin")
	for _, name := range []string{
		"apt-get", "dhclient", "dhcpcd", "ip", "ip6tables", "iptables", "networkctl", "nft", "nmcli", "prlimit", "resolvectl",
		"setcap", "su", "sudo", "sysctl", "timedatectl", "udhcpc",
	} {
		for _, directory := range directories {
			candidate := filepath.Join(directory, name)
			if resolved, err := exec.LookPath(candidate); err == nil && filepath.IsAbs(resolved) {
				found[name] = resolved
				break
			}
		}
	}
	return found
}

// trySockets tries every kind of socket on this machine itself, all at once.
func (g *gatherer) trySockets(ctx context.Context) {
	four, six := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	for _, method := range []Method{MethodRaw, MethodPing, MethodUDP, MethodTCP} {
		for _, to := range []netip.Addr{four, six} {
			if to.Is4() || g.facts.IPv6.Present && !g.facts.IPv6.Disabled {
				g.facts.Uses = append(g.facts.Uses, Use{Method: method, To: to})
			}
		}
	}
	g.tryAll(ctx, g.facts.Uses, ownPatience)
}

// tryNeighbours tries the gateways, or looks for one.
func (g *gatherer) tryNeighbours(ctx context.Context) {
	method, can := g.echo()
	var uses []Use
	for _, gateway := range g.facts.Gateways {
		if !gateway.Addr.IsValid() {
			continue
		}
		if can {
			uses = append(uses, Use{Method: method, To: gateway.Addr})
		}
		uses = append(uses, Use{Method: MethodUDP, To: gateway.Addr})
	}
	if can && !slices.ContainsFunc(g.facts.Gateways, func(gateway Gateway) bool { return !gateway.Six }) {
		g.facts.Routers = g.likelyRouters()
		for _, router := range g.facts.Routers {
			uses = append(uses, Use{Method: method, To: router.Addr})
		}
	}
	if len(uses) == 0 {
		return
	}
	watched := watch()
	g.tryAll(ctx, uses, routerPatience)
	watched.close()
	for i := range uses {
		kind := answerEcho
		if uses[i].Method == MethodUDP {
			kind = answerUnreachable
		}
		uses[i].Arrived = watched.saw(uses[i].To, kind)
	}
	g.facts.Uses = append(g.facts.Uses, uses...)
	g.facts.Routers = slices.DeleteFunc(g.facts.Routers, func(router Router) bool {
		use, tried := g.facts.use(method, router.Addr)
		return !tried || !use.Answered
	})
	g.readNeighbours()
}

// echo returns the best way to send echoes.
func (g *gatherer) echo() (Method, bool) {
	for _, method := range []Method{MethodRaw, MethodPing} {
		if use, tried := g.facts.use(method, netip.AddrFrom4([4]byte{127, 0, 0, 1})); tried && use.OpenErrno == 0 {
			return method, true
		}
	}
	return "", false
}

// tryAll fills in what became of each use, all at the same time.
func (g *gatherer) tryAll(ctx context.Context, uses []Use, wait time.Duration) {
	var all sync.WaitGroup
	for i := range uses {
		use := &uses[i]
		all.Go(func() {
			if use.Method == MethodTCP {
				use.Attempt = tryTCP(ctx, use.To, wait)
				return
			}
			use.Attempt = g.Try(use.Method, use.To, wait)
		})
	}
	all.Wait()
}

// use returns what became of a method at an address.
func (f *Facts) use(method Method, to netip.Addr) (Use, bool) {
	for _, use := range f.Uses {
		if use.Method == method && use.To == to {
			return use, true
		}
	}
	return Use{}, false
}

// stopped reports whether packets seem to meet a firewall of this machine.
func (g *gatherer) stopped() bool {
	return slices.ContainsFunc(g.facts.Uses, func(use Use) bool {
		silent := (use.To.IsLoopback() || use.Arrived) && use.OpenErrno == 0 && use.SendErrno == 0 && !use.Answered
		return use.SendErrno == unix.EPERM || silent
	}) || slices.ContainsFunc(g.facts.Resolver.Servers, func(server NameServer) bool {
		return server.Refused || server.Arrived && !server.Answered
	})
}

// errnoOf finds the system's error in another, EIO if there is none.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.EIO
}

package doctor

import (
	"context"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// busPatience bounds the wait for the system's bus.
const busPatience = 200 * time.Millisecond

// Where those who take care of the network tell of each interface, by its index.
const (
	networkdLinks         = "run/systemd/netif/links/"
	networkManagerDevices = "run/NetworkManager/devices/"
)

// services finds out who takes care of the network. That a program is installed
// says nothing: it must run, here, and its tools must be able to reach it.
func (g *gatherer) services(ctx context.Context) {
	if !busAnswers(ctx) {
		return
	}
	s := &g.facts.Services
	// This is how programs ask whether systemd is what runs (sd_booted(3)).
	s.Systemd = g.exists("run/systemd/system")
	running := g.running("systemd-network", "NetworkManager", "systemd-resolve")
	s.Resolved = running["systemd-resolve"]
	for _, link := range g.facts.Links {
		index := strconv.Itoa(link.Index)
		if running["systemd-network"] && managed(g.read(networkdLinks+index), "ADMIN_STATE=") {
			s.Networkd = append(s.Networkd, link.Name)
		}
		if running["NetworkManager"] && managed(g.read(networkManagerDevices+index), "managed=") {
			s.NetworkManager = append(s.NetworkManager, link.Name)
		}
	}
}

// managed reports whether a file about an interface has a line with the key
// that says that somebody takes care of it.
func managed(text, key string) bool {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), key); found {
			return !slices.Contains([]string{"", "unmanaged", "unmanaged-external", "unknown", "0", "false"}, value)
		}
	}
	return false
}

// busAnswers reports whether the system's bus takes connections.
func busAnswers(ctx context.Context) bool {
	dialler := net.Dialer{Timeout: busPatience}
	connection, err := dialler.DialContext(ctx, "unix", "/run/dbus/system_bus_socket")
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

// running tells which of some programs run in our network namespace. The kernel
// keeps 15 bytes of a name (proc_pid_comm(5)).
func (g *gatherer) running(names ...string) map[string]bool {
	found := make(map[string]bool)
	own, err := fs.ReadLink(g.root, "proc/self/ns/net")
	if err != nil {
		return found
	}
	processes, err := fs.ReadDir(g.root, "proc")
	if err != nil {
		return found
	}
	for _, process := range processes {
		if _, err := strconv.ParseUint(process.Name(), 10, 32); err != nil {
			continue
		}
		name := strings.TrimSpace(g.read("proc/" + process.Name() + "/comm"))
		if !slices.Contains(names, name) {
			continue
		}
		space, err := fs.ReadLink(g.root, "proc/"+process.Name()+"/ns/net")
		here := space == own
		if err != nil {
			// Only root may read it of others'. A namespace has its own interfaces.
			here = slices.Equal(interfacesOf(g.read("proc/"+process.Name()+"/net/dev")), interfacesOf(g.read("proc/self/net/dev")))
		}
		found[name] = found[name] || here
	}
	return found
}

// interfacesOf returns the names in a /proc/PID/net/dev (proc_pid_net(5)).
func interfacesOf(text string) (names []string) {
	for line := range strings.Lines(text) {
		if name, _, found := strings.Cut(line, ":"); found {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

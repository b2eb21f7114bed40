package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// freshSysctls are set on every node: without them addresses are unusable for
// a second while the kernel looks for duplicates, and answers that come back
// another way than they would be sent are thrown away.
func freshSysctls() map[string]string {
	return map[string]string{
		"net.ipv6.conf.all.accept_dad":               "0",
		"net.ipv6.conf.default.accept_dad":           "0",
		"net.ipv6.conf.all.disable_ipv6":             "0",
		"net.ipv6.conf.default.disable_ipv6":         "0",
		"net.ipv6.conf.default.router_solicitations": "0",
		"net.ipv4.conf.all.rp_filter":                "0",
		"net.ipv4.conf.default.rp_filter":            "0",
	}
}

// Forward makes the node a router that answers every packet whose TTL runs
// out. A fresh kernel would answer about one a second to each sender.
func (n *Node) Forward() {
	n.ForwardLimited()
	n.Unlimited()
}

// ForwardLimited makes the node a router with the kernel's own limits on ICMP
// errors: most probes of a quick trace get no answer from it.
func (n *Node) ForwardLimited() {
	n.Sysctl("net.ipv4.ip_forward", "1")
	n.Sysctl("net.ipv6.conf.all.forwarding", "1")
}

// Unlimited takes away the kernel's limits on ICMP errors.
func (n *Node) Unlimited() {
	n.Sysctl("net.ipv4.icmp_ratelimit", "0")
	n.Sysctl("net.ipv6.icmp.ratelimit", "0")
	// Older kernels have these only once, outside namespaces.
	n.step("sysctl", func() error {
		for _, name := range []string{"net.ipv4.icmp_msgs_per_sec", "net.ipv4.icmp_msgs_burst"} {
			if err := writeSysctl(name, "1000000"); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// PingGroups says which groups may open unprivileged ICMP sockets, first to
// last. A fresh node has 1 to 0, which is nobody.
func (n *Node) PingGroups(first, last uint32) {
	n.Sysctl("net.ipv4.ping_group_range", fmt.Sprintf("%d %d", first, last))
}

// Sysctl sets a kernel parameter of the node by its dotted name.
func (n *Node) Sysctl(name, value string) {
	n.step("sysctl", func() error { return writeSysctl(name, value) })
}

// writeSysctl sets a parameter in the calling thread's network namespace.
func writeSysctl(name, value string) error {
	path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("sysctl %s=%s: %w", name, value, err)
	}
	return nil
}

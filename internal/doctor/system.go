package doctor

import (
	"encoding/binary"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// system reads what the machine and this process are.
func (g *gatherer) system() {
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		g.facts.Kernel = Kernel{
			System:  unix.ByteSliceToString(name.Sysname[:]),
			Release: unix.ByteSliceToString(name.Release[:]),
			Machine: unix.ByteSliceToString(name.Machine[:]),
		}
	}
	g.facts.Rights = parseStatus(g.read("proc/self/status"))
	g.facts.Rights.UserNamespace = inUserNamespace(g.read("proc/self/uid_map"))
	g.executable()
	g.facts.Container = g.container()
	var timex unix.Timex
	if state, err := unix.Adjtimex(&timex); err == nil {
		g.facts.Clock.Synchronised = state != unix.TIME_ERROR && timex.Status&unix.STA_UNSYNC == 0
	}
	g.facts.Clock.Source = strings.TrimSpace(g.read("sys/devices/system/clocksource/clocksource0/current_clocksource"))
}

// parseStatus reads /proc/self/status (proc_pid_status(5)).
func parseStatus(text string) (r Rights) {
	r.UID, r.GID = Unknown, Unknown
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch key {
		case "Uid", "Gid":
			// Real, effective, saved, file system.
			if len(fields) < 2 {
				continue
			}
			if id, err := strconv.ParseUint(fields[1], 10, 32); err == nil && key == "Uid" {
				r.UID = int(id)
			} else if err == nil {
				r.GID = int(id)
			}
		case "CapEff":
			r.Effective = hexadecimal(fields[0])
		case "CapBnd":
			r.Bounding = hexadecimal(fields[0])
		case "NoNewPrivs":
			r.NoNewPrivileges = fields[0] == "1"
		}
	}
	return r
}

// hexadecimal reads a set of capabilities; what is none is empty.
func hexadecimal(text string) uint64 {
	set, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0
	}
	return set
}

// inUserNamespace reports whether /proc/self/uid_map is not the machine's own,
// which maps all of 32 bits to themselves (user_namespaces(7)).
func inUserNamespace(text string) bool {
	fields := strings.Fields(text)
	return len(fields) != 0 && (len(fields) != 3 || fields[0] != "0" || fields[1] != "0" || fields[2] != "4294967295")
}

// executable looks at this program's file.
func (g *gatherer) executable() {
	r := &g.facts.Rights
	path, err := os.Executable()
	if err != nil {
		return
	}
	r.Executable = path
	var system unix.Statfs_t
	if unix.Statfs(path, &system) == nil {
		r.NoSetUID = system.Flags&unix.ST_NOSUID != 0
	}
	var attribute [64]byte
	if n, err := unix.Getxattr(path, "security.capability", attribute[:]); err == nil {
		r.FileCapabilities = parseFileCapabilities(attribute[:n])
	}
}

// parseFileCapabilities returns the permitted set of struct vfs_cap_data
// (linux/capability.h): two words a half, the first of each permitted.
func parseFileCapabilities(b []byte) uint64 {
	if len(b) < 20 {
		return 0
	}
	return uint64(binary.LittleEndian.Uint32(b[4:])) | uint64(binary.LittleEndian.Uint32(b[12:]))<<32
}

// container says what kind of container we run in, as far as they tell.
func (g *gatherer) container() string {
	if kind := strings.TrimSpace(g.read("run/systemd/container")); kind != "" {
		return kind
	}
	switch {
	case g.exists(".dockerenv"):
		return "docker"
	case g.exists("run/.containerenv"):
		return "podman"
	case os.Getenv("KUBERNETES_SERVICE_HOST") != "":
		return "kubernetes"
	}
	return os.Getenv("container")
}

// limits reads what the kernel allows.
func (g *gatherer) limits() {
	const net = "proc/sys/net/"
	g.facts.PingGroups = strings.Join(strings.Fields(g.read(net+"ipv4/ping_group_range")), " ")
	g.facts.Buffers = Buffers{
		Asked:      g.BufferAsked,
		ReceiveMax: g.number(net + "core/rmem_max"),
		SendMax:    g.number(net + "core/wmem_max"),
	}
	if about, err := fs.Stat(g.root, net+"core/rmem_max"); err != nil || about.Mode()&0o222 == 0 {
		g.facts.Buffers.Fixed = true
	}
	l := &g.facts.Limits
	*l = Limits{
		ICMP4:         g.number(net + "ipv4/icmp_ratelimit"),
		ICMP6:         g.number(net + "ipv6/icmp/ratelimit"),
		ICMPPerSecond: g.number(net + "ipv4/icmp_msgs_per_sec"),
		Forwarding:    g.number(net+"ipv4/ip_forward") > 0 || g.number(net+"ipv6/conf/all/forwarding") > 0,
		EchoIgnored:   g.number(net+"ipv4/icmp_echo_ignore_all") > 0,
		Files:         Unknown,
		Neighbours4:   g.number(net + "ipv4/neigh/default/gc_thresh3"),
		Neighbours6:   g.number(net + "ipv6/neigh/default/gc_thresh3"),
		Tracked:       g.number(net + "netfilter/nf_conntrack_count"),
		TrackedMax:    g.number(net + "netfilter/nf_conntrack_max"),
	}
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil {
		// The soft limit is raised to the hard one when a Go program starts.
		l.Files = int(min(files.Max, 1<<30))
	}
	g.facts.IPv6 = IPv6{
		Present:  g.exists(net + "ipv6"),
		Disabled: g.number(net+"ipv6/conf/all/disable_ipv6") > 0,
	}
}

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// judge makes findings of facts.
type judge struct {
	facts    *Facts
	needs    *Needs
	findings []Finding
}

// Judge says what the facts mean for a monitor. needs, unless nil, are those of
// a configuration. It is pure: the same facts give the same findings.
func Judge(facts *Facts, needs *Needs) []Finding {
	j := &judge{facts: facts, needs: needs}
	j.machine()
	j.loopback()
	j.raw()
	j.ping()
	j.withoutRights()
	j.stamps()
	j.buffers()
	j.links()
	j.firewall()
	j.ipv6()
	j.gateways()
	j.resolver()
	j.clock()
	j.limits()
	return j.findings
}

func (j *judge) ok(check, found, why string) { j.add(check, StateOK, found, why, "", "") }

func (j *judge) note(check, found, why, fix, persistent string) {
	j.add(check, StateNote, found, why, fix, persistent)
}

func (j *judge) gap(check, found, why, fix, persistent string) {
	j.add(check, StateGap, found, why, fix, persistent)
}

func (j *judge) add(check string, state State, found, why, fix, persistent string) {
	j.findings = append(j.findings, Finding{
		Check: check, State: state, Found: found, Why: why, Fix: fix, Persistent: persistent,
	})
}

// own is this machine's own address of a family.
func own(six bool) netip.Addr {
	if six {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// family names a family as findings do.
func family(six bool) string {
	if six {
		return "IPv6"
	}
	return "IPv4"
}

// families are both, IPv4 first, by whether they are IPv6.
func families() []bool { return []bool{false, true} }

// errnoText is an errno with its name.
func errnoText(errno syscall.Errno) string {
	return fmt.Sprintf("%s, %v", unix.ErrnoName(errno), errno)
}

// machine tells of kernel, rights and containers.
func (j *judge) machine() {
	k := j.facts.Kernel
	j.ok("kernel", fmt.Sprintf("%s %s on %s", k.System, k.Release, k.Machine), "what follows is what it allows")
	r := &j.facts.Rights
	text := fmt.Sprintf("user %d, group %d, ", r.UID, r.GID)
	switch {
	case r.may(unix.CAP_NET_RAW) && r.may(unix.CAP_NET_ADMIN):
		text += "with CAP_NET_RAW and CAP_NET_ADMIN"
	case r.may(unix.CAP_NET_RAW):
		text += "with CAP_NET_RAW"
	default:
		text += "without CAP_NET_RAW"
	}
	why := "they decide which sockets are to be had"
	if r.NoNewPrivileges {
		j.note("rights", text+", and no_new_privs is set", "capabilities of a file have no effect", "", "")
	} else {
		j.ok("rights", text, why)
	}
	if j.facts.Container != "" {
		j.note("container", j.facts.Container, "its network and its limits are what is measured from", "", "")
	}
	if r.UserNamespace {
		j.note("user-namespace", "root here is not the machine's root",
			"limits of the whole machine, as of buffers and neighbours, can be raised only outside", "", "")
	}
}

// may reports whether the process has a capability.
func (r *Rights) may(capability int) bool { return r.Effective&(1<<capability) != 0 }

// loopback tells whether this machine can talk to itself.
func (j *judge) loopback() {
	i := slices.IndexFunc(j.facts.Links, func(link Link) bool { return link.Loopback })
	if i < 0 || j.facts.Links[i].Up {
		return
	}
	name := j.facts.Links[i].Name
	j.raise("loopback", name, name+" is down", "nothing on this machine can be measured, and nothing here can be tried")
}

// down reports whether the loopback interface is there and down.
func (j *judge) down() bool {
	return slices.ContainsFunc(j.facts.Links, func(link Link) bool { return link.Loopback && !link.Up })
}

// raw tells of raw sockets. What stops them of both families is one thing.
func (j *judge) raw() {
	refused := false
	for _, six := range families() {
		use, tried := j.facts.use(MethodRaw, own(six))
		switch {
		case !tried:
		case use.OpenErrno == unix.EPERM || use.OpenErrno == unix.EACCES:
			if !refused {
				j.rawRefused(use.OpenErrno)
			}
			refused = true
		default:
			j.used("raw", six, &use, "UDP traces, and ICMP without a limit of identities")
		}
	}
}

// rawRefused says how to get raw sockets.
func (j *judge) rawRefused(errno syscall.Errno) {
	const why = "UDP traces need them, and so do thousands of targets"
	r := &j.facts.Rights
	found := "refused, " + errnoText(errno)
	path := quote(r.Executable)
	grant := func(path string) string { return j.program("setcap") + " cap_net_raw+ep " + path }
	switch {
	case r.may(unix.CAP_NET_RAW):
		j.note("raw", found+", in spite of CAP_NET_RAW: a security module or a seccomp filter", why, "", "")
	case r.Bounding&(1<<unix.CAP_NET_RAW) == 0:
		j.note("raw", found+": this container may never have CAP_NET_RAW; start it with --cap-add NET_RAW", why, "", "")
	case r.NoNewPrivileges:
		j.note("raw", found+": no_new_privs stands in the way; under systemd set AmbientCapabilities=CAP_NET_RAW", why, "", "")
	case r.NoSetUID:
		const elsewhere = "/usr/local/bin/netsonde"
		j.gap("raw", found+": the file system of "+r.Executable+" is mounted nosuid, so take a copy elsewhere", why,
			j.asRoot("install -m 755 "+path+" "+elsewhere+" && "+grant(elsewhere)), "")
	case !j.has("setcap") && j.has("apt-get"):
		j.gap("raw", found, why, j.asRoot("apt-get install -y libcap2-bin && /usr/sbin/"+"setcap cap_net_raw+ep "+path), "")
	default:
		j.gap("raw", found, why, j.asRoot(grant(path)), "")
	}
}

// used tells what became of a kind of socket that could be opened, or that
// could not for want of something other than rights.
func (j *judge) used(kind string, six bool, use *Use, why string) {
	check := kind + " " + family(six)
	switch {
	case j.down() && !use.Answered:
		j.note(check, "not tried: the loopback is down", why, "", "")
	case use.OpenErrno != 0:
		j.note(check, "not to be had, "+errnoText(use.OpenErrno), why, "", "")
	case use.Answered:
		j.ok(check, fmt.Sprintf("%v answered in %d µs", use.To, max(1, use.RTT.Microseconds())), why)
	case use.SendErrno == unix.EPERM:
		j.note(check, "open, but the firewall lets nothing out (see there)", why, "", "")
	case use.SendErrno != 0:
		j.note(check, "open, but cannot send to this machine itself: "+errnoText(use.SendErrno), why, "", "")
	case j.facts.Limits.EchoIgnored && !six && (use.Method == MethodRaw || use.Method == MethodPing):
		fix, persistent := j.sysctl("net.ipv4.icmp_echo_ignore_all", "0")
		j.note(check, "open, but this machine answers no echoes (icmp_echo_ignore_all)", "others see it as down", fix, persistent)
	default:
		j.note(check, fmt.Sprintf("open, but %v did not answer (see firewall)", use.To), why, "", "")
	}
}

// ping tells of unprivileged ICMP sockets. One setting opens both families.
func (j *judge) ping() {
	const why = "they ping without rights"
	refused := false
	for _, six := range families() {
		use, tried := j.facts.use(MethodPing, own(six))
		switch {
		case !tried || refused:
		case use.OpenErrno == unix.EACCES || use.OpenErrno == unix.EPERM:
			refused = true
			found := "closed to us: net.ipv4.ping_group_range is \"" + j.facts.PingGroups + "\""
			fix, persistent := j.sysctl("net.ipv4.ping_group_range", "0 2147483647")
			if raw, tried := j.facts.use(MethodRaw, own(six)); tried && raw.OpenErrno == 0 {
				j.note("ping", found, "raw sockets do all that they do", fix, persistent)
				continue
			}
			j.gap("ping", found, "without them and without raw sockets ports are tried in place of echoes", fix, persistent)
		default:
			j.used("ping", six, &use, why)
		}
	}
}

// withoutRights tells of what every user may have.
func (j *judge) withoutRights() {
	for _, six := range families() {
		if use, tried := j.facts.use(MethodUDP, own(six)); tried {
			j.used("udp", six, &use, "the way to measure without any right to ICMP")
		}
	}
	for _, six := range families() {
		if use, tried := j.facts.use(MethodTCP, own(six)); tried {
			j.used("tcp", six, &use, "service checks connect")
		}
	}
}

// best returns the best kind of socket that could be opened.
func (j *judge) best() (Use, bool) {
	for _, method := range []Method{MethodRaw, MethodPing, MethodUDP} {
		for _, six := range families() {
			if use, tried := j.facts.use(method, own(six)); tried && use.OpenErrno == 0 {
				return use, true
			}
		}
	}
	return Use{}, false
}

// stamps tells which times the kernel gives.
func (j *judge) stamps() {
	use, ok := j.best()
	if !ok || !use.Answered {
		return
	}
	switch {
	case use.ReceiveStamp && use.TransmitStamp:
		j.ok("stamps", "the kernel stamps what arrives and what leaves", "RTTs are free of our own delays")
	case use.ReceiveStamp:
		j.note("stamps", "the kernel stamps what arrives, but not what leaves", "RTTs hold our own delay before the send", "", "")
	default:
		j.note("stamps", "the kernel stamps nothing", "RTTs hold our own delays", "", "")
	}
}

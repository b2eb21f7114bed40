package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// answerSize is what the kernel counts for a small answer that waits in a
	// receive buffer, in bytes: its data, rounded up, and struct sk_buff.
	answerSize = 768
	// pause is how long we may be kept from reading without losing answers.
	pause = 100 * time.Millisecond
	// modestRate is what every machine should bear, in packets a second.
	modestRate = 1000
	// maxChecks is how many service checks run at a time.
	maxChecks = 4096
	// usualNeighbours is the kernel's own gc_thresh3 (arp(7)).
	usualNeighbours = 1024
	// ownFiles are files that are open beside those of service checks.
	ownFiles = 256
)

// rate is how many packets a second the machine has to bear.
func (j *judge) rate() float64 {
	if j.needs == nil {
		return modestRate
	}
	return max(modestRate, j.needs.PacketsPerSecond)
}

// buffers tells whether a pause of ours loses answers.
func (j *judge) buffers() {
	use, ok := j.best()
	if !ok || use.ReceiveBuffer <= 0 || use.SendBuffer <= 0 {
		return
	}
	b := &j.facts.Buffers
	needed := int(j.rate() * pause.Seconds() * answerSize)
	why := fmt.Sprintf("it has to hold %v of answers at %.0f packets/s, %s", pause, j.rate(), sizeText(needed))
	j.buffer("receive buffer", use.ReceiveBuffer, needed, "net.core.rmem_max", b.ReceiveMax, why)
	// What waits to be sent is a batch, not a pause.
	needed /= 4
	j.buffer("send buffer", use.SendBuffer, needed, "net.core.wmem_max", b.SendMax,
		"a full one fails the send")
}

func (j *judge) buffer(check string, granted, needed int, setting string, limit int, why string) {
	b := &j.facts.Buffers
	found := sizeText(granted) + " granted"
	if granted < 2*b.Asked {
		found += ", " + sizeText(2*b.Asked) + " asked for"
		if limit != Unknown {
			found += fmt.Sprintf(" (%s is %d)", setting, limit)
		}
	}
	fix, persistent := j.sysctl(setting, strconv.Itoa(max(b.Asked, needed)))
	switch {
	case granted >= needed:
		j.ok(check, found, why)
	case b.Fixed:
		j.note(check, found+"; it can be raised only in the machine's own network namespace, by sysctl -w "+setting+"="+strconv.Itoa(max(b.Asked, needed)), why, "", "")
	default:
		j.gap(check, found, why, fix, persistent)
	}
}

// clock tells whether times are true, and cheap to read.
func (j *judge) clock() {
	if j.facts.Clock.Synchronised {
		j.ok("clock", "synchronised", "times of several machines can be compared")
	} else {
		fix := ""
		if j.has("timedatectl") && j.facts.Services.Systemd && !j.facts.Rights.UserNamespace && j.facts.Container == "" {
			fix = j.asRoot(j.program("timedatectl") + " set-ntp true")
		}
		j.note("clock", "not known to be synchronised", "RTTs do not suffer, but times in results may be wrong", fix, "")
	}
	switch source := j.facts.Clock.Source; {
	case source == "":
	case strings.HasPrefix(source, "acpi") || source == "hpet" || source == "jiffies" || source == "refined-jiffies" || source == "pit":
		j.note("clock source", source, "each reading of it takes a microsecond or more", "", "")
	default:
		j.ok("clock source", source, "it is cheap to read")
	}
}

// limits tells of tables and rates that fill up.
func (j *judge) limits() {
	l := &j.facts.Limits
	if l.ICMP4 != Unknown {
		found := fmt.Sprintf("one error in %d ms to one receiver", l.ICMP4)
		if l.ICMP4 == 0 {
			found = "errors to one receiver are not limited"
		}
		if l.ICMPPerSecond != Unknown {
			found += fmt.Sprintf(", %d a second to all", l.ICMPPerSecond)
		}
		if l.Forwarding && l.ICMP4 > 0 {
			fix, persistent := j.sysctl("net.ipv4.icmp_ratelimit", "0")
			j.note("icmp limits", found, "this machine is a router: traces across it miss it now and then", fix, persistent)
		} else {
			j.ok("icmp limits", found, "this matters only to those who trace to us")
		}
	}
	j.neighbours(l)
	if l.Tracked != Unknown && l.TrackedMax > 0 {
		found := fmt.Sprintf("%d of %d connections are tracked", l.Tracked, l.TrackedMax)
		if l.Tracked > l.TrackedMax/10*9 {
			fix, persistent := j.sysctl("net.netfilter.nf_conntrack_max", strconv.Itoa(2*l.TrackedMax))
			j.gap("conntrack", found, "a full table drops our packets", fix, persistent)
		} else {
			j.ok("conntrack", found, "a full table drops our packets")
		}
	}
	j.files(l)
	j.plan()
}

// neighbours compares the neighbour tables with the targets on our own links.
func (j *judge) neighbours(l *Limits) {
	for _, table := range []struct {
		six     bool
		limit   int
		setting string
	}{{false, l.Neighbours4, "net.ipv4.neigh.default.gc_thresh3"}, {true, l.Neighbours6, "net.ipv6.neigh.default.gc_thresh3"}} {
		near := j.near(table.six)
		check := "neighbours " + family(table.six)
		const why = "the table must hold every target on our own links"
		if table.limit == Unknown {
			// Only the machine's own network namespace tells.
			if near > usualNeighbours/4*3 {
				j.note(check, fmt.Sprintf("%d targets are neighbours, and there is usually room for %d; it is raised outside this network namespace, by sysctl -w %s=%d",
					near, usualNeighbours, table.setting, 4*near), why, "", "")
			}
			continue
		}
		found := fmt.Sprintf("room for %d", table.limit)
		if near > 0 {
			found += fmt.Sprintf(", and %d targets are neighbours", near)
		}
		if near > table.limit/4*3 {
			fix, persistent := j.sysctl(table.setting, strconv.Itoa(4*near))
			j.gap(check, found, why, fix, persistent)
			continue
		}
		j.ok(check, found, why)
	}
}

// near counts the targets on our own links.
func (j *judge) near(six bool) (n int) {
	if j.needs == nil {
		return 0
	}
	var prefixes []netip.Prefix
	for _, link := range j.facts.Links {
		if !link.Loopback {
			prefixes = append(prefixes, link.Prefixes...)
		}
	}
	for _, address := range j.needs.Addrs {
		if address.Is6() == six && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) }) {
			n++
		}
	}
	return n
}

// files compares the limit of open files with what service checks take.
func (j *judge) files(l *Limits) {
	if l.Files == Unknown {
		return
	}
	needed := 2 * ownFiles
	found := fmt.Sprintf("%d may be open", l.Files)
	if j.needs != nil && j.needs.Checks > 0 {
		needed += 2 * min(j.needs.Checks, maxChecks)
		found += fmt.Sprintf(", %d are wanted", needed)
	}
	const why = "each service check under way takes one"
	if l.Files >= needed {
		j.ok("open files", found, why)
		return
	}
	limit := strconv.Itoa(max(4096, 2*needed))
	if j.facts.Rights.Bounding&(1<<unix.CAP_SYS_RESOURCE) == 0 {
		j.note("open files", found+"; only what started this container can raise that, as by --ulimit nofile="+limit, why, "", "")
		return
	}
	if !j.has("prlimit") {
		if j.facts.Rights.UID == 0 {
			j.gap("open files", found, why, "ulimit -n "+limit, "")
		} else {
			j.note("open files", found+"; root can raise that in /etc/security/limits.conf to "+limit, why, "", "")
		}
		return
	}
	// The shell that runs the command is the one whose limit is raised.
	script := j.program("prlimit") + " --pid $$ --nofile=" + limit + ":" + limit
	switch _, sudo := j.facts.Programs["sudo"]; {
	case j.facts.Rights.UID == 0:
	case sudo:
		script = "sudo " + script
	default:
		script = `su -c "` + script + `"`
	}
	j.gap("open files", found, why, script, "")
}

// plan tells what the configuration asks for.
func (j *judge) plan() {
	if j.needs == nil {
		return
	}
	found := fmt.Sprintf("%s, %.1f packets/s in the mean", counted(j.needs.Targets, "target"), j.needs.PacketsPerSecond)
	if j.needs.Budget > 0 && j.needs.Budgeted > j.needs.Budget {
		j.note("configuration", fmt.Sprintf("%s, with a budget of %.0f", found, j.needs.Budget),
			"probes will wait for one another: raise budget or the intervals in the file", "", "")
		return
	}
	j.ok("configuration", found, "what the lines above were held against")
}

// sizeText is a size for people.
func sizeText(n int) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'g', 3, 64) + " MiB"
	case n >= 1<<10:
		return strconv.FormatFloat(float64(n)/(1<<10), 'g', 3, 64) + " KiB"
	default:
		return strconv.Itoa(n) + " B"
	}
}

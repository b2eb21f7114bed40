package doctor

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sound returns the recorded facts of a machine that wants for nothing.
func sound(t testing.TB) *Facts {
	t.Helper()
	text, err := os.ReadFile("testdata/sound.json")
	if err != nil {
		t.Fatal(err)
	}
	var facts Facts
	if err := json.Unmarshal(text, &facts); err != nil {
		t.Fatal(err)
	}
	return &facts
}

// find returns what was found by a check.
func find(findings []Finding, check string) Finding {
	for _, f := range findings {
		if f.Check == check {
			return f
		}
	}
	return Finding{}
}

func TestSoundMachineHasNoGaps(t *testing.T) {
	for _, f := range Judge(sound(t), &Needs{Targets: 100, PacketsPerSecond: 100, Budget: 10_000}) {
		if f.State != StateOK || f.Fix != "" || f.Found == "" || f.Why == "" {
			t.Errorf("%+v", f)
		}
	}
}

// chains are those that the firewall was found to have.
func chains(facts *Facts, list ...Chain) { facts.ChainsRead, facts.Chains = true, list }

// each changes the uses that f takes.
func each(facts *Facts, change func(use *Use), methods ...Method) {
	for i := range facts.Uses {
		for _, method := range methods {
			if facts.Uses[i].Method == method {
				change(&facts.Uses[i])
			}
		}
	}
}

func unopened(errno syscall.Errno) func(*Use) {
	return func(use *Use) { use.Attempt = Attempt{OpenErrno: errno} }
}

func unsent(use *Use) { use.SendErrno, use.Answered = unix.EPERM, false }

func silent(use *Use) { use.Answered = false }

// ordinary makes the caller a user without rights.
func ordinary(facts *Facts) {
	facts.Rights.UID, facts.Rights.GID, facts.Rights.Effective = 1000, 1000, 0
	each(facts, unopened(unix.EPERM), MethodRaw)
}

func withSudo(facts *Facts) { facts.Programs["sudo"] = "/usr/bin/sudo" }

const netRaw = uint64(1) << unix.CAP_NET_RAW

func TestJudge(t *testing.T) {
	near := []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	for _, test := range []struct {
		name       string
		change     func(*Facts)
		needs      *Needs
		check      string
		state      State
		found, fix string // found is a part
	}{
		{"no rights", ordinary, nil, "raw", StateGap, "EPERM",
			"su -c '/usr/sbin/setcap cap_net_raw+ep /usr/local/bin/netsonde'"},
		{"no rights, with sudo", func(f *Facts) { ordinary(f); withSudo(f) }, nil, "raw", StateGap, "EPERM",
			"sudo setcap cap_net_raw+ep /usr/local/bin/netsonde"},
		{"no setcap", func(f *Facts) { ordinary(f); delete(f.Programs, "setcap") }, nil, "raw", StateGap, "EPERM",
			"su -c 'apt-get install -y libcap2-bin && /usr/sbin/setcap cap_net_raw+ep /usr/local/bin/netsonde'"},
		{"a file of a hostile name", func(f *Facts) { ordinary(f); withSudo(f); f.Rights.Executable = "/tmp/a'; reboot" }, nil, "raw", StateGap, "EPERM",
			`sudo sh -c 'setcap cap_net_raw+ep '\''/tmp/a'\''\'\'''\''; reboot'\'''`},
		{"mounted nosuid", func(f *Facts) { ordinary(f); f.Rights.NoSetUID = true; f.Rights.Executable = "/tmp/n" }, nil, "raw", StateGap, "nosuid",
			"su -c 'install -m 755 /tmp/n /usr/local/bin/netsonde && /usr/sbin/setcap cap_net_raw+ep /usr/local/bin/netsonde'"},
		{"no new privileges", func(f *Facts) { ordinary(f); f.Rights.NoNewPrivileges = true }, nil, "raw", StateNote, "AmbientCapabilities", ""},
		{"never to be had", func(f *Facts) { ordinary(f); f.Rights.Bounding &^= netRaw }, nil, "raw", StateNote, "--cap-add NET_RAW", ""},
		{"refused in spite", func(f *Facts) { ordinary(f); f.Rights.Effective = netRaw }, nil, "raw", StateNote, "seccomp", ""},
		{"ping closed to root", func(f *Facts) { each(f, unopened(unix.EACCES), MethodPing) }, nil, "ping", StateNote, "ping_group_range",
			`sysctl -w "net.ipv4.ping_group_range=0 2147483647"`},
		{"ping closed to users", func(f *Facts) { ordinary(f); each(f, unopened(unix.EACCES), MethodPing) }, nil, "ping", StateGap, "ping_group_range",
			`su -c '/usr/sbin/sysctl -w "net.ipv4.ping_group_range=0 2147483647"'`},
		{"a missing family", func(f *Facts) { each(f, unopened(unix.EAFNOSUPPORT), MethodUDP) }, nil, "udp IPv6", StateNote, "EAFNOSUPPORT", ""},
		{"no transmit stamps", func(f *Facts) { each(f, func(u *Use) { u.TransmitStamp = false }, MethodRaw) }, nil, "stamps", StateNote, "not what leaves", ""},
		{"no stamps", func(f *Facts) { each(f, func(u *Use) { u.TransmitStamp, u.ReceiveStamp = false, false }, MethodRaw) }, nil, "stamps", StateNote, "nothing", ""},
		{"tiny buffers", func(f *Facts) {
			each(f, func(u *Use) { u.ReceiveBuffer = 8192 }, MethodRaw)
			f.Buffers.ReceiveMax = 4096
		}, nil, "receive buffer", StateGap,
			"8 KiB granted, 16 MiB asked for (net.core.rmem_max is 4096)", "sysctl -w net.core.rmem_max=8388608"},
		{"tiny buffers, elsewhere", func(f *Facts) {
			each(f, func(u *Use) { u.SendBuffer = 4608 }, MethodRaw)
			f.Buffers.Fixed = true
		}, nil, "send buffer", StateNote, "machine's own network namespace", ""},
		{"a usual buffer", func(f *Facts) { each(f, func(u *Use) { u.ReceiveBuffer = 425984 }, MethodRaw) }, nil, "receive buffer", StateOK, "416 KiB", ""},
		{"a usual buffer for many", func(f *Facts) { each(f, func(u *Use) { u.ReceiveBuffer = 425984 }, MethodRaw) }, &Needs{PacketsPerSecond: 9000}, "receive buffer", StateGap,
			"416 KiB", "sysctl -w net.core.rmem_max=8388608"},
		{"echoes stopped", func(f *Facts) {
			each(f, unsent, MethodRaw)
			f.ChainsRead = true
			f.Chains = []Chain{
				{"inet", "filter", "out", DirectionOut, ProtocolAny},
				{"ip", "filter", "out", DirectionOut, ProtocolUDP}, {"inet", "filter", "in", DirectionIn, 0},
			}
		}, nil, "firewall icmp", StateGap, "echoes to 127.0.0.1, ::1, 192.0.2.1, fe80::1%eth0: EPERM",
			`nft "insert rule inet filter out icmp type echo-request accept; ` +
				`insert rule inet filter out icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept; ` +
				`insert rule inet filter out oifname lo icmp type { echo-reply, destination-unreachable } accept; ` +
				`insert rule inet filter out oifname lo icmpv6 type { echo-reply, destination-unreachable } accept"`},
		{"echoes of one family stopped on the wire", func(f *Facts) {
			f.Uses[8].SendErrno, f.Uses[8].Answered = unix.EPERM, false
			chains(f, Chain{"ip", "a", "b", DirectionOut, ProtocolICMP}, Chain{"ip6", "a", "b", DirectionOut, ProtocolAny})
		}, nil, "firewall icmp", StateGap, "echoes to 192.0.2.1: EPERM", `nft "insert rule ip a b icmp type echo-request accept"`},
		{"stopped by no chain", func(f *Facts) { each(f, unsent, MethodUDP); chains(f) }, nil, "firewall udp", StateNote, "eBPF", ""},
		{"echoes whose answers were stopped", func(f *Facts) {
			f.Uses[8].Arrived, f.Uses[8].Answered = true, false
			chains(f, Chain{"inet", "a", "out", DirectionOut, ProtocolAny}, Chain{"inet", "a", "in", DirectionIn, ProtocolAny})
		}, nil, "firewall icmp", StateGap, "echoes to 192.0.2.1: the answers came in and were stopped here",
			`nft "insert rule inet a in icmp type { echo-reply, destination-unreachable, time-exceeded } accept"`},
		{"errors that were stopped", func(f *Facts) {
			f.Uses[9].Arrived, f.Uses[9].Answered = true, false
			chains(f, Chain{"ip", "a", "in", DirectionIn, ProtocolICMP}, Chain{"ip", "a", "also", DirectionIn, ProtocolUDP})
		}, nil, "firewall udp", StateGap, "UDP to 192.0.2.1: the answers",
			`nft "insert rule ip a in icmp type { destination-unreachable, time-exceeded } accept"`},
		{"questions stopped", func(f *Facts) {
			f.Resolver.Servers[0].Answered, f.Resolver.Servers[0].Refused = false, true
			chains(f, Chain{"inet", "a", "out", DirectionOut, ProtocolUDP | ProtocolTCP})
		}, nil, "firewall dns", StateGap, "questions to 192.0.2.53: EPERM", `nft "insert rule inet a out udp dport 53 accept"`},
		{"answers of name servers stopped", func(f *Facts) {
			f.Resolver.Servers[0].Answered, f.Resolver.Servers[0].Arrived = false, true
			chains(f, Chain{"inet", "a", "in", DirectionIn, ProtocolAny})
		}, nil, "firewall dns", StateGap, "questions to 192.0.2.53: the answers", `nft "insert rule inet a in udp sport 53 ct state established accept"`},
		{"a resolver whose questions are stopped", func(f *Facts) {
			f.Resolver.Servers[0].Answered, f.Resolver.Servers[0].Refused = false, true
		}, nil, "resolver", StateNote, "see firewall dns", ""},
		{"stopped by what we may not see", func(f *Facts) { each(f, unsent, MethodUDP); f.Rights.UID = 1; withSudo(f) }, nil, "firewall udp", StateGap, "EPERM",
			`sudo sh -c 'nft list chains | awk '\''/^table/{f=$2;t=$2" "$3}/chain/{c=$2}` +
				`f~/^i/&&/filter hook output/{r="insert rule "t" "c" ";print r"udp dport 33434-33689 accept";` +
				`if(f!="ip6")print r"oifname lo icmp type destination-unreachable accept";` +
				`if(f!="ip")print r"oifname lo icmpv6 type destination-unreachable accept"}` +
				`f~/^i/&&/filter hook input/{r="insert rule "t" "c" ";print r"iifname lo udp dport 33434-33689 accept"}'\'' | nft -f -'`},
		{"stopped by iptables", func(f *Facts) {
			f.Uses[8].SendErrno, f.Uses[8].Answered = unix.EPERM, false
			delete(f.Programs, "nft")
			f.Programs["iptables"] = "/sbin/iptables"
		}, nil,
			"firewall icmp", StateGap, "EPERM", "iptables -I OUTPUT -p icmp --icmp-type echo-request -j ACCEPT"},
		{"connections stopped", func(f *Facts) {
			each(f, silent, MethodTCP)
			chains(f, Chain{"ip", "a", "b", DirectionOut, ProtocolTCP}, Chain{"ip", "a", "c", DirectionIn, ProtocolAny})
		}, &Needs{TCPPorts: []uint16{443, 8080, 443}}, "firewall tcp", StateGap, "TCP to 127.0.0.1, ::1 got no answer",
			`nft "insert rule ip a b tcp dport { 443, 8080 } accept; insert rule ip a b oifname lo meta l4proto tcp accept; ` +
				`insert rule ip a c tcp sport { 443, 8080 } ct state established accept; insert rule ip a c iifname lo meta l4proto tcp accept"`},
		{"refusals stopped with echoes", func(f *Facts) { each(f, unsent, MethodRaw); each(f, silent, MethodUDP) }, nil, "firewall udp", "", "", ""},
		{"a silent gateway is none of the firewall's", func(f *Facts) { f.Uses[len(f.Uses)-1].Answered = false }, nil, "firewall", StateOK, "", ""},
		{"echoes ignored", func(f *Facts) { each(f, silent, MethodRaw); f.Limits.EchoIgnored = true }, nil, "raw IPv4", StateNote, "icmp_echo_ignore_all",
			"sysctl -w net.ipv4.icmp_echo_ignore_all=0"},
		{"loopback down", func(f *Facts) {
			f.Links[0].Up = false
			each(f, func(u *Use) { u.SendErrno, u.Answered = unix.ENETUNREACH, false }, MethodRaw)
		}, nil, "loopback", StateGap, "lo is down", "ip link set lo up"},
		{"a family without its loopback", func(f *Facts) { f.Links[0].Up = false; each(f, unopened(unix.EADDRNOTAVAIL), MethodTCP) }, nil, "tcp IPv6", StateNote, "not tried", ""},
		{"no programs", func(f *Facts) { f.Programs, f.IPv6.Disabled = nil, true }, nil, "ipv6", StateGap, "", "echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6"},
		{"no IPv6", func(f *Facts) { f.IPv6.Disabled = true }, nil, "ipv6", StateGap, "disable_ipv6", "sysctl -w net.ipv6.conf.all.disable_ipv6=0"},
		{"a kernel without IPv6", func(f *Facts) { f.IPv6.Present = false }, nil, "ipv6", StateNote, "without it", ""},
		{"no address of IPv6", func(f *Facts) { f.Links[1].Prefixes = f.Links[1].Prefixes[:1] }, nil, "ipv6", StateNote, "no interface", ""},
		{"no gateway", func(f *Facts) { f.Gateways = nil; f.Routers = []Router{{netip.MustParseAddr("192.0.2.254"), "eth0"}} }, nil,
			"gateway IPv4", StateGap, "192.0.2.254 answers", "ip route add default via 192.0.2.254 dev eth0"},
		{"no gateway, on a hostile interface", func(f *Facts) {
			f.Gateways = nil
			f.Routers = []Router{{netip.MustParseAddr("192.0.2.254"), "a;reboot"}}
		}, nil,
			"gateway IPv4", StateGap, "192.0.2.254 answers", "ip route add default via 192.0.2.254 dev 'a;reboot'"},
		{"no gateway, and programs that are only installed", func(f *Facts) {
			f.Gateways = nil
			for _, name := range []string{"networkctl", "nmcli", "dhclient"} {
				f.Programs[name] = "/usr/bin/" + name
			}
		}, nil, "gateway IPv4", StateNote, "on eth0; if there is a DHCP server, dhclient asks it", ""},
		{"no gateway, by systemd-networkd", func(f *Facts) {
			f.Gateways, f.Services.Networkd = nil, []string{"lo", "eth0"}
			f.Programs["networkctl"] = "/usr/bin/networkctl"
		}, nil, "gateway IPv4", StateGap, "eth0", "networkctl reconfigure eth0"},
		{"no gateway, by NetworkManager", func(f *Facts) {
			f.Gateways, f.Services.NetworkManager = nil, []string{"eth0"}
			f.Programs["nmcli"] = "/usr/bin/nmcli"
		}, nil, "gateway IPv4", StateGap, "eth0", "nmcli device connect eth0"},
		{"an interface that is down", func(f *Facts) { f.Links[1].Up = false }, nil, "link", StateGap,
			"eth0 has 192.0.2.2/24, 2001:db8::2/64, but is down", "ip link set eth0 up"},
		{"no gateway behind an interface that is down", func(f *Facts) { f.Links[1].Up, f.Gateways = false, nil }, nil,
			"gateway IPv4", StateNote, "see link", ""},
		{"a spare interface that is down", func(f *Facts) { f.Links[1].Up, f.Links[1].Prefixes = false, nil }, nil, "link", "", "", ""},
		{"no cable", func(f *Facts) { f.Links[1].Carrier = false }, nil, "link", StateNote, "eth0 is up, but has no carrier", ""},
		{"nothing to raise it with", func(f *Facts) { f.Links[1].Up = false; delete(f.Programs, "ip") }, nil, "link", StateNote, "iproute2", ""},
		{"no gateway and nothing to ask", func(f *Facts) { f.Gateways = nil }, nil, "gateway IPv4", StateNote, "operator", ""},
		{"only IPv6", func(f *Facts) { f.Gateways = f.Gateways[1:] }, nil, "gateway IPv4", StateNote, "no default route", ""},
		{"isolated", func(f *Facts) { f.Gateways, f.Links = nil, f.Links[:1]; f.Resolver.Servers = nil }, nil, "resolver", StateNote, "no way", ""},
		{"a gateway that is gone", func(f *Facts) { each(f, silent, MethodRaw); f.Gateways[0].Neighbour = "failed" }, nil, "gateway IPv4", StateNote, "is not there", ""},
		{"a gateway that is silent", func(f *Facts) { each(f, silent, MethodRaw) }, nil, "gateway IPv6", StateNote, "fe80::1 on eth0 answers no echo", ""},
		{"a tunnel", func(f *Facts) { f.Gateways[0].Addr = netip.Addr{} }, nil, "gateway IPv4", StateOK, "leads to eth0", ""},
		{"no resolver", func(f *Facts) { f.Resolver = Resolver{Others: near} }, nil, "resolver", StateGap,
			"names no server; 192.0.2.1 does", "echo nameserver 192.0.2.1 >> /etc/resolv.conf"},
		{"no resolver near", func(f *Facts) { f.Resolver = Resolver{Others: []netip.Addr{publicResolver()}} }, nil, "resolver", StateGap,
			"for everybody", "echo nameserver 9.9.9.9 >> /etc/resolv.conf"},
		{"no resolver anywhere", func(f *Facts) { f.Resolver.Servers[0].Answered = false }, nil, "resolver", StateNote, "operator", ""},
		{"a resolver nearby", func(f *Facts) {
			f.Resolver.Servers[0].Answered, f.Resolver.Others = false, near
			f.Rights.UID = 1000
		}, nil, "resolver", StateGap, "192.0.2.53 of /etc/resolv.conf did not answer; 192.0.2.1 does",
			`su -c 'rest=$(cat /etc/resolv.conf) && printf "%s\n" "nameserver 192.0.2.1" "$rest" > /etc/resolv.conf'`},
		{"a file without an end", func(f *Facts) { f.Resolver = Resolver{Unfinished: true, Others: near} }, nil, "resolver", StateGap, "",
			`rest=$(cat /etc/resolv.conf) && printf "%s\n" "nameserver 192.0.2.1" "$rest" > /etc/resolv.conf`},
		{"a file that points nowhere", func(f *Facts) { f.Resolver = Resolver{Missing: true, Link: "/run/nothing", Others: near} }, nil, "resolver", StateGap, "",
			`rm -f /etc/resolv.conf && echo nameserver 192.0.2.1 > /etc/resolv.conf`},
		{"systemd's resolver does not run", func(f *Facts) {
			f.Resolver = Resolver{Missing: true, Link: "../run/systemd/resolve/stub-resolv.conf", Others: near}
			f.Services.Systemd = true
		}, nil, "resolver", StateGap, "does not run", "systemctl enable --now systemd-resolved"},
		{"systemd's resolver without systemd", func(f *Facts) {
			f.Resolver = Resolver{Missing: true, Link: "../run/systemd/resolve/stub-resolv.conf", Others: near}
		}, nil, "resolver", StateGap, "", "rm -f /etc/resolv.conf && echo nameserver 192.0.2.1 > /etc/resolv.conf"},
		{"a resolver that NetworkManager names", func(f *Facts) {
			f.Resolver.Servers[0].Answered, f.Resolver.Others, f.Resolver.NetworkManager = false, near, true
			f.Services.NetworkManager = []string{"eth0"}
			f.Programs["nmcli"] = "/usr/bin/nmcli"
		}, nil, "resolver", StateGap, "", "nmcli device modify eth0 +ipv4.dns 192.0.2.1"},
		{"one of two resolvers", func(f *Facts) {
			f.Resolver.Servers = append(f.Resolver.Servers, NameServer{Addr: netip.MustParseAddr("192.0.2.9")})
		}, nil,
			"resolver", StateNote, "192.0.2.9", ""},
		{"clock", func(f *Facts) { f.Clock.Synchronised = false }, nil, "clock", StateNote, "not known", ""},
		{"a slow clock", func(f *Facts) { f.Clock.Source = "acpi_pm" }, nil, "clock source", StateNote, "acpi_pm", ""},
		{"a router", func(f *Facts) { f.Limits.Forwarding = true }, nil, "icmp limits", StateNote, "1000 ms", "sysctl -w net.ipv4.icmp_ratelimit=0"},
		{"many neighbours", func(*Facts) {}, &Needs{Addrs: network("192.0.2.0/24", 4)}, "neighbours IPv4", StateGap, "1024 targets are neighbours",
			"sysctl -w net.ipv4.neigh.default.gc_thresh3=4096"},
		{"many neighbours in a namespace", func(f *Facts) { f.Limits.Neighbours4 = Unknown }, &Needs{Addrs: network("192.0.2.0/24", 4)}, "neighbours IPv4", StateNote,
			"1024 targets are neighbours", ""},
		{"few neighbours in a namespace", func(f *Facts) { f.Limits.Neighbours4 = Unknown }, &Needs{Addrs: network("192.0.2.0/24", 1)}, "neighbours IPv4", "", "", ""},
		{"many far away", func(*Facts) {}, &Needs{Addrs: network("198.51.100.0/24", 4)}, "neighbours IPv4", StateOK, "room for 1024", ""},
		{"a full table of connections", func(f *Facts) { f.Limits.Tracked = f.Limits.TrackedMax }, nil, "conntrack", StateGap, "262144",
			"sysctl -w net.netfilter.nf_conntrack_max=524288"},
		{"few files", func(f *Facts) { f.Limits.Files = 1000; f.Rights.UID = 1000 }, &Needs{Checks: 500}, "open files", StateGap, "1512 are wanted",
			`su -c "/usr/bin/prlimit --pid $$ --nofile=4096:4096"`},
		{"few files in a container", func(f *Facts) { f.Limits.Files = 100; f.Rights.Bounding &^= 1 << unix.CAP_SYS_RESOURCE }, nil,
			"open files", StateNote, "--ulimit nofile=4096", ""},
		{"enough files", func(f *Facts) { f.Limits.Files = 1000 }, nil, "open files", StateOK, "1000", ""},
		{"over the budget", func(*Facts) {}, &Needs{PacketsPerSecond: 2000, Budgeted: 2000, Budget: 1000}, "configuration", StateNote, "budget of 1000", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sound(t)
			test.change(facts)
			got := find(Judge(facts, test.needs), test.check)
			if got.State != test.state || got.Fix != test.fix || !strings.Contains(got.Found, test.found) {
				t.Errorf("got %+v", got)
			}
			if (got.Persistent != "") != (strings.Contains(got.Fix, "sysctl -w") || strings.Contains(got.Fix, "/proc/sys")) {
				t.Errorf("to keep %q: %q", got.Fix, got.Persistent)
			}
		})
	}
}

// network returns the addresses of a /24, several times over.
func network(prefix string, times int) (addresses []netip.Addr) {
	first := netip.MustParsePrefix(prefix).Addr().As4()
	for i := range times * 256 {
		addresses = append(addresses, netip.AddrFrom4([4]byte{first[0], first[1], first[2], byte(i)}))
	}
	return addresses
}

func TestJudgeNothingKnown(t *testing.T) {
	for _, f := range Judge(&Facts{}, nil) {
		if f.Found == "" || f.Why == "" || f.State == StateGap && f.Fix == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestEveryGapHasACommand(t *testing.T) {
	for user := range 2 {
		for _, change := range []func(*Facts){
			func(f *Facts) { each(f, unsent, MethodRaw, MethodPing, MethodUDP, MethodTCP) },
			func(f *Facts) { each(f, silent, MethodRaw, MethodPing, MethodUDP, MethodTCP) },
			func(f *Facts) { each(f, unopened(unix.EACCES), MethodRaw, MethodPing, MethodUDP, MethodTCP) },
			func(f *Facts) { f.Programs, f.Gateways, f.Resolver = nil, nil, Resolver{} },
		} {
			facts := sound(t)
			facts.Rights.UID = user
			change(facts)
			for _, f := range Judge(facts, nil) {
				if f.State == StateGap && f.Fix == "" || strings.ContainsRune(f.Fix, '\n') {
					t.Error(fmt.Sprint(user), f)
				}
			}
		}
	}
}

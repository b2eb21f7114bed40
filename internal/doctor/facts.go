package doctor

import (
	"net/netip"
	"syscall"
	"time"
)

// Facts are what was found on a machine, before any judgement. Numbers that
// could not be read are Unknown.
type Facts struct {
	Kernel Kernel
	Rights Rights
	// Programs are the paths of those programs that commands may use.
	Programs map[string]string
	// Container is the kind of container around us, "" when none is known.
	Container string
	// Uses are all sockets that were tried, each with what became of it.
	Uses []Use
	// PingGroups is net.ipv4.ping_group_range, "" when unknown.
	PingGroups string
	Buffers    Buffers
	Limits     Limits
	Clock      Clock
	Links      []Link
	Gateways   []Gateway
	// Routers are neighbours that answered where a gateway is often found; they
	// are looked for only where there is no gateway.
	Routers  []Router
	Resolver Resolver
	IPv6     IPv6
	Services Services
	// Chains are the firewall's chains for what leaves and what enters; they
	// are read only where something was stopped. ChainsRead tells that they
	// could be.
	Chains     []Chain
	ChainsRead bool
	// LegacyTables tells that the kernel has tables of iptables of its own,
	// which nft does not list.
	LegacyTables bool
}

// Unknown is a number that could not be read.
const Unknown = -1

// Kernel names the running kernel.
type Kernel struct{ System, Release, Machine string }

// Rights are what this process may do.
type Rights struct {
	UID, GID int
	// Effective and Bounding are sets of capabilities (capabilities(7)).
	Effective, Bounding uint64
	// NoNewPrivileges tells that no program can gain rights from its file (prctl(2)).
	NoNewPrivileges bool
	// UserNamespace tells that our root is not the machine's.
	UserNamespace bool
	// Executable is this program's file.
	Executable string
	// FileCapabilities are those that the file would give.
	FileCapabilities uint64
	// NoSetUID tells that the file system gives no rights (mount(8), nosuid).
	NoSetUID bool
}

// Method is a kind of socket with what is sent from it.
type Method string

// The methods.
const (
	MethodRaw  Method = "raw"
	MethodPing Method = "ping"
	MethodUDP  Method = "udp"
	MethodTCP  Method = "tcp"
)

// Attempt is what one socket did when it was tried.
type Attempt struct {
	// OpenErrno and SendErrno are why the socket could not be had and why the
	// packet did not leave; 0 means that they could.
	OpenErrno, SendErrno syscall.Errno
	Answered             bool
	RTT                  time.Duration
	// ReceiveStamp and TransmitStamp tell that the kernel stamped packets.
	ReceiveStamp, TransmitStamp bool
	// ReceiveBuffer and SendBuffer are what was granted, in bytes as the
	// kernel counts them.
	ReceiveBuffer, SendBuffer int
}

// Use is one attempt at a destination.
type Use struct {
	Method Method
	To     netip.Addr
	Attempt
	// Arrived tells that an answer was seen to come in, which says something
	// only where the socket did not get it. Seeing takes CAP_NET_RAW.
	Arrived bool
}

// Buffers are how large the buffers of sockets may be, in bytes.
type Buffers struct {
	// Asked is what we ask for as either buffer.
	Asked int
	// ReceiveMax and SendMax are net.core.rmem_max and wmem_max.
	ReceiveMax, SendMax int
	// Fixed tells that the two cannot be written in this network namespace.
	Fixed bool
}

// Limits are the kernel's and the process's.
type Limits struct {
	// ICMP4 and ICMP6 are the least times between two errors to one receiver,
	// in ms; ICMPPerSecond bounds all of IPv4's.
	ICMP4, ICMP6, ICMPPerSecond int
	// Forwarding tells that this machine is a router; EchoIgnored that it
	// answers no echoes.
	Forwarding, EchoIgnored bool
	// Files is the hard limit of open files.
	Files int
	// Neighbours4 and Neighbours6 are how many neighbours are remembered.
	Neighbours4, Neighbours6 int
	// Tracked of TrackedMax connections are in the firewall's table.
	Tracked, TrackedMax int
}

// Clock is the state of the machine's clock.
type Clock struct {
	Synchronised bool
	// Source is what the kernel reads, such as "tsc".
	Source string
}

// Link is a network interface.
type Link struct {
	Name         string
	Index        int
	Up, Loopback bool
	// Carrier tells that there is something at the other end of one that is up.
	Carrier  bool
	Prefixes []netip.Prefix
}

// Gateway is a default route with how its router was found.
type Gateway struct {
	// Addr is invalid for a route that leads to an interface. A link-local one
	// has its interface as its zone.
	Addr   netip.Addr
	Six    bool
	Device string
	// Neighbour is the state of the router's entry: "reachable", "failed",
	// … (ip-neighbour(8)), "" when there is none.
	Neighbour string
}

// Router is a neighbour that answered an echo.
type Router struct {
	Addr   netip.Addr
	Device string
}

// Resolver is how names are looked up.
type Resolver struct {
	// Link is where /etc/resolv.conf points to, "" if it is a file or is none.
	Link string
	// Missing tells that nothing can be read there; Unfinished that its last
	// line has no end.
	Missing, Unfinished bool
	// NetworkManager tells that this program has written the file.
	NetworkManager bool
	// Servers are those that it names.
	Servers []NameServer
	// Others answered a question though the file does not name them; they are
	// asked only where no server of the file answers.
	Others []netip.Addr
}

// NameServer is one server of the resolver's file.
type NameServer struct {
	Addr     netip.Addr
	Answered bool
	// Refused tells that the question was stopped on the way out (EPERM), and
	// Arrived that an answer was seen to come in.
	Refused, Arrived bool
}

// Services are the programs that take care of the network and can be asked to:
// they run in our network namespace, and the system's bus answers.
type Services struct {
	// Systemd tells that it runs, and starts what it is told to.
	Systemd bool
	// Networkd and NetworkManager name the interfaces that each takes care of.
	Networkd, NetworkManager []string
	// Resolved tells that systemd-resolved runs.
	Resolved bool
}

// IPv6 is whether that family is to be had.
type IPv6 struct {
	// Present tells that the kernel has it; Disabled is net.ipv6.conf.all.disable_ipv6.
	Present, Disabled bool
}

// Direction is a way through the firewall.
type Direction string

// The directions.
const (
	DirectionOut Direction = "output"
	DirectionIn  Direction = "input"
)

// Chain is a base chain of the firewall (nft(8)).
type Chain struct {
	Family, Table, Name string
	Direction           Direction
	// Stops are the protocols of which its rules or its policy may stop packets.
	Stops Protocols
}

// Protocols is a set of protocols.
type Protocols uint8

// The protocols.
const (
	ProtocolICMP Protocols = 1 << iota
	ProtocolUDP
	ProtocolTCP
	// ProtocolAny is all of them.
	ProtocolAny = ProtocolICMP | ProtocolUDP | ProtocolTCP
)

// Needs are what a configuration asks of the machine.
type Needs struct {
	// Targets is their number, Checks that of their service checks.
	Targets, Checks int
	// PacketsPerSecond is what is sent in the mean. Budgeted of it falls under
	// Budget, unless that is 0.
	PacketsPerSecond, Budgeted, Budget float64
	// Addrs are the targets' addresses as far as they are known.
	Addrs []netip.Addr
	// TCPPorts are those that service checks connect to.
	TCPPorts []uint16
}

// Package connectiontest holds the tests that every connection of an agent
// must pass, whatever it is made of: the contract of agent.Connection, in a
// form that can be run.
package connectiontest

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/packet"
)

// Network is a connection and what is around it. What a network does not have
// stays zero, and the cases that need it are skipped, or fail where the
// environment variable NETSONDE_LAB is "require". Cases that a connection by
// its capabilities has no part in pass.
type Network struct {
	// Connection is fresh, and closed by whoever made it.
	Connection agent.Connection
	// Answering are addresses that answer echoes, of either family, quickly.
	Answering []netip.Addr
	// LargestPayload is the most that an echo to the first of Answering can
	// carry; one byte more fails. 0 leaves sizes near the limit out.
	LargestPayload int
	// MTU is the size of the largest datagram, IP header included, that leaves
	// whole for Far; one byte more that may not be cut fails.
	MTU int
	// EchoAnswer is the kind of reply that echoes get; 0 means EchoReply.
	EchoAnswer packet.ReplyKind
	// Silent takes packets and answers nothing.
	Silent netip.Addr
	// Far is two hops away or more and answers datagrams with "port
	// unreachable"; FirstHop is the router where a TTL of 1 ends.
	Far, FirstHop netip.Addr
	// Refused is an address to which the system does not send, such as
	// 255.255.255.255 where broadcasts are not asked for.
	Refused netip.Addr
	// Foreign brings the connection packets that are not for it, such as the
	// answers to another program's echoes.
	Foreign func()
}

// Run runs all cases as subtests. open calls its body with a fresh network;
// it is the place for a bubble of simulated time or a namespace.
func Run(t *testing.T, open func(t *testing.T, body func(*testing.T, Network))) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			open(t, func(t *testing.T, n Network) { c.run(t, n) })
		})
	}
}

var cases = []struct {
	name string
	run  func(*testing.T, Network)
}{
	{"echo answered", echoAnswered},
	{"every identity answered", everyIdentityAnswered},
	{"payload sizes", payloadSizes},
	{"payload too large", payloadTooLarge},
	{"many at once", manyAtOnce},
	{"source given", sourceGiven},
	{"codepoint", codepoint},
	{"kept whole", keptWhole},
	{"whole among others", wholeAmongOthers},
	{"echo TTL expired", echoExpired},
	{"datagram TTL expired", datagramExpired},
	{"datagram port unreachable", datagramPortUnreachable},
	{"segment TTL expired", segmentExpired},
	{"segment refused", segmentRefused},
	{"unknown protocol", unknownProtocol},
	{"silence", silence},
	{"refused send", refusedSend},
	{"foreign packets", foreignPackets},
	{"until in the past", untilInThePast},
	{"wait ends at until", waitEndsAtUntil},
	{"wake while waiting", wakeWhileWaiting},
	{"wake before waiting", wakeBeforeWaiting},
	{"full batch", fullBatch},
	{"empty", emptyReading},
}

// patience is how long an answer of a network that answers quickly may take.
const patience = 2 * time.Second

// need skips what the network does not have.
func need(t *testing.T, has bool, what string) {
	t.Helper()
	switch {
	case has:
	case os.Getenv("NETSONDE_LAB") == "require":
		t.Fatalf("this network has no %s", what)
	default:
		t.Skipf("this network has no %s", what)
	}
}

// send sends probes, which must not fail, and checks when they say they left.
func send(t *testing.T, c agent.Connection, probes ...packet.Probe) []packet.Probe {
	t.Helper()
	before := c.Now()
	if err := c.WriteBatch(probes); err != nil {
		t.Fatalf("WriteBatch: %v", err)
	}
	after := c.Now()
	for _, p := range probes {
		if p.Errno == 0 && (p.Sent.Monotonic < before.Monotonic || p.Sent.Monotonic > after.Monotonic) {
			t.Errorf("sequence %d: sent at %v, written between %v and %v", p.Sequence, p.Sent.Monotonic, before.Monotonic, after.Monotonic)
		}
		if p.Errno == 0 && p.Handed != 0 && (p.Handed < p.Sent.Monotonic || p.Handed > after.Monotonic) {
			t.Errorf("sequence %d: handed over at %v, sent at %v, written by %v", p.Sequence, p.Handed, p.Sent.Monotonic, after.Monotonic)
		}
	}
	return probes
}

// receive reads until it has n replies or patience ends.
func receive(t *testing.T, c agent.Connection, n int) []packet.Reply {
	t.Helper()
	var all []packet.Reply
	buffer := make([]packet.Reply, 64)
	for deadline := c.Now().Monotonic + patience; len(all) < n && c.Now().Monotonic < deadline; {
		got, _, err := c.ReadBatch(buffer, deadline)
		if err != nil {
			t.Fatalf("ReadBatch: %v", err)
		}
		all = append(all, buffer[:got]...)
	}
	return all
}

// settle reads until nothing has come for a while.
func settle(t *testing.T, c agent.Connection) []packet.Reply {
	t.Helper()
	var all []packet.Reply
	buffer := make([]packet.Reply, 64)
	for {
		got, _, err := c.ReadBatch(buffer, c.Now().Monotonic+200*time.Millisecond)
		if err != nil {
			t.Fatalf("ReadBatch: %v", err)
		}
		if got == 0 {
			return all
		}
		all = append(all, buffer[:got]...)
	}
}

// checkEcho compares a reply with the echo that it must answer.
func checkEcho(t *testing.T, n Network, p packet.Probe, r packet.Reply) {
	t.Helper()
	kind := n.EchoAnswer
	if kind == 0 {
		kind = packet.EchoReply
	}
	if r.Kind != kind || r.Protocol != packet.Echo || r.Identity != p.Identity || r.Sequence != p.Sequence {
		t.Errorf("reply = kind %d, protocol %d, identity %d, sequence %d; want %d, %d, %d, %d",
			r.Kind, r.Protocol, r.Identity, r.Sequence, kind, packet.Echo, p.Identity, p.Sequence)
	}
	if r.From.WithZone("") != p.Destination.WithZone("") || r.Destination.WithZone("") != p.Destination.WithZone("") {
		t.Errorf("reply from %v, to a probe of %v; want both %v", r.From, r.Destination, p.Destination)
	}
	if kind == packet.EchoReply {
		if has := p.Size >= packet.TokenSize; r.HasToken != has || has && r.Token != p.Token {
			t.Errorf("size %d: token %v %#x, want %v %#x", p.Size, r.HasToken, r.Token, has, p.Token)
		}
		if r.TTL == 0 {
			t.Error("reply without a TTL")
		}
	}
	checkTimes(t, p, r)
	if kind == packet.EchoReply && n.Connection.Capabilities().Stamps == netsonde.StampsKernel && r.Left == 0 {
		t.Errorf("size %d to %v: no stamp of its leaving", p.Size, p.Destination)
	}
}

// checkTimes makes sure that a reply was not there before its probe.
func checkTimes(t *testing.T, p packet.Probe, r packet.Reply) {
	t.Helper()
	if r.Read.Monotonic < p.Sent.Monotonic {
		t.Errorf("read %v before sent", p.Sent.Monotonic-r.Read.Monotonic)
	}
	if r.Stamp != 0 && (r.Stamp < p.Sent.Real || r.Stamp > r.Read.Real) {
		t.Errorf("stamp %d is not between sending %d and reading %d", r.Stamp, p.Sent.Real, r.Read.Real)
	}
	if r.Left != 0 && (r.Left < p.Sent.Real || r.Stamp != 0 && r.Left > r.Stamp) {
		t.Errorf("left at %d, not between sending %d and arrival %d", r.Left, p.Sent.Real, r.Stamp)
	}
}

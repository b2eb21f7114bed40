package simnet_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"netsonde"
	"netsonde/internal/agent"
	"netsonde/internal/connectiontest"
	"netsonde/internal/packet"
	"netsonde/internal/simnet"
)

var _ agent.Connection = (*simnet.Connection)(nil)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// chain is a client, a router and a host, 1 ms each.
func chain(seed uint64) (n *simnet.Network, router, host *simnet.Node) {
	n = simnet.New(seed, addr("10.0.0.2"), addr("fd00::2"))
	n.Client().Answer(netip.MustParsePrefix("127.0.0.0/8"), simnet.AnswerAll)
	router = n.Node(addr("10.0.0.1"), addr("fd00::1"))
	host = n.Node(addr("10.0.1.1"), addr("fd00:1::1"))
	n.Link(n.Client(), router, simnet.Quality{Delay: time.Millisecond})
	n.Link(router, host, simnet.Quality{Delay: time.Millisecond})
	return n, router, host
}

func identities() packet.Capabilities {
	return packet.Capabilities{ICMP: []uint16{0x1000, 0x1001}, UDP: []uint16{40000, 40001}, Trace: true, TCPFlows: true,
		Stamps: netsonde.StampsKernel}
}

func TestContract(t *testing.T) {
	for name, far := range map[string][2]netip.Addr{
		"IPv4": {addr("10.0.1.1"), addr("10.0.0.1")},
		"IPv6": {addr("fd00:1::1"), addr("fd00::1")},
	} {
		t.Run(name, func(t *testing.T) {
			connectiontest.Run(t, func(t *testing.T, body func(*testing.T, connectiontest.Network)) {
				synctest.Test(t, func(t *testing.T) {
					n, router, host := chain(1)
					host.Answer(netip.MustParsePrefix("10.0.2.0/24"), simnet.AnswerNothing)
					router.SetShortQuotes(name == "IPv4")
					c := n.Connect(simnet.Options{Capabilities: identities(), MTU: 1500})
					defer c.Close()
					body(t, connectiontest.Network{
						Connection:     c,
						Answering:      []netip.Addr{addr("127.0.0.1"), addr("10.0.0.1"), addr("10.0.1.1"), addr("fd00:1::1")},
						LargestPayload: 65507,
						MTU:            1500,
						Silent:         addr("10.0.2.1"),
						Far:            far[0],
						FirstHop:       far[1],
						Refused:        addr("192.0.2.1"),
						Foreign:        func() { n.Inject(foreignReply()); n.Inject([]byte("no packet")); n.Inject(nil) },
					})
				})
			})
		})
	}
}

// foreignReply answers somebody else's echo of the same host.
func foreignReply() []byte {
	from, to := addr("10.0.1.1"), addr("10.0.0.2")
	request := packet.AppendEcho(nil, &packet.Probe{Destination: from, Identity: 0x2000, Sequence: 1, Size: 41})
	reply := packet.AppendEchoReply(nil, from, to, request)
	header := packet.IPv4{Source: from, Destination: to, Protocol: packet.ProtocolNumberICMP, TTL: 64}
	return append(packet.AppendIPv4Header(nil, header, len(reply)), reply...)
}

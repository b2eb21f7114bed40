package socket_test

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// pendingErrors are the ICMP types and codes that Linux turns into errors of
// sockets (icmp_err_convert, icmpv6_err_convert, ping_err), redirects included.
var pendingErrors = map[bool]map[uint8]uint8{
	false: {3: 15, 4: 0, 5: 3, 11: 1, 12: 2},
	true:  {1: 7, 2: 0, 3: 1, 4: 2},
}

// TestICMPErrorsFailNoOtherSend brings a connection errors of every kind about
// its own echoes. The next sends of the same sockets go to another host, and
// must succeed and be answered.
func TestICMPErrorsFailNoOtherSend(t *testing.T) {
	for _, name := range []string{"raw", "ping"} {
		for _, six := range []bool{false, true} {
			title := name + " IPv4"
			if six {
				title = name + " IPv6"
			}
			t.Run(title, func(t *testing.T) {
				n := newContractNetwork(t)
				c := openIn(t, n.client, kinds[name])
				t.Cleanup(func() {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				})
				identities := c.Capabilities().ICMP
				if kinds[name] == socket.KindPing {
					identities = pingIdentifiers(t, n.client, six)
				}
				// Neighbours must be known before failures mean anything.
				answeredAll(t, c, six, 0)
				round := uint16(0)
				for kind, codes := range pendingErrors[six] {
					for code := range codes + 1 {
						round++
						n.forge(t, six, kind, code, identities)
						answeredAll(t, c, six, round)
					}
				}
			})
		}
	}
}

// TestErrorsWithoutPauseFailNoSend has errors arrive all the time, as those of
// other programs' traces do.
func TestErrorsWithoutPauseFailNoSend(t *testing.T) {
	for _, six := range []bool{false, true} {
		n := newContractNetwork(t)
		c := openForTest(t, n.client, socket.KindRaw)
		answeredAll(t, c, six, 0)
		end, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for {
				select {
				case <-end:
					return
				default:
					n.forge(t, six, 3, 0, c.Capabilities().ICMP)
				}
			}
		}()
		for i := range 10_000 {
			probes := []packet.Probe{probeOf(c.Connection, far(six), uint16(i))}
			if err := c.WriteBatch(probes); err != nil {
				t.Fatal(err)
			}
			if probes[0].Errno != 0 {
				t.Errorf("IPv6 %v: echo %d: %v", six, i, probes[0].Errno)
			}
		}
		close(end)
		<-ended
	}
}

// TestSmallEchoesBearNoErrors: each error would fail the send after it, and those
// of a trace's first hops come while the rest of its batch leaves.
func TestSmallEchoesBearNoErrors(t *testing.T) {
	n := newContractNetwork(t)
	c := openIn(t, n.client, socket.KindRaw)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	answeredAll(t, c, false, 0)
	c.SenderErrors()
	n.forge(t, false, 11, 0, c.Capabilities().ICMP)
	// Before the answers are read, and with them the stamps of what they answer.
	if errors := c.SenderErrors(); errors != 0 {
		t.Errorf("the sockets that send have %d errors", errors)
	}
	for got := 0; got < len(c.Capabilities().ICMP); {
		for _, r := range collect(t, c.Connection, 1) {
			got++
			if r.Kind != packet.TimeExceeded {
				t.Errorf("got %+v", r)
			}
		}
	}
}

// answeredAll sends an echo by each identity and awaits the answers.
func answeredAll(t *testing.T, c inNode, six bool, round uint16) {
	t.Helper()
	var probes []packet.Probe
	for i := range c.Capabilities().ICMP {
		probes = append(probes, probeOf(c.Connection, far(six), round*32+uint16(i)))
	}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	for _, p := range probes {
		if p.Errno != 0 {
			t.Fatalf("round %d: the send failed: %v", round, p.Errno)
		}
	}
	for answered := 0; answered < len(probes); {
		for _, r := range collect(t, c.Connection, 1) {
			if r.Kind == packet.EchoReply && r.Sequence/32 == round {
				answered++
			}
		}
	}
}

// pingIdentifiers are the identifiers of all ping sockets of a node, which
// outside a connection is told of one family only.
func pingIdentifiers(t *testing.T, node *lab.Node, six bool) (identifiers []uint16) {
	t.Helper()
	table := "/proc/thread-self/net/icmp"
	if six {
		table += "6"
	}
	err := node.Do(func() error {
		f, err := os.Open(table)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			_, port, ok := strings.Cut(fields[1], ":")
			if !ok {
				continue // the heading
			}
			identifier, err := strconv.ParseUint(port, 16, 16)
			if err != nil {
				return err
			}
			identifiers = append(identifiers, uint16(identifier))
		}
		return lines.Err()
	})
	if err == nil && len(identifiers) == 0 {
		err = errors.New("no ping sockets in " + table)
	}
	if err != nil {
		t.Fatal(err)
	}
	return identifiers
}

// forge has the router send the client an ICMP error about an echo of each
// identity to the silent host.
func (n contractNetwork) forge(t *testing.T, six bool, kind, code uint8, identities []uint16) {
	t.Helper()
	client, router, silent := netip.MustParseAddr("10.8.1.1"), netip.MustParseAddr("10.8.1.2"), netip.MustParseAddr("10.8.9.1")
	domain, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	var to unix.Sockaddr = &unix.SockaddrInet4{Addr: client.As4()}
	if six {
		client, router, silent = netip.MustParseAddr("fd08:1::1"), netip.MustParseAddr("fd08:1::2"), netip.MustParseAddr("fd08:9::1")
		domain, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
		to = &unix.SockaddrInet6{Addr: client.As16()}
	}
	err := n.router.Do(func() error {
		fd, err := unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, identity := range identities {
			probe := packet.Probe{Destination: silent, Source: client, Identity: identity, Size: 41, Token: 1}
			echo := packet.AppendEcho(nil, &probe)
			var original []byte
			if six {
				original = packet.AppendIPv6Header(nil, packet.IPv6{
					Source: client, Destination: silent, NextHeader: packet.ProtocolNumberICMPv6, HopLimit: 1,
				}, len(echo))
			} else {
				original = packet.AppendIPv4Header(nil, packet.IPv4{
					Source: client, Destination: silent, Protocol: packet.ProtocolNumberICMP, TTL: 1,
				}, len(echo))
			}
			message := packet.AppendUnreachable(nil, router, client, kind, code, append(original, echo...))
			if err := unix.Sendto(fd, message, 0, to); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestErrorsOfEveryKindArrive: what the kernel drops before the filter must be
// no error that a probe can get.
func TestErrorsOfEveryKindArrive(t *testing.T) {
	for _, six := range []bool{false, true} {
		n := newContractNetwork(t)
		c := openForTest(t, n.client, socket.KindRaw)
		types := []uint8{3, 11, 12}
		if six {
			types = []uint8{1, 2, 3, 4}
		}
		for _, kind := range types {
			n.forge(t, six, kind, 0, c.Capabilities().ICMP[:1])
			r := collect(t, c.Connection, 1)[0]
			if r.Type != kind || r.Kind != packet.Unreachable && r.Kind != packet.TimeExceeded || r.Identity != c.Capabilities().ICMP[0] {
				t.Errorf("IPv6 %v, type %d: %+v", six, kind, r)
			}
		}
	}
}

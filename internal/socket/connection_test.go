package socket_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

var (
	localhost4 = netip.MustParseAddr("127.0.0.1")
	localhost6 = netip.MustParseAddr("::1")
)

// patience bounds the wait for what must come.
const patience = 5 * time.Second

var kinds = map[string]socket.Kind{"raw": socket.KindRaw, "ping": socket.KindPing, "port": socket.KindPort}

// exchange sends the probes and returns all replies up to the wanted number,
// failing when they do not come.
func exchange(t testing.TB, c *socket.Connection, probes []packet.Probe, want int) []packet.Reply {
	t.Helper()
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	return collect(t, c, want)
}

func collect(t testing.TB, c *socket.Connection, want int) (all []packet.Reply) {
	t.Helper()
	var replies [64]packet.Reply
	until := c.Now().Monotonic + patience
	for len(all) < want {
		n, empty, err := c.ReadBatch(replies[:], until)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, replies[:n]...)
		if n == 0 && empty.Monotonic >= until {
			t.Fatalf("%d replies of %d: %+v", len(all), want, all)
		}
	}
	return all
}

// nothingMore fails if anything arrives within a moment.
func nothingMore(t *testing.T, c *socket.Connection) {
	t.Helper()
	var replies [8]packet.Reply
	if n, _, err := c.ReadBatch(replies[:], c.Now().Monotonic+50*time.Millisecond); n != 0 || err != nil {
		t.Errorf("%d more replies (%+v), error %v", n, replies[:n], err)
	}
}

func probeOf(c *socket.Connection, to netip.Addr, sequence uint16) packet.Probe {
	ids := c.Capabilities().ICMP
	return packet.Probe{
		Destination: to, Identity: ids[int(sequence)%len(ids)], Sequence: sequence,
		Size: 41, Token: 0xfeed<<48 | uint64(sequence),
	}
}

func TestEchoLoopback(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for name, kind := range kinds {
		for _, to := range []netip.Addr{localhost4, localhost6} {
			t.Run(name+" "+to.String(), func(t *testing.T) {
				c := open(t, kind)
				const count = 100
				answered := make(map[uint16]bool)
				for sequence := range uint16(count) {
					probes := []packet.Probe{probeOf(c, to, sequence)}
					before := c.Now()
					replies := exchange(t, c, probes, 1)
					checkEcho(t, c, before, &probes[0], &replies[0])
					answered[replies[0].Sequence] = true
				}
				if len(answered) < count/2 {
					t.Errorf("%d of %d answered", len(answered), count)
				}
				if overruns := c.Overruns(); overruns != 0 {
					t.Errorf("%d overruns", overruns)
				}
			})
		}
	}
}

// checkEcho checks one exchange with the loopback. Where UDP and TCP both
// answer, the reply may belong to an earlier probe.
func checkEcho(t *testing.T, c *socket.Connection, before netsonde.Instant, p *packet.Probe, r *packet.Reply) {
	t.Helper()
	port := c.Capabilities().Description == "UDP to a closed port, and TCP connect"
	if p.Errno != 0 || p.Sent.Monotonic < before.Monotonic || p.Sent.Real < before.Real {
		t.Fatalf("sent at %v, errno %v", p.Sent, p.Errno)
	}
	if r.Destination != p.Destination || r.From != p.Destination || r.Protocol != packet.Echo || !r.HasToken {
		t.Fatalf("reply %+v", r)
	}
	if r.Token != 0xfeed<<48|uint64(r.Sequence) {
		t.Fatalf("token %#x of sequence %d", r.Token, r.Sequence)
	}
	if port {
		if r.Kind != packet.PortAnswered || r.Method == netsonde.MethodICMP {
			t.Fatalf("reply %+v", r)
		}
		if r.Method == netsonde.MethodTCP {
			return
		}
	} else if r.Kind != packet.EchoReply || r.Identity != p.Identity || r.Sequence != p.Sequence || r.Method != netsonde.MethodICMP {
		t.Fatalf("reply %+v to %+v", r, p)
	}
	if r.TTL != 64 {
		t.Fatalf("TTL %d", r.TTL)
	}
	if r.Sequence == p.Sequence && (r.Stamp < p.Sent.Real || r.Stamp > r.Read.Real) {
		t.Fatalf("stamped at %d, sent at %d, read at %d", r.Stamp, p.Sent.Real, r.Read.Real)
	}
	if r.Read.Monotonic < p.Sent.Monotonic {
		t.Fatalf("read at %v, sent at %v", r.Read, p.Sent)
	}
}

func TestPortMethods(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := open(t, socket.KindPort)
	listener, err := net.Listen("tcp", "127.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, to := range []string{"127.0.0.1", "127.0.0.2"} {
		probe := probeOf(c, netip.MustParseAddr(to), 5)
		replies := exchange(t, c, []packet.Probe{probe}, 2)
		methods := map[netsonde.Method]bool{}
		for _, r := range replies {
			methods[r.Method] = true
			if r.Kind != packet.PortAnswered || r.Identity != probe.Identity || r.Sequence != 5 || r.Token != probe.Token {
				t.Errorf("%s: %+v", to, r)
			}
		}
		if len(methods) != 2 || methods[netsonde.MethodICMP] {
			t.Errorf("%s: methods %v", to, methods)
		}
	}
	nothingMore(t, c)
}

func TestLargeAndSmallPayloads(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for _, kind := range []socket.Kind{socket.KindRaw, socket.KindPing} {
		c := open(t, kind)
		for _, to := range []netip.Addr{localhost4, localhost6} {
			for _, size := range []int{0, 7, 8, 1472, 1473, 20000, 65507} {
				probe := probeOf(c, to, uint16(size))
				probe.Size = size
				replies := exchange(t, c, []packet.Probe{probe}, 1)
				if r := replies[0]; r.Sequence != uint16(size) || r.HasToken != (size >= packet.TokenSize) {
					t.Errorf("kind %d, %s, %d bytes: %+v", kind, to, size, r)
				}
			}
			tooLarge := probeOf(c, to, 1)
			tooLarge.Size = 65536
			good := probeOf(c, to, 2)
			probes := []packet.Probe{tooLarge, good}
			exchange(t, c, probes, 1)
			if probes[0].Errno != unix.EMSGSIZE || probes[1].Errno != 0 {
				t.Errorf("kind %d, %s: too large gives %v, the next %v", kind, to, probes[0].Errno, probes[1].Errno)
			}
		}
	}
}

func TestTwoCopies(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			first, second := open(t, kind), open(t, kind)
			if kind == socket.KindRaw {
				if first.Capabilities().ICMP[0] == second.Capabilities().ICMP[0] || first.Capabilities().UDP[0] == second.Capabilities().UDP[0] {
					t.Fatalf("the same identities twice: %v", first.Capabilities())
				}
			}
			for _, to := range []netip.Addr{localhost4, localhost6} {
				exchange(t, first, []packet.Probe{probeOf(first, to, 1)}, 1)
			}
			var replies [8]packet.Reply
			if n, _, err := second.ReadBatch(replies[:], 0); n != 0 || err != nil {
				t.Errorf("the other copy read %+v, %v", replies[:n], err)
			}
		})
	}
}

func TestUDPToClosedPort(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	setting(t, "ipv4/icmp_ratelimit", "0")
	setting(t, "ipv6/icmp/ratelimit", "0")
	c := open(t, socket.KindRaw)
	var probes []packet.Probe
	for i := range 40 {
		to := localhost4
		if i%2 == 1 {
			to = localhost6
		}
		probes = append(probes, packet.Probe{
			Protocol: packet.UDP, Destination: to, Identity: c.Capabilities().UDP[i%4],
			Sequence: uint16(i + 1), Port: uint16(33434 + i), Token: uint64(i) + 1, TTL: uint8(i),
		})
	}
	replies := exchange(t, c, probes, len(probes))
	seen := map[uint16]bool{}
	for _, r := range replies {
		seen[r.Sequence] = true
		p := probes[r.Sequence-1]
		if !r.PortUnreachable() || r.Protocol != packet.UDP || r.Destination != p.Destination ||
			r.Identity != p.Identity || r.Port != p.Port || r.Token != p.Token || r.Stamp == 0 {
			t.Errorf("%+v answers %+v", r, p)
		}
	}
	for _, p := range probes {
		if p.Errno != 0 || !seen[p.Sequence] {
			t.Errorf("sequence %d: errno %v, answered %v", p.Sequence, p.Errno, seen[p.Sequence])
		}
	}
	nothingMore(t, c)
}

func TestWakeAndClose(t *testing.T) {
	c, err := socket.Open(socket.Options{Kind: socket.KindPort, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var replies [8]packet.Reply
	c.Wake()
	if n, _, err := c.ReadBatch(replies[:], c.Now().Monotonic+time.Hour); n != 0 || err != nil {
		t.Errorf("woken before: %d, %v", n, err)
	}
	done := make(chan error)
	wait := func() {
		_, _, err := c.ReadBatch(replies[:], c.Now().Monotonic+time.Hour)
		done <- err
	}
	go wait()
	c.Wake()
	if err := <-done; err != nil {
		t.Errorf("woken: %v", err)
	}
	go wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	c.Wake()
	if err := c.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if err := c.WriteBatch(make([]packet.Probe, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if c.Overruns() != 0 {
		t.Error("overruns after close")
	}
}

func TestReadWaitsUntilTheTime(t *testing.T) {
	c, err := socket.Open(socket.Options{Kind: socket.KindPort, Origin: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var replies [8]packet.Reply
	best := time.Hour
	for range 20 {
		until := c.Now().Monotonic + 3*time.Millisecond
		n, empty, err := c.ReadBatch(replies[:], until)
		late := c.Now().Monotonic - until
		if n != 0 || err != nil || late < 0 {
			t.Fatalf("%d replies, error %v, %v late", n, err, late)
		}
		if empty.Monotonic < until {
			t.Fatalf("read empty at %v, before %v", empty.Monotonic, until)
		}
		best = min(best, late)
	}
	if best > time.Millisecond {
		t.Errorf("at best %v late", best)
	}
}

func TestFullBatchSaysNothingOfEmpty(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	c := open(t, socket.KindRaw)
	var probes []packet.Probe
	for i := range 10 {
		probes = append(probes, probeOf(c, localhost4, uint16(i)))
	}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	var replies [4]packet.Reply
	for left := 10; left > 0; {
		n, empty, err := c.ReadBatch(replies[:], 0)
		if err != nil {
			t.Fatal(err)
		}
		left -= n
		if n == len(replies) && empty.Monotonic >= probes[0].Sent.Monotonic {
			t.Fatalf("read empty at %v with %d left, sent at %v", empty, left, probes[0].Sent)
		}
		if n == 0 {
			t.Fatalf("%d lost", left)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := socket.Open(socket.Options{Kind: socket.KindPort}); err == nil {
		t.Error("opened without an origin")
	}
	if _, err := socket.Open(socket.Options{Kind: 99, Origin: time.Now()}); err == nil {
		t.Error("opened an unknown kind")
	}
}

func TestOpenWithoutRights(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	// The namespace is fresh, so its ping_group_range is closed, even for root.
	if _, err := socket.Open(socket.Options{Kind: socket.KindPing, Origin: time.Now()}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("ping sockets in a closed namespace: %v", err)
	}
	if best := open(t, socket.KindBest).Capabilities(); best.Description != "raw ICMP sockets" || best.Shortfall != "" {
		t.Errorf("root gets %+v", best)
	}
	dropRights(t)
	c := open(t, socket.KindBest)
	marksWithoutRights(t, c)
	closed := c.Capabilities()
	if len(closed.UDP) != 0 || !strings.Contains(closed.Description, "closed port") || !strings.Contains(closed.Shortfall, "ping_group_range") {
		t.Errorf("without rights: %+v", closed)
	}
}

func TestOpenPingsWithoutRights(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	openPings(t)
	dropRights(t)
	c := open(t, socket.KindBest)
	marksWithoutRights(t, c)
	pings := c.Capabilities()
	if len(pings.ICMP) != 8 || !pings.Trace || !strings.Contains(pings.Shortfall, "CAP_NET_RAW") {
		t.Errorf("with ping_group_range: %+v", pings)
	}
}

// marksWithoutRights sends what needs no rights: SYNs with a TTL, codepoints, and
// what may not be cut.
func marksWithoutRights(t *testing.T, c *socket.Connection) {
	t.Helper()
	for sequence, to := range []netip.Addr{localhost4, localhost6} {
		echo := probeOf(c, to, uint16(sequence))
		echo.TTL, echo.DSCP, echo.DontFragment = 9, 63, true
		segment := echo
		segment.Protocol, segment.Port, segment.Token = packet.TCP, 33440, 7
		segment.Sequence += 100
		probes := []packet.Probe{echo, segment}
		protocols := map[packet.Protocol]bool{}
		for _, r := range exchange(t, c, probes, 2) {
			protocols[r.Protocol] = true
		}
		if len(protocols) != 2 {
			t.Errorf("%s: answered %v, errnos %v and %v", to, protocols, probes[0].Errno, probes[1].Errno)
		}
	}
}

// dropRights makes the whole process an ordinary user's. It cannot go back.
func dropRights(t *testing.T) {
	t.Helper()
	if err := syscall.Setgid(65534); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setuid(65534); err != nil {
		t.Fatal(err)
	}
}

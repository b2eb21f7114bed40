package socket_test

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/lab"
	"netsonde/internal/packet"
	"netsonde/internal/socket"
)

// TestAcceptedSYNsLeaveNoConnection sends SYNs to a port that listens: it
// accepts, we count it as reached, and the connection is reset.
func TestAcceptedSYNsLeaveNoConnection(t *testing.T) {
	requireTools(t, "nft", "ping")
	for name, kind := range kinds {
		for _, six := range []bool{false, true} {
			title := name + " IPv4"
			if six {
				title = name + " IPv6"
			}
			t.Run(title, func(t *testing.T) {
				n := newContractNetwork(t)
				listen(t, n.host, 8080)
				warm(t, n.client, far(six))
				c := openForTest(t, n.client, kind)
				resets := n.host.Filter(lab.HookInput, "tcp dport 8080 tcp flags & rst == rst", "accept")
				for sequence := range uint16(3) {
					p := packet.Probe{
						Protocol: packet.TCP, Destination: far(six), Identity: c.Capabilities().TCP()[sequence],
						Sequence: sequence, Port: 8080, TTL: 30, Token: 9,
					}
					r := exchangeIn(t, c, []packet.Probe{p})
					if r.Kind != packet.PortAnswered || r.Method != netsonde.MethodTCP || r.From != p.Destination ||
						r.Sequence != sequence || r.Token != 9 || r.Port != 8080 {
						t.Errorf("%+v answers %+v", r, p)
					}
				}
				for end := c.Now().Monotonic + patience; ; {
					got, err := resets.Count()
					if err != nil || c.Now().Monotonic > end {
						t.Fatalf("%d resets (%v), want 3", got, err)
					}
					if got == 3 {
						break
					}
				}
			})
		}
	}
}

// warm waits until packets pass both ways: IPv6's first may be lost though its
// links are up, and an attempt is not repeated.
func warm(t *testing.T, node *lab.Node, to netip.Addr) {
	t.Helper()
	command := exec.Command("ping", "-c", "1", "-i", "0.2", "-w", "10", to.String())
	if err := node.Start(command); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("ping of %s: %v", to, err)
	}
}

// listen has a node listen on a port of both families until the test ends.
func listen(t *testing.T, node *lab.Node, port int) {
	t.Helper()
	var fd int
	err := node.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err = unix.Bind(fd, &unix.SockaddrInet6{Port: port}); err != nil {
			return err
		}
		return unix.Listen(fd, 16)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
}

// TestRawTCPSleeps: a raw socket is copied every segment of the machine, so
// ours is given none before it has sent a SYN.
func TestRawTCPSleeps(t *testing.T) {
	n := newContractNetwork(t)
	c := openForTest(t, n.client, socket.KindRaw)
	awake := func() string {
		t.Helper()
		text, err := n.client.Output(t.Context(), "cat", "/proc/net/raw", "/proc/net/raw6")
		if err != nil {
			t.Fatal(err)
		}
		state := ""
		for _, local := range []string{
			"FEFFFF7F:0006", "00000000:0006",
			"00000000000000000000000001000000:0006", "00000000000000000000000000000000:0006",
		} {
			if strings.Contains(text, ": "+local+" ") {
				state += local + " "
			}
		}
		return state
	}
	if got := awake(); got != "FEFFFF7F:0006 00000000000000000000000001000000:0006 " {
		t.Errorf("before the first SYN bound to %s", got)
	}
	for _, six := range []bool{false, true} {
		p := packet.Probe{Protocol: packet.TCP, Destination: far(six), Identity: c.Capabilities().TCP()[0], Sequence: 1, Port: 8080, Token: 9}
		exchangeIn(t, c, []packet.Probe{p})
	}
	if got := awake(); got != "00000000:0006 00000000000000000000000000000000:0006 " {
		t.Errorf("after it bound to %s", got)
	}
}

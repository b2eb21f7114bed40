package socket_test

import (
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
	"netsonde/internal/packet"
)

// TestRulesOfRoutingSeeICMP refuses ICMP by a rule that names the protocol: small
// echoes, which leave with headers of ours, are refused as large ones are. It needs
// root, namespaces and Linux 6.4.
func TestRulesOfRoutingSeeICMP(t *testing.T) {
	network := lab.ForTest(t)
	client, host := network.Node("client"), network.Node("host")
	network.Link(client, host).Addresses("10.8.1.1/24", "10.8.1.2/24")
	if err := client.Run(exec.Command("ip", "rule", "add", "pref", "10", "ipproto", "icmp", "prohibit")); err != nil {
		t.Fatal(err)
	}
	c := openIn(t, client, kinds["raw"])
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	var probes []packet.Probe
	for i, size := range []int{0, 56, 512, 513} {
		p := probeOf(c.Connection, netip.MustParseAddr("10.8.1.2"), uint16(i+1))
		p.Size, p.TTL, p.DSCP = size, 9, uint8(i)
		probes = append(probes, p)
	}
	if err := c.WriteBatch(probes); err != nil {
		t.Fatal(err)
	}
	for _, p := range probes {
		if p.Errno != unix.EACCES {
			t.Errorf("%d bytes: %v", p.Size, p.Errno)
		}
	}
}

package emulation_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"netsonde/internal/emulation"
	"netsonde/internal/lab"
	"netsonde/internal/topology"
)

// In a lab that is longer than a fresh machine's packets live, nodes see each
// other from end to end; in a short one they are like fresh machines.
func TestTimeToLive(t *testing.T) {
	for nodes, want := range map[int]string{3: "64", 70: "255"} {
		plan, err := topology.Shape{Kind: "chain", Nodes: nodes}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		e, err := emulation.New(plan)
		if errors.Is(err, lab.ErrUnavailable) {
			lab.Skip(t, err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		first, err := e.Node("node1")
		if err != nil {
			t.Fatal(err)
		}
		last := plan.Nodes[nodes-1].Address.String()
		for call, want := range map[string]string{"cat /proc/sys/net/ipv4/ip_default_ttl": want, "ping -n -c1 -W2 " + last: " 0% packet loss"} {
			words := strings.Fields(call)
			var output strings.Builder
			command := exec.CommandContext(t.Context(), words[0], words[1:]...)
			command.Stdout = &output
			if err := first.Run(command); err != nil || !strings.Contains(output.String(), want) {
				t.Errorf("of %d nodes: %s: %v\n%s", nodes, call, err, output.String())
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// filterTimeout bounds one run of the firewall's program.
const filterTimeout = 10 * time.Second

// Hook is where in a node packets meet a filter.
type Hook string

// The hooks of the kernel's firewall.
const (
	// HookPrerouting sees what comes in before any route is looked up.
	HookPrerouting Hook = "prerouting"
	HookInput      Hook = "input"
	HookForward    Hook = "forward"
	HookOutput     Hook = "output"
)

// Filter is one firewall rule that counts what it catches.
type Filter struct {
	node  *Node
	table string
}

// Filter adds a rule: packets at hook that match (nftables words, "" for all)
// are counted and meet the verdict, such as "drop" or "accept". It needs the
// program nft.
func (n *Node) Filter(hook Hook, match, verdict string) *Filter {
	n.network.mutex.Lock()
	n.network.rules++
	f := &Filter{node: n, table: fmt.Sprintf("rule%d", n.network.rules)}
	n.network.mutex.Unlock()
	// A table each makes rules independent: any can be removed by its name.
	f.apply(fmt.Sprintf(`table inet %s {
	counter caught {}
	chain only {
		type filter hook %s priority 0; policy accept;
		%s counter name caught %s
	}
}
`, f.table, hook, match, verdict))
	return f
}

// Drop drops what matches without a word.
func (n *Node) Drop(hook Hook, match string) *Filter { return n.Filter(hook, match, "drop") }

// Reject answers what matches with an ICMP error that fits its family, such as
// "admin-prohibited", "no-route" (network unreachable in IPv4) or
// "port-unreachable".
func (n *Node) Reject(hook Hook, match, code string) *Filter {
	return n.Filter(hook, match, "reject with icmpx type "+code)
}

// DropRandom drops a random share, in thousandths, of what matches. Count is
// the truth about how many.
func (n *Node) DropRandom(hook Hook, match string, thousandths int) *Filter {
	if thousandths >= 1000 {
		return n.Drop(hook, match) // nft refuses a limit that is always kept
	}
	return n.Drop(hook, fmt.Sprintf("%s numgen random mod 1000 < %d", match, thousandths))
}

// DropExactly drops a random share, in thousandths, of what matches until
// count packets of the given length in bytes, IP header included, are gone.
func (n *Node) DropExactly(hook Hook, match string, thousandths, count, length int) *Filter {
	return n.Drop(hook, fmt.Sprintf("%s numgen random mod 1000 < %d quota %d bytes",
		match, thousandths, count*length+1))
}

// Count returns how many packets the rule has caught.
func (f *Filter) Count() (uint64, error) {
	text, err := f.run("", "-j", "list", "counter", "inet", f.table, "caught")
	if err != nil {
		return 0, err
	}
	var listing struct {
		Items []struct {
			Counter *struct{ Packets uint64 } `json:"counter"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(text), &listing); err != nil {
		return 0, fmt.Errorf("counter of %s: %w", f.table, err)
	}
	for _, item := range listing.Items {
		if item.Counter != nil {
			return item.Counter.Packets, nil
		}
	}
	return 0, errors.New("the rule has no counter")
}

// Remove takes the rule away; its count is lost.
func (f *Filter) Remove() { f.apply("delete table inet " + f.table + "\n") }

// Finish takes the rule away and returns its final count: no packet is caught
// between the two.
func (f *Filter) Finish() (uint64, error) {
	f.apply("flush chain inet " + f.table + " only\n")
	count, err := f.Count()
	f.Remove()
	return count, err
}

// apply feeds rules to the firewall as one change.
func (f *Filter) apply(rules string) {
	if f.node.network.fail(nil) {
		return
	}
	if _, err := f.run(rules, "-f", "-"); err != nil {
		f.node.network.fail(err)
	}
}

func (f *Filter) run(input string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), filterTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "nft", arguments...)
	command.Stdin = strings.NewReader(input)
	text, err := f.node.outputOf(command)
	if err != nil {
		return "", fmt.Errorf("firewall of node %s: %w: %s", f.node.name, err, text)
	}
	return text, nil
}

// Silent makes a router drop the errors that it would send for packets whose
// TTL ran out, until the filter is removed.
func (n *Node) Silent() *Filter {
	return n.Drop(HookOutput, "meta l4proto . @th,0,8 { icmp . 11, icmpv6 . 3 }")
}

package native_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// watched is how many targets there are, which are all one host, every second.
const watched = 20

// TestDropsOfThisMachine has this machine lose probes by itself, without an
// error to the one who sends: in a queue that drops what has stood in it
// longest, and into a cable that is pulled at the other end. Beside that the
// other end drops some, which are loss. It needs root and namespaces.
func TestDropsOfThisMachine(t *testing.T) {
	n := lab.ForTest(t)
	here, there := n.Node("here"), n.Node("there")
	n.Link(here, there).Addresses("10.0.0.1/24", "")
	var file bytes.Buffer
	file.WriteString("evidence: false\ntargets:\n") // whose echoes the other end would count
	for i := range watched {
		do(t, there, "ip", "address", "add", fmt.Sprintf("10.0.0.%d/24", 100+i), "dev", "here")
		fmt.Fprintf(&file, "  - host: 10.0.0.%d\n    probes: [{ping: {every: 1s, timeout: 900ms}}]\n", 100+i)
	}
	path := filepath.Join(built.Directory(t), "drops.yaml")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(t.TempDir(), "jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	var complaints bytes.Buffer
	command := exec.Command(built.Program(t), "run", "--output", "jsonl", path)
	command.Stdout, command.Stderr = output, &complaints
	if err := here.Start(command); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })

	time.Sleep(2500 * time.Millisecond)
	do(t, here, "tc", "qdisc", "add", "dev", "there", "root", "handle", "1:", "tbf", "rate", "2kbit", "burst", "1600", "limit", "100000")
	do(t, here, "tc", "qdisc", "add", "dev", "there", "parent", "1:1", "pfifo_head_drop", "limit", "1")
	time.Sleep(4 * time.Second)
	// A queue that is taken away takes its counters with it.
	do(t, here, "tc", "qdisc", "change", "dev", "there", "root", "handle", "1:", "tbf", "rate", "1gbit", "burst", "16000", "limit", "100000")
	statistics, err := here.Output(context.Background(), "tc", "-s", "qdisc", "show", "dev", "there")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)

	blocked := time.Now()
	do(t, there, "nft", "add table ip t; add counter ip t c; add chain ip t in { type filter hook input priority 0; }; "+
		"add rule ip t in ip daddr 10.0.0.100-10.0.0.104 icmp type echo-request counter name c drop")
	time.Sleep(1500 * time.Millisecond)
	do(t, there, "nft", "flush chain ip t in")
	rules, err := there.Output(context.Background(), "nft", "list", "counters", "table", "ip", "t")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond)

	pulled := time.Now()
	do(t, there, "ip", "link", "set", "here", "down")
	time.Sleep(2500 * time.Millisecond)
	do(t, there, "ip", "link", "set", "here", "up")
	time.Sleep(1200 * time.Millisecond)
	signal(t, command, syscall.SIGTERM)
	if err := <-ended; err != nil || strings.Contains(complaints.String(), "EE:") {
		t.Errorf("it ends with %v and says %s", err, &complaints)
	}

	if _, err := output.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	type line struct {
		Type, Outcome, Cause string
		Time                 time.Time
		Errno                int
	}
	queued, unanswered, cut, others := 0, 0, 0, map[string]int{}
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", scanner.Bytes(), err)
		}
		switch {
		case l.Type != "ping" || l.Outcome == "ok" || l.Outcome == "stalled":
		case l.Cause == "queue" && l.Time.Before(blocked):
			queued++
		case l.Outcome == "unanswered" && l.Time.Before(pulled):
			unanswered++
		case l.Time.After(pulled) && l.Outcome == "send_failed" && (l.Cause == "no_carrier" || l.Errno != 0):
			cut++
		case l.Time.After(pulled) && l.Outcome == "unanswered":
			// It was sent when the carrier was back, and the other end's hardware
			// address not yet known.
			others["after "+l.Outcome]++
		default:
			others[fmt.Sprint(l.Outcome, " ", l.Cause)]++
		}
	}
	dropped := number(t, statistics, `dropped (\d+)`)
	lost := number(t, rules, `packets (\d+)`)
	if dropped < 20 || lost < 5 {
		t.Fatalf("the queue dropped %d and the other end %d: too few to show anything", dropped, lost)
	}
	// A packet or two of the kernel's own, such as those that ask for hardware
	// addresses, may be among what it dropped.
	if queued > dropped || queued < dropped-2 {
		t.Errorf("%d are told as dropped by the queue, which dropped %d", queued, dropped)
	}
	if unanswered != lost {
		t.Errorf("%d are told as unanswered, and the other end dropped %d", unanswered, lost)
	}
	if cut < 2*watched-5 {
		t.Errorf("%d are told as lost for want of a carrier", cut)
	}
	t.Logf("queue %d of %d, path %d of %d, carrier %d, others %v", queued, dropped, unanswered, lost, cut, others)
	delete(others, "after unanswered")
	if len(others) > 0 {
		t.Errorf("and %v", others)
	}
}

// do runs a program in a node.
func do(t *testing.T, node *lab.Node, program string, arguments ...string) {
	t.Helper()
	if said, err := node.Output(context.Background(), program, arguments...); err != nil {
		t.Fatalf("%s %v: %v: %s", program, arguments, err, said)
	}
}

// number is what the first group of an expression finds.
func number(t *testing.T, text, expression string) int {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in %s", expression, text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

package loss_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// soakVariable asks for the long run: for how long, as "10m".
const soakVariable = "NETSONDE_SOAK"

// soak is how many targets are watched once a second, and for how long.
type soak struct {
	targets int
	lasts   time.Duration
	// share of the echoes, in thousandths, is lost.
	share int
}

func soaking(t *testing.T) soak {
	t.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		return soak{targets: 1000, lasts: 8 * time.Second, share: 20}
	}
	lasts, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	return soak{targets: 10_000, lasts: lasts, share: 1}
}

// TestLossesAreCountedExactly watches many targets while a firewall drops echoes,
// or their answers, at random: just so many are told as lost. It needs root and nft.
func TestLossesAreCountedExactly(t *testing.T) {
	need(t, "nft")
	binary := program(t)
	for _, c := range []struct {
		name  string
		first string
		build func(*lab.Network) (monitor, dropper *lab.Node, device string)
		hook  lab.Hook
		// address is where such a message names the target.
		kind, address string
	}{
		{"requests on loopback", "127.1.0.1", onLoopback, lab.HookInput, "echo-request", "daddr"},
		{"answers on loopback", "127.1.0.1", onLoopback, lab.HookPrerouting, "echo-reply", "saddr"},
		{"requests over a cable", "10.98.0.1", overCable, lab.HookInput, "echo-request", "daddr"},
		{"answers over a cable", "10.98.0.1", overCable, lab.HookOutput, "echo-reply", "saddr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if os.Getenv(soakVariable) == "" {
				t.Parallel() // so few disturb nobody
			}
			monitor, dropper, device := c.build(lab.ForTest(t))
			soaking(t).run(t, binary, monitor, netip.MustParseAddr(c.first), device, func(targets, ids string, share int) *lab.Filter {
				return dropper.DropRandom(c.hook, fmt.Sprintf("ip %s %s icmp type %s icmp id %s", c.address, targets, c.kind, ids), share)
			})
		})
	}
}

func onLoopback(network *lab.Network) (monitor, dropper *lab.Node, device string) {
	node := network.Node("monitor")
	node.Unlimited()
	return node, node, "lo"
}

// overCable has the targets in a namespace of their own.
func overCable(network *lab.Network) (monitor, dropper *lab.Node, device string) {
	monitor, dropper = network.Node("monitor"), network.Node("hosts")
	network.Link(monitor, dropper).Addresses("10.97.0.1/24", "10.97.0.2/24")
	dropper.Unlimited()
	dropper.Local("10.98.0.0/16")
	monitor.Route("10.98.0.0/16", "10.97.0.2")
	return monitor, dropper, "hosts"
}

// run watches and compares. The identifiers of the program's echoes are learnt
// first, and only its targets are meddled with, so that what it sends else, to
// this machine itself or when something breaks, is not counted.
func (s soak) run(t *testing.T, binary string, monitor *lab.Node, first netip.Addr, device string, drop func(targets, ids string, share int) *lab.Filter) {
	t.Helper()
	l := &lane{monitor: monitor}
	var err error
	if l.tap, err = openTap(monitor, device); err != nil {
		t.Fatal(err)
	}
	last := first
	for range s.targets - 1 {
		last = last.Next()
	}
	file := filepath.Join(t.TempDir(), "soak.yaml")
	text := fmt.Sprintf(withoutLooks(t, binary)+"budget: {rate: 1000000, destination: 1000000, network: 1000000}\ngroups:\n  - name: all\n    probes: [ping: {every: 1s}]\n    targets: [%v-%v]\n", first, last)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	command := exec.Command(binary, "run", "--output", "jsonl", file)
	var complaints bytes.Buffer
	command.Stdout, command.Stderr = writing, &complaints
	err = monitor.Start(command)
	writing.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer command.Process.Kill() // in case the test fails before
	counted := make(chan *tally, 1)
	go func() { counted <- count(reading) }()

	time.Sleep(2500 * time.Millisecond)
	for _, p := range l.tap.seen() {
		if block := p.identifier & blockMask; p.out && p.kind == echoRequest && !slices.Contains(l.blocks, block) {
			l.blocks = append(l.blocks, block)
		}
	}
	if err := l.tap.close(); err != nil || len(l.blocks) == 0 {
		t.Fatalf("echoes of %d identifiers were seen, error %v", len(l.blocks), err)
	}
	dropping := drop(fmt.Sprintf("%v-%v", first, last), l.ids(), s.share)
	time.Sleep(s.lasts)
	dropped, err := dropping.Finish()
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c := <-counted
	if err := errors.Join(command.Wait(), c.err); err != nil {
		t.Errorf("it ends with %v", err)
	}
	for complaint := range strings.Lines(complaints.String()) {
		if !busy(complaint) {
			t.Errorf("it says %s", complaint)
			continue
		}
		t.Logf("it says %s", complaint)
	}
	t.Logf("%d targets, %v: %d echoes, %d dropped, told %v", s.targets, s.lasts, c.echoes, dropped, c.outcomes)
	if c.outcomes["unanswered"] != int(dropped) || dropped == 0 {
		t.Errorf("%d were dropped, %d are told as unanswered", dropped, c.outcomes["unanswered"])
	}
	for outcome, n := range c.outcomes {
		switch outcome {
		case "ok", "late", "unanswered":
		case "stalled":
			t.Logf("the machine was busy: %d rounds were not run", n)
		default:
			t.Errorf("%d are told as %s", n, outcome)
		}
	}
	if expected := s.targets * int((s.lasts)/time.Second); c.echoes+c.outcomes["stalled"] < expected {
		t.Errorf("%d echoes are told, want at least %d", c.echoes, expected)
	}
}

// lateWords are those of the warnings that this machine has little time.
var lateWords = []string{"did not let the monitor run", "The monitor is late"}

// busy reports whether a complaint is only that this machine has little time,
// which loses nothing on the path.
func busy(complaint string) bool {
	return slices.ContainsFunc(lateWords, func(words string) bool { return strings.Contains(complaint, words) })
}

// withoutLooks is what a file says so that the program sends nothing but its
// plan, which the firewall would count too.
func withoutLooks(t *testing.T, binary string) string {
	t.Helper()
	const words = "evidence: false\n"
	file := filepath.Join(t.TempDir(), "words.yaml")
	if err := os.WriteFile(file, []byte(words+"targets: [127.0.0.1]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exec.Command(binary, "check-config", file).Run() != nil {
		return ""
	}
	return words
}

// tally counts how echoes ended.
type tally struct {
	outcomes map[string]int
	echoes   int
	err      error
}

// count reads the lines of a monitor as they come. There may be millions, in a
// form that is promised, so only the fields that matter are looked for.
func count(lines io.Reader) *tally {
	c := &tally{outcomes: map[string]int{}}
	open := map[string]string{}
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(make([]byte, 1<<20), 1<<20)
	for scanner.Scan() {
		line := scanner.Bytes()
		name := func() string {
			return value(line, "probe") + " " + value(line, "round") + " " + value(line, "seq")
		}
		switch value(line, "type") {
		case "ping":
			outcome := value(line, "outcome")
			if outcome == "stalled" {
				// A line tells of one round or several that were not run.
				rounds, err := strconv.Atoi(value(line, "rounds"))
				c.err = errors.Join(c.err, err)
				c.outcomes[outcome] += rounds
				continue
			}
			c.outcomes[outcome]++
			c.echoes++
			if outcome != "ok" {
				open[name()] = outcome
			}
		case "event":
			after := value(line, "event")
			if before, known := open[name()]; known && slices.Contains([]string{"ok", "late", "unreachable", "overrun"}, after) {
				c.outcomes[before]--
				c.outcomes[after]++
				open[name()] = after
			}
			if after == "dropped" {
				c.err = fmt.Errorf("results are missing: %s", line)
			}
		}
	}
	c.err = errors.Join(c.err, scanner.Err())
	return c
}

// value is what stands behind a name in a line of JSON, without quotes.
func value(line []byte, name string) string {
	_, rest, found := bytes.Cut(line, []byte(`"`+name+`":`))
	if !found {
		return ""
	}
	return strings.Trim(string(rest[:max(0, bytes.IndexAny(rest, ",}"))]), `"`)
}

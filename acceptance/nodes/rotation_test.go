package nodes_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
	"netsonde/pmonitor"
)

// paceVariable asks for the original's own pace, 5 seconds a ping, by the value
// "original"; otherwise the nodes are five times as fast.
const paceVariable = "NETSONDE_PMONITOR_PACE"

// Eight nodes probe each other for a round, captured on their own links: each
// probes the node behind it, then the next, and no two are at the same target
// at the same moment, which is from a request's leaving to its answer's coming.
// Nodes are started one after the other, at once and with pauses that add up
// to at most four tenths of a pace. The same holds for a round at once.
func TestNoTwoNodesAtOneTarget(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		lab.Skip(t, "tcpdump is missing")
	}
	pace, flags := pmonitor.DefaultPace/5, []string{"--pace", (pmonitor.DefaultPace / 5).String()}
	if os.Getenv(paceVariable) == "original" {
		pace, flags = pmonitor.DefaultPace, nil
	}
	const seed = 8
	random := rand.New(rand.NewPCG(seed, seed))
	for _, test := range []struct {
		name   string
		spread time.Duration
		pace   time.Duration
		flags  []string
		// delay, of a link, makes the moments long.
		delay string
	}{
		{"together", 0, pace, flags, "5ms"},
		{"apart", pace * 4 / 10, pace, flags, "5ms"},
		{"at once", 0, 0, []string{"--pace", "0"}, "0ms"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newLab(t, "ring", "--nodes", "8", "--delay", test.delay)
			nodes, _ := p.nodes()
			targets := p.master(nodes)
			captures := p.capture(nodes)
			monitors := make([]*exec.Cmd, len(nodes))
			for i, n := range nodes {
				work := filepath.Join(filepath.Dir(targets), n.name+".sqlite")
				monitors[i] = p.command(slices.Concat([]string{"lab", "run", n.name, "--", "pmonitor", "monitor", "--once",
					"--log", work + ".log"}, test.flags, []string{targets, work, n.address})...)
				if err := monitors[i].Start(); err != nil {
					t.Fatal(err)
				}
				// The pause is what is tried.
				time.Sleep(time.Duration(random.Int64N(int64(test.spread/time.Duration(len(nodes)-1)) + 1)))
			}
			for i, monitor := range monitors {
				if err := monitor.Wait(); err != nil {
					t.Errorf("the monitor of %s: %v", nodes[i].name, err)
				}
			}
			checkRotation(t, nodes, captures(), test.pace)
		})
	}
}

// captureTime bounds how long a capture may take to show what has happened.
const captureTime = 5 * time.Second

// master makes a master database of the nodes and returns its path.
func (p *program) master(nodes []node) string {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "master.sqlite")
	var targets []pmonitor.Target
	for _, n := range nodes {
		targets = append(targets, pmonitor.Target{Name: n.name, Address: n.address, Stable: true})
	}
	if err := pmonitor.InitTargets(p.t.Context(), path, targets); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// visit is one probe of a target, in seconds since the epoch by the kernel's
// stamps at the source.
type visit struct {
	source, target  string
	asked, answered float64
}

// captured is a line of tcpdump: an echo as the node itself sends or gets it.
var captured = regexp.MustCompile(`^(\d+\.\d+) \S+ +(In|Out) +IP (\S+) > (\S+): ICMP echo (request|reply), (id \d+, seq \d+),`)

// capture begins to capture in all nodes. The function that it returns waits
// until that has shown the round, at most for a while, and returns the visits
// of each node in their order.
func (p *program) capture(nodes []node) func() map[string][]visit {
	p.t.Helper()
	folder := p.t.TempDir()
	captures := make([]*exec.Cmd, len(nodes))
	for i, n := range nodes {
		output, err := os.Create(filepath.Join(folder, n.name))
		if err != nil {
			p.t.Fatal(err)
		}
		// In immediate mode the buffer has room for 8 packets of tcpdump's usual length.
		captures[i] = p.command("lab", "run", n.name, "--", "tcpdump", "-i", "any", "-n", "-tt", "-l", "--immediate-mode",
			"-s", "128", "icmp and host "+n.address)
		captures[i].Stdout = output
		said, err := captures[i].StderrPipe()
		if err == nil {
			err = errors.Join(captures[i].Start(), output.Close())
		}
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { _ = captures[i].Process.Kill() })
		var begun []byte
		for part := make([]byte, 256); !bytes.Contains(begun, []byte("listening on")); {
			n, err := said.Read(part)
			if err != nil {
				p.t.Fatalf("tcpdump says %q: %v", begun, err)
			}
			begun = append(begun, part[:n]...)
		}
	}
	return func() map[string][]visit {
		p.t.Helper()
		visits := map[string][]visit{}
		// What is captured last is shown a little later.
		for deadline := time.Now().Add(captureTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			answered := 0
			for _, n := range nodes {
				text, err := os.ReadFile(filepath.Join(folder, n.name))
				if err != nil {
					p.t.Fatal(err)
				}
				visits[n.address] = readVisits(p.t, n.address, string(text))
				for _, v := range visits[n.address] {
					if v.answered > 0 {
						answered++
					}
				}
			}
			if answered == len(nodes)*(len(nodes)-1) {
				break
			}
		}
		for i, n := range nodes {
			if err := captures[i].Process.Signal(syscall.SIGTERM); err != nil {
				p.t.Fatal(err)
			}
			if err := captures[i].Wait(); err != nil {
				p.t.Errorf("tcpdump in %s: %v", n.name, err)
			}
		}
		return visits
	}
}

// readVisits returns the probes that a node has made.
func readVisits(t testing.TB, source, text string) (visits []visit) {
	t.Helper()
	places := map[string]int{}
	for line := range strings.Lines(text) {
		words := captured.FindStringSubmatch(line)
		if !strings.HasSuffix(line, "\n") {
			// It is still being written.
			continue
		}
		if words == nil {
			t.Errorf("tcpdump prints %q", line)
			continue
		}
		at, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		switch direction, from, to, echo := words[2], words[3], words[4], words[6]; {
		case direction == "Out" && from == source && words[5] == "request":
			places[to+" "+echo] = len(visits)
			visits = append(visits, visit{source: from, target: to, asked: at})
		case direction == "In" && to == source && words[5] == "reply":
			if place, asked := places[from+" "+echo]; asked {
				visits[place].answered = at
			}
		}
	}
	return visits
}

// checkRotation judges a round: who is probed by whom in which order, and how
// far apart the visits of each target are, which is a pace less what the later
// visitor was started after the one before. In a round at once, at pace 0, a
// machine that is busy may take some in another order, or hold one up until
// another's slot.
func checkRotation(t *testing.T, nodes []node, all map[string][]visit, pace time.Duration) {
	t.Helper()
	visitors := map[string][]visit{}
	longest := 0.0
	for i, n := range nodes {
		var order, want []string
		for _, v := range all[n.address] {
			order = append(order, v.target)
			visitors[v.target] = append(visitors[v.target], v)
			if v.answered == 0 {
				t.Errorf("%s is not answered by %s", v.source, v.target)
				continue
			}
			longest = max(longest, v.answered-v.asked)
		}
		for k := range len(nodes) - 1 {
			want = append(want, nodes[(i+1+k)%len(nodes)].address)
		}
		if pace == 0 {
			slices.Sort(order)
			slices.Sort(want)
		}
		if !slices.Equal(order, want) {
			t.Errorf("%s probes %q, want %q", n.name, order, want)
		}
	}
	nearest, overlaps, count := math.Inf(1), 0, 0
	for target, visits := range visitors {
		slices.SortFunc(visits, func(a, b visit) int { return int((a.asked - b.asked) * 1e6) })
		count += len(visits)
		for i := 1; i < len(visits); i++ {
			apart := visits[i].asked - visits[i-1].answered
			nearest = min(nearest, apart)
			if apart <= 0 && pace == 0 && (heldUp(nodes, visits[i]) || heldUp(nodes, visits[i-1])) {
				t.Logf("%s or %s is held up on its way to %s", visits[i-1].source, visits[i].source, target)
			} else if apart <= 0 {
				overlaps++
				t.Errorf("%s is probed by %s and %s at once", target, visits[i-1].source, visits[i].source)
			}
		}
	}
	t.Logf("%d probes at a pace of %v, the longest took %.1f ms: %d at one target at the same moment, the nearest %.3f s apart",
		count, pace, longest*1000, overlaps, nearest)
}

// heldUp reports whether a visit of a round at once, which begins with a second,
// came after its slot.
func heldUp(nodes []node, v visit) bool {
	place := func(address string) int {
		return slices.IndexFunc(nodes, func(n node) bool { return n.address == address })
	}
	const slot = 0.02 // s
	own := (place(v.target) - place(v.source) - 1 + len(nodes)) % len(nodes)
	return v.asked-math.Floor(v.asked) >= float64(own+1)*slot
}

package pmonitor_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/lab"
	"netsonde/pmonitor"
)

// The reference's expected ends of the test: with all four addresses, with one
// that does not answer, and with none.
func TestTest(t *testing.T) {
	for _, test := range []struct {
		name        string
		addresses   []string
		good, total int
		work        []string
	}{
		{"four", []string{"192.168.33.1/32", "192.168.44.2/32", "192.168.55.2/32", "192.168.55.3/32"}, 3, 3, []string{
			"192.168.55.3|host3|1|0|1|0|0|0|0|0", "192.168.33.1|host1|1|0|0|1|1|1|1|1",
			"192.168.44.2|host2|1|0|0|1|1|1|1|1", "192.168.55.2|host3|1|0|0|1|1|1|1|1",
		}},
		{"three", []string{"192.168.33.1/32", "192.168.55.2/32", "192.168.55.3/32"}, 2, 2, []string{
			"192.168.55.3|host3|1|0|1|0|0|0|0|0", "192.168.33.1|host1|1|0|0|1|1|1|1|1",
			"192.168.44.2|host2|1|0|0|1|0|1|0|0", "192.168.55.2|host3|1|0|0|1|1|1|1|1",
		}},
		{"none", nil, 0, 0, []string{
			"192.168.55.3|host3|1|0|1|0|0|0|0|0", "192.168.33.1|host1|1|0|0|1|0|1|0|0",
			"192.168.44.2|host2|1|0|0|1|0|1|0|0", "192.168.55.2|host3|1|0|0|1|0|1|0|0",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := lab.ForTest(t).Node("host")
			node.Address(test.addresses...)
			folder := t.TempDir()
			var good, total int
			err := node.Do(func() (err error) {
				good, total, err = pmonitor.Test(t.Context(), folder, pmonitor.Options{})
				return err
			})
			if err != nil || good != test.good || total != test.total {
				t.Errorf("status %d / %d and error %v, want %d / %d", good, total, err, test.good, test.total)
			}
			master := []string{
				"192.168.33.1|host1|0|0|0|1|0|0|0|0", "192.168.44.2|host2|1|1|0|1|0|0|0|0",
				"192.168.55.2|host3|1|0|0|1|0|0|0|0", "192.168.55.3|host3|0|0|0|0|0|0|0|0",
			}
			if got := table(t, filepath.Join(folder, "master.sqlite"), "SELECT * FROM targets"); !slices.Equal(got, master) {
				t.Errorf("the master is %q, want %q", got, master)
			}
			got := table(t, filepath.Join(folder, "work.sqlite"), "SELECT address, name, run, running, me, stable, responded,"+
				" sample_time > 0, total_count, total_success FROM targets")
			if !slices.Equal(got, test.work) {
				t.Errorf("the working table is %q, want %q", got, test.work)
			}
		})
	}
}

// paceVariable asks for the four nodes at the original's own pace, which takes
// 140 seconds.
const paceVariable = "NETSONDE_PMONITOR_PACE"

// The four nodes with real pings between namespaces, and with a program of
// Python's that reads and writes the same files all the time.
func TestRecordedRunInTheLab(t *testing.T) {
	scale := 3.0
	if os.Getenv(paceVariable) == "original" {
		scale = 1
	}
	network := lab.ForTest(t)
	hub := network.Node("hub")
	hub.Forward()
	nodes := map[string]*lab.Node{}
	for i, n := range recordedNodes() {
		node := network.Node(n.name)
		nodes[n.name] = node
		network.Link(node, hub).Addresses(fmt.Sprintf("10.99.%d.1/30", i), fmt.Sprintf("10.99.%d.2/30", i))
		node.Address(n.address + "/32")
		node.Route("default4", fmt.Sprintf("10.99.%d.2", i))
		hub.Route(n.address+"/32", fmt.Sprintf("10.99.%d.1", i))
	}
	// Nodes E and F never answer, without a word.
	hub.Drop(lab.HookPrerouting, "ip daddr { 10.88.0.5, 10.88.0.6 }")
	r := fourNodes{
		scale: scale,
		// The original took 30 ms to start ping, which adds up over the run.
		pace: pmonitor.DefaultPace.Seconds() + 0.02,
		// Two things happened within a fifth of a second of a ping.
		moved: map[float64]float64{120.03: 120.9, 128.23: 126.5},
		// What comes from D is dropped without a word, and at once: starting a
		// firewall's program would take a good part of a pace.
		link: func(up bool) {
			hub.Sysctl("net.ipv4.conf.d.forwarding", map[bool]string{true: "1", false: "0"}[up])
		},
		monitor: func(ctx context.Context, n node, f func(context.Context) error) error {
			return nodes[n.name].Do(func() error { return f(ctx) })
		},
		before: func(folder string) { besides(t, folder) },
	}
	r.run(t, 2.5)
}

// beside is a program of the old world: it reads every database in the folder,
// as pages do, and writes to each, for as long as its input is open. Working
// databases have no table at first.
const beside = `
import glob, os, select, sqlite3, sys, time
reads = writes = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    for path in glob.glob(os.path.join(sys.argv[1], "*")):
        if path.endswith("-journal"):
            continue
        db = sqlite3.connect(path)
        try:
            db.execute("SELECT * FROM targets").fetchall()
            reads += 1
            db.execute("UPDATE targets SET running = running")
            db.commit()
            writes += 1
        except sqlite3.OperationalError as e:
            if "no such table" not in str(e):
                print("failed", path, e, flush=True)
        db.close()
print("did", reads, writes, flush=True)
`

// besides runs beside until the test ends, which must have had no error.
func besides(t *testing.T, folder string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		lab.Skip(t, "python3 is missing")
	}
	command := exec.Command(python, "-c", beside, folder)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the program beside says %q", lines.Text())
	}
	t.Cleanup(func() {
		input.Close()
		said := ""
		for lines.Scan() {
			said += lines.Text() + "\n"
		}
		var reads, writes int
		if _, err := fmt.Sscanf(said, "did %d %d", &reads, &writes); err != nil || reads < 100 || writes < 100 {
			t.Errorf("the program beside says %q", said)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("the program beside: %v", err)
		}
		t.Log(strings.TrimSpace(said))
	})
}

// The echoes of a round at once, of nodes that see each other.
func TestRoundAtOnceInTheLab(t *testing.T) {
	node := lab.ForTest(t).Node("host")
	node.Address("10.88.0.1/32", "10.88.0.2/32", "10.88.0.3/32", "10.88.0.4/32")
	master, work := initialised(t, recordedTargets())
	begun := time.Now()
	err := node.Do(func() error {
		return pmonitor.Monitor(t.Context(), master, work, "10.88.0.1", pmonitor.Options{Once: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the round took %s", took)
	}
	got := table(t, work, results)
	slices.Sort(got)
	want := []string{"10.88.0.2|1|1|1", "10.88.0.3|1|1|1", "10.88.0.4|1|1|1", "10.88.0.5|0|0|0"}
	if !slices.Equal(got, want) {
		t.Errorf("the working table is %q, want %q", got, want)
	}
}

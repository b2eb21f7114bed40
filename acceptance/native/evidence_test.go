package native_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

const (
	// evidencePatience bounds how long a line is waited for. It is long: a busy
	// machine takes its time, and what counts are the lines' own times.
	evidencePatience = 2 * time.Minute
	// evidenceBound is what evidence may take.
	evidenceBound = 2000.0
)

// evidenceWorld is a monitor with two routers between it and its target, and a
// neighbour of its own.
//
//	monitor 10.0.1.1 ─ 10.0.1.2 near 10.0.2.1 ─ 10.0.2.2 far 10.0.3.1 ─ 10.0.3.2 target
type evidenceWorld struct {
	t                          *testing.T
	monitor, near, far, target *lab.Node
	// unprivileged runs the program as a user without rights.
	unprivileged bool
	lines        *bufio.Scanner
	complaints   bytes.Buffer
}

func newEvidenceWorld(t *testing.T) *evidenceWorld {
	n := lab.ForTest(t)
	w := &evidenceWorld{
		t: t, monitor: n.Node("monitor"), near: n.Node("near"), far: n.Node("far"), target: n.Node("target"),
	}
	n.Link(w.monitor, w.near).Addresses("10.0.1.1/24", "10.0.1.2/24")
	n.Link(w.near, w.far).Addresses("10.0.2.1/24", "10.0.2.2/24")
	n.Link(w.far, w.target).Addresses("10.0.3.1/24", "10.0.3.2/24")
	w.near.Forward()
	w.far.Forward()
	w.target.Unlimited()
	w.monitor.Route("default4", "10.0.1.2")
	w.near.Route("10.0.3.0/24", "10.0.2.2")
	w.far.Route("10.0.1.0/24", "10.0.2.1")
	w.target.Route("default4", "10.0.3.1")
	return w
}

// watch starts the program, in jsonl, on a file, and waits until each probe has
// been answered a few times.
func (w *evidenceWorld) watch(host, more string) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "evidence.yaml")
	text := fmt.Sprintf(`%s
defaults:
  # Each round uses every identity.
  ping: {every: 2s, timeout: 1s, count: 16, spacing: 0s}
  trace: {every: 2s}
targets:
  - {host: %s, probes: [ping, trace]}
`, more, host)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	command := exec.Command(built.Program(w.t), "run", "--output", "json", file)
	output, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	command.Stderr = &w.complaints
	if w.unprivileged {
		w.monitor.PingGroups(0, 65534)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := w.monitor.Start(command); err != nil {
		w.t.Fatal(err)
	}
	watchdog := time.AfterFunc(2*evidencePatience, func() { _ = command.Process.Kill() })
	w.t.Cleanup(func() {
		watchdog.Stop()
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		if w.t.Failed() {
			w.t.Logf("it says %s", &w.complaints)
		}
	})
	w.lines = bufio.NewScanner(output)
	w.lines.Buffer(nil, 1<<20)
	pings, traces := 0, 0
	w.await("answers", func(l *evidenceLine) bool {
		switch {
		case l.Type == "ping" && l.Received == 16:
			pings++
		case l.Type == "trace" && l.Reached:
			traces++
		}
		return pings >= 2 && traces >= 2
	})
}

// evidenceLine is a line of the output, as far as it matters here.
type evidenceLine struct {
	Type, Event, Verdict, Target, Addr string
	Time, Since                        time.Time
	Received, Sent                     int
	Reached, Moved                     bool
	Lost                               json.RawMessage
	Took                               float64 `json:"took_ms"`
	Same, Fresh                        struct{ Identity, Sent, Received int }
	Traces                             []evidenceTrace
	LastGood                           *evidenceTrace `json:"last_good"`
	Route                              *struct {
		Type, Gateway, Source, Interface, Error string
		Table                                   int
	}
	Neighbour *struct{ Addr, State, Hardware string }
	Interface *struct {
		Name, State string
		Up, Carrier bool
		Changes     int `json:"carrier_changes"`
	}
	Qdiscs    []struct{ Kind string }
	Conntrack *struct {
		Count, Max int
		Sessions   []struct{ Replied bool }
	}
	Problems []string
	text     string
}

type evidenceTrace struct {
	End  string
	Flow int
	Hops []struct{ Addr *string }
}

// last is the last hop of a trace that answered.
func (t *evidenceTrace) last() string {
	for _, hop := range slices.Backward(t.Hops) {
		if hop.Addr != nil {
			return *hop.Addr
		}
	}
	return ""
}

// await returns the first line that f takes.
func (w *evidenceWorld) await(what string, f func(*evidenceLine) bool) *evidenceLine {
	w.t.Helper()
	end := time.Now().Add(evidencePatience)
	for time.Now().Before(end) && w.lines.Scan() {
		l := &evidenceLine{text: w.lines.Text()}
		if err := json.Unmarshal(w.lines.Bytes(), l); err != nil {
			w.t.Fatalf("%v: %s", err, l.text)
		}
		if f(l) {
			return l
		}
	}
	w.t.Fatalf("no %s came: %v, %s", what, w.lines.Err(), &w.complaints)
	return nil
}

// evidence returns the next piece and checks what holds for each.
func (w *evidenceWorld) evidence(verdict string) *evidenceLine {
	w.t.Helper()
	l := w.await("evidence", func(l *evidenceLine) bool { return l.Event == "evidence" })
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Log(l.text)
		}
	})
	if l.Verdict != verdict {
		w.t.Errorf("the verdict is %s, want %s", l.Verdict, verdict)
	}
	if l.Took <= 0 || l.Took > evidenceBound {
		w.t.Errorf("it took %v ms", l.Took)
	}
	if gap := l.Time.Sub(l.Since); gap < 0 || gap > 10*time.Second {
		w.t.Errorf("detected %v after the echo", gap)
	}
	if len(l.Traces) != 3 {
		w.t.Fatalf("%d traces", len(l.Traces))
	}
	for i := range l.Traces {
		if l.Traces[i].Flow != i {
			w.t.Errorf("trace %d is of flow %d", i, l.Traces[i].Flow)
		}
	}
	if l.LastGood == nil || l.LastGood.End != "reached" || l.LastGood.last() != l.Addr {
		w.t.Errorf("the last good trace: %+v", l.LastGood)
	}
	if l.Same.Identity == l.Fresh.Identity && l.Fresh.Sent > 0 {
		w.t.Error("the new socket has the identity of the old one")
	}
	return l
}

// ends checks where all traces end.
func (w *evidenceWorld) ends(l *evidenceLine, end, last string) {
	w.t.Helper()
	for i := range l.Traces {
		if trace := &l.Traces[i]; trace.End != end || trace.last() != last {
			w.t.Errorf("flow %d ends %s after %q, want %s after %q", trace.Flow, trace.End, trace.last(), end, last)
		}
	}
}

// healthy checks that this machine's side of the way is well.
func (w *evidenceWorld) healthy(l *evidenceLine, gateway string) {
	w.t.Helper()
	if l.Route == nil || l.Route.Type != "unicast" || l.Route.Gateway != gateway || l.Route.Source != "10.0.1.1" || l.Route.Interface != "near" || l.Route.Table != 254 {
		w.t.Errorf("the route: %+v", l.Route)
	}
	if l.Interface == nil || l.Interface.Name != "near" || !l.Interface.Up || !l.Interface.Carrier || l.Interface.State != "up" {
		w.t.Errorf("the interface: %+v", l.Interface)
	}
	if l.Neighbour == nil || l.Neighbour.Addr != "10.0.1.2" || l.Neighbour.Hardware == "" || len(l.Qdiscs) == 0 {
		w.t.Errorf("the neighbour: %+v, the queues: %+v", l.Neighbour, l.Qdiscs)
	}
}

func (w *evidenceWorld) run(node *lab.Node, program string, arguments ...string) {
	w.t.Helper()
	command := exec.Command(program, arguments...)
	var told bytes.Buffer
	command.Stdout, command.Stderr = &told, &told
	if err := node.Run(command); err != nil {
		w.t.Fatalf("%s %s: %v: %s", program, strings.Join(arguments, " "), err, &told)
	}
}

// TestEvidence breaks a way in several places, under the eyes of the built
// program. It needs root and namespaces.
func TestEvidence(t *testing.T) {
	t.Run("dead host", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "")
		w.target.Drop(lab.HookInput, "")
		l := w.evidence("down")
		w.ends(l, "silent", "10.0.2.2")
		w.healthy(l, "10.0.1.2")
		if l.Same.Sent != 5 || l.Fresh.Sent != 5 || l.Same.Received+l.Fresh.Received > 0 {
			t.Errorf("echoes: %+v, %+v", l.Same, l.Fresh)
		}
	})
	t.Run("stuck session", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		// Every session is marked when it begins.
		marks := w.near.Filter(lab.HookForward, "ct mark set 7", "accept")
		w.watch("10.0.3.2", "")
		// From now on none is, and those that were are dropped.
		marks.Remove()
		stuck := w.near.Drop(lab.HookForward, "icmp type echo-request ct mark 7")
		l := w.evidence("stuck_session")
		w.ends(l, "reached", "10.0.3.2")
		w.healthy(l, "10.0.1.2")
		if l.Same.Received > 0 || l.Fresh.Received != l.Fresh.Sent || !l.Moved {
			t.Errorf("echoes: %+v, %+v, moved %v", l.Same, l.Fresh, l.Moved)
		}
		// The probe is answered again, though the firewall is as stuck as before.
		w.await("answers after the move", func(l *evidenceLine) bool { return l.Type == "ping" && l.Received == 16 })
		if caught, err := stuck.Count(); err != nil || caught < 16 {
			t.Errorf("the firewall dropped %d, %v", caught, err)
		}
	})
	t.Run("stuck session without rights", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.unprivileged = true
		marks := w.near.Filter(lab.HookForward, "ct mark set 7", "accept")
		w.watch("10.0.3.2", "")
		marks.Remove()
		w.near.Drop(lab.HookForward, "icmp type echo-request ct mark 7")
		l := w.evidence("stuck_session")
		// These traces are echoes too, under identities that are stuck.
		w.ends(l, "silent", "10.0.1.2")
		w.healthy(l, "10.0.1.2")
		if l.Conntrack != nil && (l.Conntrack.Sessions != nil || len(l.Problems) == 0) {
			t.Errorf("conntrack %+v, problems %q", l.Conntrack, l.Problems)
		}
		w.await("answers after the move", func(l *evidenceLine) bool { return l.Type == "ping" && l.Received == 16 })
	})
	t.Run("broken path", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "")
		w.far.Drop(lab.HookPrerouting, "ip daddr 10.0.3.2")
		l := w.evidence("down")
		w.ends(l, "silent", "10.0.1.2")
		w.healthy(l, "10.0.1.2")
	})
	t.Run("rejecting router", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "")
		w.far.Reject(lab.HookForward, "ip daddr 10.0.3.2", "host-unreachable")
		l := w.evidence("down")
		w.ends(l, "unreachable", "10.0.2.2")
	})
	t.Run("neighbour gone", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.1.2", "")
		w.run(w.near, "ip", "address", "del", "10.0.1.2/24", "dev", "monitor")
		w.run(w.monitor, "ip", "neighbour", "flush", "all")
		l := w.evidence("down")
		if l.Route == nil || l.Route.Gateway != "" || l.Route.Interface != "near" {
			t.Errorf("the route: %+v", l.Route)
		}
		if l.Neighbour == nil || l.Neighbour.Addr != "10.0.1.2" || !slices.Contains([]string{"incomplete", "failed"}, l.Neighbour.State) {
			t.Errorf("the neighbour: %+v", l.Neighbour)
		}
	})
	t.Run("carrier down", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "")
		w.run(w.near, "ip", "link", "set", "monitor", "down")
		l := w.evidence("local")
		if l.Interface == nil || !l.Interface.Up || l.Interface.Carrier || l.Interface.Changes < 1 {
			t.Errorf("the interface: %+v", l.Interface)
		}
		w.ends(l, "send_failed", "")
	})
	t.Run("no route", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "")
		w.run(w.monitor, "ip", "route", "del", "default")
		l := w.evidence("local")
		if l.Route == nil || l.Route.Error == "" || l.Interface != nil {
			t.Errorf("the route: %+v, the interface: %+v", l.Route, l.Interface)
		}
		w.ends(l, "send_failed", "")
	})
	t.Run("no evidence", func(t *testing.T) {
		t.Parallel()
		w := newEvidenceWorld(t)
		w.watch("10.0.3.2", "evidence: false")
		w.target.Drop(lab.HookInput, "")
		rounds := 0
		w.await("rounds", func(l *evidenceLine) bool {
			if l.Event != "" {
				t.Errorf("an event: %s", l.text)
			}
			if l.Type == "ping" && l.Received == 0 {
				rounds++
			}
			return rounds == 4
		})
	})
}

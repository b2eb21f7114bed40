package native_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	// hosts is how many targets the file has at a time.
	hosts = 1000
	// changes is how many of them a reload changes: half are others then, half
	// have another interval.
	changes = hosts / 10
	reloads = 3
)

// lateness is how late a probe may start without being called late.
const lateness = 10 * time.Millisecond

// runTime is how long the program runs.
func runTime() time.Duration {
	if os.Getenv("NETSONDE_SLOW") == "1" {
		return 10 * time.Minute
	}
	return 16 * time.Second
}

// intervals are those of the kinds of probe, by the kind's name in the output.
func intervals() map[string]time.Duration {
	return map[string]time.Duration{
		"ping": time.Second, "trace": 4 * time.Second, "tcp": 4 * time.Second, "http": 4 * time.Second, "dns": 4 * time.Second,
	}
}

// TestReloadsMoveNobody has 1,000 targets with five kinds of probe each, and
// reloads that change a tenth of them. Whatever is not changed keeps its phase,
// nothing is lost and nothing is missed. It needs root and namespaces.
func TestReloadsMoveNobody(t *testing.T) {
	node := lab.ForTest(t).Node("monitor")
	node.Unlimited()
	// Everything in 127/8 answers on these ports.
	node.Serve("0.0.0.0:8001", lab.Close)
	node.Serve("0.0.0.0:8002", lab.HTTP("200 OK"))
	names, err := lab.NewNameServer(". NS a.root-servers.net.")
	if err != nil {
		t.Fatal(err)
	}
	node.ServeDatagrams("0.0.0.0:53", names.Datagram)

	file := filepath.Join(built.Directory(t), "thousand.yaml")
	plan := newThousand()
	plan.write(t, file)
	output, err := os.Create(filepath.Join(t.TempDir(), "jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	var complaints bytes.Buffer
	command := exec.Command(built.Program(t), "run", "--output", "jsonl", file)
	command.Stdout, command.Stderr = output, &complaints
	if err := node.Start(command); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })

	step := time.NewTicker(runTime() / (reloads + 1))
	defer step.Stop()
	for range reloads {
		await(t, step, ended, &complaints)
		plan.change()
		plan.write(t, file)
		signal(t, command, syscall.SIGHUP)
	}
	await(t, step, ended, &complaints)
	signal(t, command, syscall.SIGTERM)
	if err := <-ended; err != nil || complaints.Len() > 0 {
		t.Errorf("it ends with %v and says %s", err, &complaints)
	}
	if _, err := output.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	plan.check(t, bufio.NewScanner(output))
}

func await(t *testing.T, step *time.Ticker, ended <-chan error, complaints *bytes.Buffer) {
	t.Helper()
	select {
	case <-step.C:
	case err := <-ended:
		t.Fatalf("it ends early with %v: %s", err, complaints)
	}
}

func signal(t *testing.T, command *exec.Cmd, signal os.Signal) {
	t.Helper()
	if err := command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// thousand is the file's targets, by their number.
type thousand struct {
	targets []int
	next    int
	// slowed are those whose interval was changed at some time.
	slowed map[int]bool
}

func newThousand() *thousand {
	p := &thousand{next: hosts, slowed: map[int]bool{}}
	for i := range hosts {
		p.targets = append(p.targets, i)
	}
	return p
}

// change replaces half of a tenth of the targets, and slows the other half.
func (p *thousand) change() {
	for i := range changes / 2 {
		p.targets[i*hosts/changes] = p.next
		p.next++
		p.slowed[p.targets[i*hosts/changes+hosts/2]] = true
	}
}

func address(target int) string { return fmt.Sprintf("127.1.%d.%d", target/200, 1+target%200) }

func (p *thousand) write(t *testing.T, file string) {
	t.Helper()
	var text strings.Builder
	every := intervals()
	fmt.Fprintf(&text, "budget: {rate: 100000}\ndefaults:\n  probes: [ping, trace, {tcp: {port: 8001}}, {http: {port: 8002}}, dns]\n")
	for _, kind := range slices.Sorted(maps.Keys(every)) {
		// Patience beyond what a busy machine needs: what is late is not lost.
		fmt.Fprintf(&text, "  %s: {every: %s, timeout: %s}\n", kind, every[kind], every[kind]*9/10)
	}
	text.WriteString("targets:\n")
	for _, target := range p.targets {
		if !p.slowed[target] {
			fmt.Fprintf(&text, "  - %s\n", address(target))
			continue
		}
		fmt.Fprintf(&text, "  - {host: %s, probes: [{ping: {every: 3s}}, {trace: {every: 6s}}, {tcp: {port: 8001, every: 6s}}, {http: {port: 8002, every: 6s}}, {dns: {every: 6s}}]}\n", address(target))
	}
	// A reload must never see half a file.
	if err := errors.Join(os.WriteFile(file+".new", []byte(text.String()), 0o600), os.Rename(file+".new", file)); err != nil {
		t.Fatal(err)
	}
}

// outcome is a line of the output, as far as it matters here.
type outcome struct {
	Type, Kind, Target, Probe, Outcome, State, Event string
	Time                                             time.Time
	Round                                            uint64
	Reached                                          *bool
}

// series is what one probe did.
type series struct {
	every  time.Duration
	times  []time.Time
	rounds []uint64
}

// check reads all outcomes and judges them.
func (p *thousand) check(t *testing.T, lines *bufio.Scanner) {
	t.Helper()
	slowed := map[string]bool{}
	for target := range p.slowed {
		slowed[address(target)] = true
	}
	all := map[string]*series{}
	total, wrong := 0, 0
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if o.Type == "event" {
			if bytes.Contains(lines.Bytes(), []byte(`"event":"health"`)) {
				continue // the last words of every run
			}
			t.Errorf("an event: %s", lines.Text())
			continue
		}
		total++
		well := o.Outcome == "ok"
		switch o.Type {
		case "trace":
			well = o.Reached != nil && *o.Reached
		case "check":
			well = o.State == "open"
		}
		if !well {
			if wrong++; wrong < 5 {
				t.Errorf("lost or late: %s", lines.Text())
			}
			continue
		}
		kind := o.Type
		if o.Kind != "" {
			kind = o.Kind
		}
		if slowed[o.Target] {
			continue
		}
		s := all[o.Probe]
		if s == nil {
			s = &series{every: intervals()[kind]}
			all[o.Probe] = s
		}
		s.times = append(s.times, o.Time)
		s.rounds = append(s.rounds, o.Round)
	}
	if least := 5 * (hosts - reloads*changes/2 - len(p.slowed)); len(all) < least {
		t.Errorf("%d probes were never changed, but %d must have stayed", len(all), least)
	}
	late, moved, missed, worst := 0, 0, 0, time.Duration(0)
	for _, s := range all {
		offsets := s.offsets(s.phase())
		for i, offset := range offsets {
			worst = max(worst, offset)
			if offset > lateness {
				late++
			}
			if i > 0 && s.rounds[i] != s.rounds[i-1]+1 {
				missed++
			}
		}
		// One that is late now and then, as on a busy machine, keeps its phase all
		// the same. Of phases that did move, enough would move far.
		last := offsets[max(0, len(offsets)-(len(offsets)+reloads)/(reloads+1)):]
		if slices.Min(last) > max(s.every/4, 500*time.Millisecond) {
			moved++
		}
	}
	t.Logf("%d outcomes of %d probes, %d not well; %d later than %v, the latest %v; %d moved, %d rounds missed",
		total, len(all), wrong, late, lateness, worst, moved, missed)
	if wrong+moved+missed > 0 {
		t.Fail()
	}
}

// phase is the earliest place in the interval at which the probe started, as
// seen from its first start: what came up to half an interval before is early,
// the rest is late.
func (s *series) phase() time.Duration {
	first := time.Duration(s.times[0].UnixNano()) % s.every
	earliest := time.Duration(0)
	for _, offset := range s.offsets(first) {
		if offset > s.every/2 {
			earliest = min(earliest, offset-s.every)
		}
	}
	return (first + earliest + s.every) % s.every
}

// offsets are how long after the phase each start was.
func (s *series) offsets(phase time.Duration) []time.Duration {
	var all []time.Duration
	for _, at := range s.times {
		all = append(all, (time.Duration(at.UnixNano())%s.every-phase+s.every)%s.every)
	}
	return all
}

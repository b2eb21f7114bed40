package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"netsonde/internal/lab"
)

const (
	// drainWithin is how long a monitor may take to end.
	drainWithin = time.Minute
	// startWithin is how long it may take to write its first result.
	startWithin = time.Minute
)

// errEarly is the error of a monitor that does not run on.
var errEarly = errors.New("the monitor ends by itself")

// monitored is what came out of runs of a monitor.
type monitored struct {
	share, cpu, memory          []float64
	lost, notMeasured, notAsked []float64
	// off is how far probes were off their time, slept how far a thread was that
	// only slept.
	off, slept delays
	// round is how long a round takes, in seconds.
	round []float64
}

// delays are percentiles of runs, in milliseconds: the 50th, the 99th and the 100th.
type delays struct{ half, most, atMost []float64 }

// add takes a run's, which it sorts.
func (d *delays) add(run []float64) {
	d.half = append(d.half, percentile(run, 0.5))
	d.most = append(d.most, percentile(run, 0.99))
	d.atMost = append(d.atMost, percentile(run, 1))
}

// monitorGoals are those of a monitor's share of a core, of its processor time a
// probe, and of how far a probe may be off its time.
type monitorGoals struct{ share, cpu, off goal }

// sleeping is the peer in being on time.
const sleeping = "a thread that only sleeps"

// The monitors with a peer have two goals of processor time: an absolute one of a
// machine on which fping takes 48 µs a probe, and what that is by fping's.
func (b *bench) monitorTenThousand() error {
	return b.monitor(10_000, time.Second, true, monitorGoals{share: atMost(15), cpu: ratioAtMost(0.313), off: atMost(2)})
}

func (b *bench) monitorFiftyThousand() error {
	return b.monitor(50_000, time.Second, true, monitorGoals{share: atMost(65), cpu: ratioAtMost(0.271)})
}

func (b *bench) monitorHundredThousand() error {
	return b.monitor(100_000, time.Second, false, monitorGoals{})
}

func (b *bench) monitorMillion() error {
	return b.monitor(1_000_000, 10*time.Second, false, monitorGoals{})
}

// monitor measures the product: run, with every outcome to a file. Without a
// peer that could do the work it runs once.
func (b *bench) monitor(targets int, every time.Duration, beside bool, goals monitorGoals) error {
	if b.small {
		targets, every = targets/1000, 100*time.Millisecond
	}
	return b.inNetwork(func(network *lab.Network) error {
		node := network.Node("monitor")
		var ours, theirs monitored
		run := func() error { return b.monitorOurs(node, targets, every, &ours) }
		peer := ""
		var err error
		switch {
		case !beside:
			err = run()
		case b.has("fping"):
			peer = "fping"
			err = b.inTurns(run, func() error { return b.monitorFping(node, targets, every, &theirs) })
		default:
			err = b.inTurns(run)
		}
		for _, f := range []figure{
			{name: "share of a core, %", ours: ours.share, theirs: theirs.share, goal: goals.share},
			{name: "CPU a probe, µs", ours: ours.cpu, theirs: theirs.cpu, goal: goals.cpu},
			{name: "time of a round, s", ours: ours.round, theirs: theirs.round},
			{name: "peak memory, MB", ours: ours.memory, theirs: theirs.memory},
			{name: "off its time, p50, ms", ours: ours.off.half, peer: sleeping, theirs: ours.slept.half},
			{name: "off its time, p99, ms", ours: ours.off.most, peer: sleeping, theirs: ours.slept.most},
			{name: "off its time, at most, ms", ours: ours.off.atMost, peer: sleeping, theirs: ours.slept.atMost, goal: goals.off},
			{name: "falsely lost", ours: ours.lost, theirs: theirs.lost, noRatio: true, goal: atMost(0)},
			{name: "not measured, by its own account", ours: ours.notMeasured},
			{name: "missing", ours: ours.notAsked, theirs: theirs.notAsked, noRatio: true, goal: atMost(0)},
		} {
			f.row = b.row.name
			if len(f.theirs) > 0 && f.peer == "" {
				f.peer = peer
			}
			b.table.figure(f)
		}
		return err
	})
}

// monitorOurs is one run.
func (b *bench) monitorOurs(node *lab.Node, targets int, every time.Duration, into *monitored) error {
	m, err := b.startMonitor(node, netip.MustParseAddr("127.1.0.1"), targets, every)
	if err != nil {
		return err
	}
	defer m.close()
	seen := outcomes{every: every}
	used, peak, slept, err := b.watch(m.command.Process.Pid, m.output, m.ended, &seen)
	if err := m.end(err); err != nil {
		return err
	}
	if err := seen.read(m.output); err != nil {
		return fmt.Errorf("the monitor: %w", err)
	}
	if m.complaints.Len() > 0 {
		b.table.remark(b.row.name, "netsonde says: %s", bytes.TrimSpace(m.complaints.Bytes()[:min(m.complaints.Len(), 500)]))
	}
	b.addMonitored(&seen, targets, used, peak, into)
	into.slept.add(slept)
	return nil
}

// watch waits until a monitor writes, lets it settle and measures it, with a
// sleeper beside it.
func (b *bench) watch(pid int, output *os.File, ended chan error, seen *outcomes) (used time.Duration, peak float64, slept []float64, err error) {
	deadline := time.Now().Add(startWithin)
	for {
		information, err := output.Stat()
		switch {
		case err != nil:
			return 0, 0, nil, err
		case time.Now().After(deadline):
			return 0, 0, nil, fmt.Errorf("no result within %v", startWithin)
		case information.Size() == 0:
			if err := b.wait(10*time.Millisecond, ended); err != nil {
				return 0, 0, nil, err
			}
			continue
		}
		break
	}
	if err := b.wait(max(b.settled, seen.every), ended); err != nil {
		return 0, 0, nil, err
	}
	before, err := processorTime(pid)
	if err != nil {
		return 0, 0, nil, err
	}
	seen.from = time.Now()
	beside := startSleeper()
	err = b.wait(max(b.span, 2*seen.every), ended)
	slept = beside.end()
	if err != nil {
		return 0, 0, nil, err
	}
	after, err := processorTime(pid)
	seen.to = time.Now()
	return after - before, peakMemory(pid), slept, err
}

// wait lets a monitor run for a while.
func (b *bench) wait(d time.Duration, ended chan error) error {
	select {
	case <-time.After(d):
		return nil
	case err := <-ended:
		ended <- err // it is asked for again when the rest is taken down
		return errEarly
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

func (b *bench) addMonitored(seen *outcomes, targets int, used time.Duration, peak float64, into *monitored) {
	into.share = append(into.share, 100*used.Seconds()/seen.to.Sub(seen.from).Seconds())
	into.cpu = append(into.cpu, used.Seconds()*1e6/float64(max(seen.echoes, 1)))
	into.memory = append(into.memory, peak/1e6)
	into.off.add(seen.off)
	into.round = append(into.round, seen.to.Sub(seen.from).Seconds()*float64(targets)/float64(max(seen.echoes, 1)))
	into.lost = append(into.lost, float64(seen.counts.theirs()))
	into.notMeasured = append(into.notMeasured, float64(seen.counts.ours()))
	missing := seen.missing(targets)
	into.notAsked = append(into.notAsked, float64(missing))
	if seen.counts.theirs() > 0 {
		b.table.fault(b.row.name, "netsonde told %v; every target is up", seen.counts)
	}
	if missing > seen.counts.ours() && !b.small {
		b.table.fault(b.row.name, "%d echoes are missing in the file, of which netsonde told %d", missing, seen.counts.ours())
	}
	if len(seen.stamps) > 0 {
		b.table.remark(b.row.name, "stamps: %s", strings.Join(slices.Sorted(maps.Keys(seen.stamps)), ", "))
	}
}

// fpingSpacing keeps fping below the 6,553 echoes a second that it can tell
// apart: it has 65,535 sequence numbers and holds each for ten seconds. Faster
// it gives up after some rounds.
const fpingSpacing = 170 * time.Microsecond

// monitorFping has fping do the same rounds, slower if they do not fit.
func (b *bench) monitorFping(node *lab.Node, targets int, every time.Duration, into *monitored) error {
	path, err := b.writeHosts("monitor.hosts", netip.MustParseAddr("127.1.0.1"), targets)
	if err != nil {
		return err
	}
	round := max(every, time.Duration(targets)*fpingSpacing)
	rounds := max(int(b.span/round), 2)
	f, err := b.finish(node, "fping", "-i", fmt.Sprint(fpingSpacing.Seconds()*1e3), "-p", fmt.Sprint(every.Milliseconds()), "-c", fmt.Sprint(rounds), "-q", "-f", path)
	if err != nil {
		return err
	}
	sent, received := fpingCounts(f.errors)
	if sent == 0 {
		b.table.remark(b.row.name, "fping ended with %d: %.200s", f.code, f.errors)
		return nil
	}
	into.share = append(into.share, 100*f.cpu.Seconds()/f.wall.Seconds())
	into.cpu = append(into.cpu, f.cpuEach(sent))
	into.memory = append(into.memory, f.peak/1e6)
	into.lost = append(into.lost, float64(sent-received))
	into.notAsked = append(into.notAsked, float64(targets*rounds-sent))
	into.round = append(into.round, f.wall.Seconds()/float64(rounds))
	return nil
}

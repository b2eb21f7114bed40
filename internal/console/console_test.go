package console_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netsonde"
	"netsonde/internal/console"
	"netsonde/internal/lab"
)

// maxWaiting is the documented number of blocks that may wait by default.
const maxWaiting = 4096

// patience bounds what must happen but may take its time on a busy machine.
const patience = 20 * time.Second

// running starts Run and returns how to end its context and what it returned.
func running(c *console.Console) (end context.CancelFunc, result <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan error, 1)
	go func() { returned <- c.Run(ctx) }()
	return cancel, returned
}

func await(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("Run does not return")
		return nil
	}
}

// hostRound is a batch with a complete round of a target with nothing but a
// host line.
func hostRound(host string) *netsonde.Batch {
	return &netsonde.Batch{Rounds: []netsonde.Round{roundOf(watched(host, text3), "", 1)}}
}

// TestBlocksStayWhole has several shards consume at once: blocks of many lines
// must come out in one Write each, those of a shard in order.
func TestBlocksStayWhole(t *testing.T) {
	const shards, rounds = 4, 800
	var recorder writeRecorder
	diagnostics := console.NewDiagnostics(io.Discard, false, clock)
	c := console.New(console.Options{Results: &recorder, Diagnostics: diagnostics, Lossless: true})
	end, result := running(c)
	var group sync.WaitGroup
	for shard := range shards {
		group.Go(func() {
			target := watched(fmt.Sprintf("shard%d", shard), text3, netsonde.KindTrace)
			target.Groups[0].Probes[0].ID = netsonde.ProbeID(shard)
			for n := range uint64(rounds) {
				hops := hopsOf("10.0.0.1", "", "10.0.0.3")
				hops[2].RTT = time.Duration(n) * time.Millisecond
				found := report{route: &netsonde.Route{Hops: hops, Changed: true}}
				c.Consume(found.batch(roundOf(target, "", n)))
			}
		})
	}
	group.Wait()
	end()
	if err := await(t, result); err != nil {
		t.Fatalf("Run: %v", err)
	}
	next := make(map[string]int)
	for _, write := range recorder.writes {
		host, rest, _ := strings.Cut(write, "\n")
		if want := fmt.Sprintf("10.0.0.1\t0.100\n*\n10.0.0.3\t%d.000\n", next[host]); rest != want {
			t.Fatalf("%s: wrote %q, want %q", host, rest, want)
		}
		next[host]++
	}
	for shard := range shards {
		if host := fmt.Sprintf("shard%d", shard); next[host] != rounds {
			t.Errorf("%s: %d blocks, want %d", host, next[host], rounds)
		}
	}
}

// TestSlowReader stops the reader, in whose time the queue overflows, lets it
// catch up, and stops it again: the oldest blocks come through in order, and
// each episode has one warning, which does not wait for the reader.
func TestSlowReader(t *testing.T) {
	reader, results := io.Pipe()
	lines, stream := io.Pipe()
	diagnostics := console.NewDiagnostics(stream, false, clock)
	c := console.New(console.Options{Results: results, Diagnostics: diagnostics})
	end, result := running(c)
	read := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(reader, got); err != nil || string(got) != want {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
	for episode := range uint64(2) {
		const tooMany = 1000
		for i := range maxWaiting + tooMany {
			c.Consume(hostRound(strconv.Itoa(i)))
		}
		if got := c.Waiting(); got != maxWaiting {
			t.Fatalf("%d blocks wait, want %d", got, maxWaiting)
		}
		if got, want := c.Dropped(), (episode+1)*tooMany; got != want {
			t.Fatalf("%d blocks are dropped, want %d", got, want)
		}
		warning := make([]byte, 1024)
		n, err := lines.Read(warning)
		if !bytes.HasPrefix(warning[:n], []byte("WW: Results are read too slowly: 4096 blocks wait")) {
			t.Fatalf("read the warning %q, %v", warning[:n], err)
		}
		for i := range maxWaiting {
			read(strconv.Itoa(i) + "\n")
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := c.WaitBelow(ctx, 1); err != nil {
			t.Fatalf("WaitBelow: %v", err)
		}
	}
	// A third warning would hang in the pipe and Flush with it.
	flush(t, diagnostics)
	end()
	if err := await(t, result); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestMissedLinesAreTold has lines of JSON dropped: once the reader has caught
// up, an event in their place says how many, and another at the end.
func TestMissedLinesAreTold(t *testing.T) {
	reader, results := io.Pipe()
	c := console.New(console.Options{
		Results: results, Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
		Format: console.FormatJSONLines, Node: "ams1",
	})
	plan := nativePlan()
	c.Expect(plan)
	burst := func() *netsonde.Batch {
		b := &netsonde.Batch{}
		with(b, round(plan[0], 0, "192.0.2.10", 1), answered(us, us, us))
		return b
	}
	end, result := running(c)
	overflow := func(blocks int) {
		for range maxWaiting + blocks {
			c.Consume(burst())
		}
	}
	lines := bufio.NewScanner(reader)
	skip := func(n int) {
		for range n {
			if !lines.Scan() || !strings.Contains(lines.Text(), `"type":"ping"`) {
				t.Fatalf("read %q, %v", lines.Text(), lines.Err())
			}
		}
	}
	told := func(blocks int) {
		t.Helper()
		want := fmt.Sprintf(`{"schema":1,"type":"event","time":"2026-11-02T02:38:45.123456789Z","node":"ams1",`+
			`"event":"dropped","lines":%d,"text":"results were read too slowly"}`, 3*blocks)
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("read %s, want %s", lines.Text(), want)
		}
	}
	overflow(5)
	skip(3 * maxWaiting)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.WaitBelow(ctx, 1); err != nil {
		t.Fatalf("WaitBelow: %v", err)
	}
	c.Consume(burst())
	told(5)
	skip(3)
	if err := c.WaitBelow(ctx, 1); err != nil {
		t.Fatalf("WaitBelow: %v", err)
	}
	overflow(7)
	end()
	skip(3 * maxWaiting)
	told(7)
	if err := await(t, result); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestExpect gives every group of a large plan some places, and a small plan no
// fewer than the default, also when a reload has made the plan small again.
func TestExpect(t *testing.T) {
	c := console.New(console.Options{
		Results: io.Discard, Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
	})
	dropped := uint64(0)
	for _, test := range []struct{ targets, groups, want int }{
		{10, 3, maxWaiting}, {maxWaiting + 7, 1, 5 * (maxWaiting + 7)}, {maxWaiting, 3, 15 * maxWaiting},
		{1, 1, 15 * maxWaiting}, {60_000, 1, 250_000}, {255_000, 1, 255_000},
	} {
		targets := make([]*netsonde.Target, test.targets)
		for i := range targets {
			targets[i] = &netsonde.Target{Groups: make([]netsonde.Group, test.groups)}
		}
		c.Expect(targets)
		for c.Dropped() < dropped+3 {
			c.Consume(hostRound("x"))
		}
		dropped += 3
		if c.Waiting() != test.want {
			t.Errorf("with %d targets of %d groups %d wait, want %d", test.targets, test.groups, c.Waiting(), test.want)
		}
	}
}

// TestLossless has more blocks wait than an endless console would keep, and a
// caller who waits for the writer before starting more.
func TestLossless(t *testing.T) {
	const blocks = 2*maxWaiting + 1
	reader, results := io.Pipe()
	c := console.New(console.Options{
		Results: results, Diagnostics: console.NewDiagnostics(io.Discard, false, clock), Lossless: true,
	})
	for range blocks {
		c.Consume(hostRound("x"))
	}
	if got := c.Waiting(); got != blocks {
		t.Fatalf("%d blocks wait, want %d", got, blocks)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.WaitBelow(ctx, blocks); !errors.Is(err, context.Canceled) {
		t.Fatalf("WaitBelow with an ended context: %v", err)
	}
	if err := c.WaitBelow(ctx, blocks+1); err != nil {
		t.Fatalf("WaitBelow with nothing to wait for: %v", err)
	}
	below := make(chan error, 1)
	go func() { below <- c.WaitBelow(t.Context(), 1) }()
	end, result := running(c)
	if _, err := io.CopyN(io.Discard, reader, 2*blocks); err != nil {
		t.Fatal(err)
	}
	if err := await(t, below); err != nil {
		t.Errorf("WaitBelow: %v", err)
	}
	end()
	if err := await(t, result); err != nil {
		t.Errorf("Run: %v", err)
	}
	if c.Dropped() != 0 {
		t.Errorf("%d blocks are dropped", c.Dropped())
	}
}

// TestReaderGone closes the reading end of a real pipe.
func TestReaderGone(t *testing.T) {
	reader, results, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	var lines bytes.Buffer
	c := console.New(console.Options{Results: results, Diagnostics: console.NewDiagnostics(&lines, false, clock)})
	reader.Close()
	end, result := running(c)
	defer end()
	c.Consume(hostRound("x"))
	if err := await(t, result); !errors.Is(err, console.ErrClosed) {
		t.Errorf("Run: %v, want ErrClosed", err)
	}
	c.Consume(hostRound("y"))
	if err := c.WaitBelow(t.Context(), 1); !errors.Is(err, console.ErrClosed) {
		t.Errorf("WaitBelow: %v, want ErrClosed", err)
	}
	if lines.Len() > 0 || c.Waiting() != 0 {
		t.Errorf("%d blocks wait and the diagnostics say %q, want neither", c.Waiting(), lines.String())
	}
}

// TestFlushDeadline has a reader who has stopped for good.
func TestFlushDeadline(t *testing.T) {
	reader, results := io.Pipe()
	defer reader.Close()
	c := console.New(console.Options{
		Results: results, Diagnostics: console.NewDiagnostics(io.Discard, false, clock), Flush: time.Millisecond,
	})
	for range 3 {
		c.Consume(hostRound("x"))
	}
	end, result := running(c)
	end()
	if err := await(t, result); !errors.Is(err, console.ErrUnwritten) || !strings.Contains(err.Error(), "3 blocks") {
		t.Errorf("Run: %v, want ErrUnwritten with 3 blocks", err)
	}
	if c.Waiting() != 0 || c.Dropped() != 3 {
		t.Errorf("%d wait and %d are dropped, want 0 and 3", c.Waiting(), c.Dropped())
	}
	c.Consume(hostRound("y"))
	if c.Dropped() != 4 {
		t.Errorf("%d are dropped after the end, want 4", c.Dropped())
	}
}

// TestFullDisk writes to the device that is always full.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		lab.Skip(t, fmt.Sprintf("needs /dev/full: %v", err))
	}
	defer full.Close()
	for _, lossless := range []bool{false, true} {
		var lines bytes.Buffer
		c := console.New(console.Options{
			Results: full, Diagnostics: console.NewDiagnostics(&lines, false, clock), Lossless: lossless,
		})
		for range 3 {
			c.Consume(hostRound("x"))
		}
		err := c.Run(ended())
		if warnings := strings.Count(lines.String(), "WW: Results are dropped until there is room"); !lossless {
			if err != nil || warnings != 1 || c.Dropped() != 3 {
				t.Errorf("Run: %v, with %d warnings and %d dropped, want 1 and 3", err, warnings, c.Dropped())
			}
		} else if err == nil || errors.Is(err, console.ErrClosed) || warnings != 0 {
			t.Errorf("lossless: Run: %v, with %d warnings, want an error alone", err, warnings)
		}
	}
}

// TestDiskWithRoomAgain tears a block at the end of the disk. What is written
// once there is room again must not run into the torn line.
func TestDiskWithRoomAgain(t *testing.T) {
	disk := &smallDisk{room: 10}
	var lines bytes.Buffer
	c := console.New(console.Options{Results: disk, Diagnostics: console.NewDiagnostics(&lines, false, clock)})
	end, result := running(c)
	for _, step := range []struct {
		room  int
		block string
	}{{10, "first"}, {3, "torn"}, {0, "lost"}, {1, "dropped"}, {100, "next"}, {0, "full"}, {100, "last"}} {
		disk.setRoom(step.room)
		c.Consume(hostRound(step.block))
		if err := c.WaitBelow(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := await(t, result); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if got, want := string(disk.content), "first\ntor\n\nnext\nlast\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
	if got := strings.Count(lines.String(), "WW: "); got != 2 || c.Dropped() != 4 {
		t.Errorf("%d warnings and %d dropped, want 2 and 4", got, c.Dropped())
	}
}

// smallDisk takes as many bytes as there is room for, as a file does.
type smallDisk struct {
	mu      sync.Mutex
	room    int
	content []byte
}

func (d *smallDisk) setRoom(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

func (d *smallDisk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(len(p), d.room)
	d.content = append(d.content, p[:n]...)
	d.room -= n
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"netsonde"
	"netsonde/internal/console"
)

// refused is a batch with the nth round of a target whose web server is gone:
// one line on the diagnostics and one block.
func refused(n int) *netsonde.Batch {
	closed := &netsonde.Service{State: netsonde.ServiceClosed, Reason: "refused"}
	target := watched("web.test", text3, netsonde.KindHTTP)
	return report{http: closed}.batch(roundOf(target, addressOf(n).String(), uint64(n)))
}

func addressOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}) }

func refusedLine(n int) string {
	return fmt.Sprintf("EE: Exception: Could not connect to %s: refused -\t %s\n", addressOf(n), momentText)
}

func refusedBlock(n int) string {
	return fmt.Sprintf("web.test (%s)\nNone\tNone\tNone\n", addressOf(n))
}

// together is what two streams have written to the same place.
type together struct {
	mu      sync.Mutex
	written bytes.Buffer
}

func (s *together) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.Write(p)
}

// after is a stream that takes its time.
type after struct {
	time.Duration
	io.Writer
}

func (s after) Write(p []byte) (int, error) {
	time.Sleep(s.Duration)
	return s.Writer.Write(p)
}

// TestComplaintsComeFirst has results and diagnostics go to one place, the
// diagnostics more slowly.
func TestComplaintsComeFirst(t *testing.T) {
	const rounds = 3
	synctest.Test(t, func(t *testing.T) {
		var both together
		slow := after{100 * time.Millisecond, &both}
		c := console.New(console.Options{Results: &both, Diagnostics: console.NewDiagnostics(slow, false, clock)})
		for n := range rounds {
			c.Consume(refused(n))
		}
		if err := c.Run(ended()); err != nil {
			t.Fatalf("Run: %v", err)
		}
		for n := range rounds {
			complaint, block := strings.Index(both.written.String(), refusedLine(n)), strings.Index(both.written.String(), refusedBlock(n))
			if complaint < 0 || block < complaint {
				t.Errorf("round %d has its complaint at %d and its block at %d of\n%s", n, complaint, block, both.written.String())
			}
		}
	})
}

// TestComplaintsComeFirstAgain has diagnostics that are too slow once. When
// they have caught up, blocks wait for them as before.
func TestComplaintsComeFirstAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var both together
		slow := &after{300 * time.Millisecond, &both}
		diagnostics := console.NewDiagnostics(slow, false, clock)
		c := console.New(console.Options{Results: &both, Diagnostics: diagnostics})
		end, result := running(c)
		c.Consume(refused(0))
		if err := c.WaitBelow(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		flush(t, diagnostics)
		slow.Duration = 100 * time.Millisecond
		c.Consume(refused(1))
		end()
		if err := <-result; err != nil {
			t.Fatalf("Run: %v", err)
		}
		if want := refusedBlock(0) + refusedLine(0) + refusedLine(1) + refusedBlock(1); both.written.String() != want {
			t.Errorf("wrote\n%s\nwant\n%s", both.written.String(), want)
		}
	})
}

// TestStalledDiagnostics prints failing rounds while nobody reads their lines:
// the blocks come, and so do the lines once somebody does.
func TestStalledDiagnostics(t *testing.T) {
	const rounds = 1000
	synctest.Test(t, func(t *testing.T) {
		reader, stream := io.Pipe()
		var results, lines bytes.Buffer
		diagnostics := console.NewDiagnostics(stream, false, clock)
		c := console.New(console.Options{Results: &results, Diagnostics: diagnostics, Flush: 5 * time.Second})
		end, result := running(c)
		started := time.Now()
		var wantBlocks, wantLines strings.Builder
		for n := range rounds {
			c.Consume(refused(n))
			wantBlocks.WriteString(refusedBlock(n))
			wantLines.WriteString(refusedLine(n))
		}
		if err := c.WaitBelow(t.Context(), 1); err != nil {
			t.Fatalf("WaitBelow: %v", err)
		}
		if took := time.Since(started); took > 200*time.Millisecond {
			t.Errorf("the blocks took %v, want them to wait 200 ms in all", took)
		}
		if results.String() != wantBlocks.String() {
			t.Errorf("the blocks are not whole or not in order:\n%s", results.String())
		}
		started = time.Now()
		end()
		if err := <-result; err != nil {
			t.Errorf("Run: %v, want nil for lines that nobody takes", err)
		}
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("the end took %v, want the 5 s of the flush deadline", took)
		}
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(&lines, reader) })
		flush(t, diagnostics)
		stream.Close()
		reading.Wait()
		if lines.String() != wantLines.String() {
			t.Errorf("the lines are not whole or not in order:\n%s", lines.String())
		}
	})
}

// TestComplaintsPassStalledResults has a reader of the results who has
// stopped. The lines come nevertheless.
func TestComplaintsPassStalledResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		reader, results := io.Pipe()
		diagnostics := console.NewDiagnostics(&lines, false, clock)
		c := console.New(console.Options{Results: results, Diagnostics: diagnostics})
		end, result := running(c)
		for n := range 3 {
			c.Consume(refused(n))
		}
		flush(t, diagnostics)
		if want := refusedLine(0) + refusedLine(1) + refusedLine(2); lines.String() != want {
			t.Errorf("wrote %q, want %q", lines.String(), want)
		}
		end()
		reader.Close()
		if err := <-result; !errors.Is(err, console.ErrClosed) {
			t.Errorf("Run: %v, want ErrClosed", err)
		}
	})
}

// TestDiagnosticsAreLimited writes more than is kept for a reader who sleeps.
// When he wakes he gets the oldest lines, whole and in order, how many are
// missing, and then what is new. No later line takes the place of a dropped one,
// though a short one would fit.
func TestDiagnosticsAreLimited(t *testing.T) {
	const long, short = 2000, 100
	synctest.Test(t, func(t *testing.T) {
		var stream bytes.Buffer
		diagnostics := console.NewDiagnostics(after{time.Millisecond, &stream}, false, clock)
		c := console.New(console.Options{Results: io.Discard, Diagnostics: diagnostics})
		text := strings.Repeat("x", 1000)
		line := func(n int) string { return fmt.Sprintf("WW: %d %s -\t %s\n", n, text, momentText) }
		for n := range long {
			diagnostics.Warn(fmt.Sprintf("%d %s", n, text))
		}
		closed := &netsonde.Service{State: netsonde.ServiceClosed}
		target := watched("web.test", text3, netsonde.KindHTTP, netsonde.KindHTTPS)
		c.Consume(report{http: closed, https: closed}.batch(roundOf(target, "10.0.0.1", 1)))
		for range short {
			diagnostics.Warn("short")
		}
		late, cancel := context.WithCancel(t.Context())
		cancel()
		if err := diagnostics.Flush(late); !errors.Is(err, context.Canceled) {
			t.Fatalf("Flush with an ended context: %v", err)
		}
		flush(t, diagnostics)
		lines := slices.Collect(strings.Lines(stream.String()))
		shown := len(lines) - 1
		if want := 1 << 20 / len(line(long)); shown < want || shown > want+1 {
			t.Fatalf("%d lines are shown, want the %d of a MiB", shown, want)
		}
		for n, got := range lines[:shown] {
			if got != line(n) {
				t.Fatalf("line %d is %q", n, got)
			}
		}
		if want := fmt.Sprintf("WW: %d lines are missing here: nobody read them in time -\t %s\n",
			long+2+short-shown, momentText); lines[shown] != want {
			t.Errorf("the last line is %q, want %q", lines[shown], want)
		}
		stream.Reset()
		diagnostics.Warn("new")
		flush(t, diagnostics)
		if want := "WW: new -\t " + momentText + "\n"; stream.String() != want {
			t.Errorf("then comes %q, want %q", stream.String(), want)
		}
	})
}

// TestLosslessDropsNoLine has more lines wait than an endless console would keep.
func TestLosslessDropsNoLine(t *testing.T) {
	const total = 3000
	synctest.Test(t, func(t *testing.T) {
		reader, stream := io.Pipe()
		diagnostics := console.NewDiagnostics(stream, false, clock)
		c := console.New(console.Options{Results: io.Discard, Diagnostics: diagnostics, Lossless: true})
		for range total {
			diagnostics.Warn(strings.Repeat("x", 1000))
		}
		read := make(chan int)
		go func() {
			all, _ := io.ReadAll(reader)
			read <- bytes.Count(all, []byte("xxx -\t "))
		}()
		if err := c.Run(ended()); err != nil {
			t.Errorf("Run: %v", err)
		}
		stream.Close()
		if got := <-read; got != total {
			t.Errorf("%d lines are shown, want all %d", got, total)
		}
	})
}

// stalledProcess, in the environment, makes TestStalledProcess the process
// whose standard error nobody reads.
const stalledProcess = "CONSOLE_STALLED_PROCESS"

// TestStalledProcess runs a console in a process of its own whose standard
// error is a pipe that is full from the start, and blocking, as shells make
// them. It must print every block and end.
func TestStalledProcess(t *testing.T) {
	const rounds = 100
	if os.Getenv(stalledProcess) != "" {
		c := console.New(console.Options{
			Results: os.Stdout, Diagnostics: console.NewDiagnostics(os.Stderr, false, clock), Flush: time.Millisecond,
		})
		end, result := running(c)
		for n := range rounds {
			c.Consume(refused(n))
		}
		if err := c.WaitBelow(t.Context(), 1); err != nil {
			os.Exit(3)
		}
		end()
		if err := <-result; err != nil {
			os.Exit(4)
		}
		os.Exit(0)
	}
	reader, stream := fullPipe(t)
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStalledProcess$")
	command.Env = append(os.Environ(), stalledProcess+"=1")
	command.Stderr = stream
	results, err := command.Output()
	stream.Close()
	if err != nil {
		t.Fatalf("the process ended with %v", err)
	}
	if blocks := strings.Count(string(results), "None\tNone\tNone\n"); blocks != rounds {
		t.Errorf("%d blocks, want %d", blocks, rounds)
	}
}

// fullPipe is a pipe that takes not one byte more.
func fullPipe(t *testing.T) (reader, stream *os.File) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	size, err := unix.FcntlInt(uintptr(ends[1]), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(ends[1], make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(ends[0]), "reader"), os.NewFile(uintptr(ends[1]), "stream")
}

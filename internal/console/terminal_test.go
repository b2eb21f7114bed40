package console_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/console"
	"netsonde/internal/lab"
)

// pseudoTerminal opens both sides of a terminal.
func pseudoTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		lab.Skip(t, fmt.Sprintf("needs a pseudo-terminal: %v", err))
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		lab.Skip(t, fmt.Sprintf("needs a pseudo-terminal: %v", err))
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// TestTerminalHungUp writes to a terminal whose other side has gone.
func TestTerminalHungUp(t *testing.T) {
	master, terminal := pseudoTerminal(t)
	master.Close()
	c := console.New(console.Options{
		Results: terminal, Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
	})
	c.Consume(hostRound("x"))
	if err := c.Run(ended()); !errors.Is(err, console.ErrClosed) {
		t.Errorf("Run: %v, want ErrClosed", err)
	}
}

// TestTerminalsOfToolsHungUp has the same happen to a report and a live table.
func TestTerminalsOfToolsHungUp(t *testing.T) {
	master, terminal := pseudoTerminal(t)
	master.Close()
	r := console.NewReport(console.ReportOptions{
		Tool: console.ToolPing, Results: terminal, Messages: terminal, Terminal: true,
		Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
	})
	r.Consume(pingSweep())
	if err := r.Run(t.Context()); !errors.Is(err, console.ErrClosed) {
		t.Errorf("the report ends with %v, want ErrClosed", err)
	}
	l := console.NewLive(liveOptions(terminal))
	if err := l.Run(t.Context()); !errors.Is(err, console.ErrClosed) {
		t.Errorf("the table ends with %v, want ErrClosed", err)
	}
}

// TestLiveOnTerminal draws on a terminal as wide as the kernel says, and reads
// what a person would see: every line from its first column, none broken.
func TestLiveOnTerminal(t *testing.T) {
	const columns, lines = 60, 20
	master, terminal := pseudoTerminal(t)
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: lines}); err != nil {
		t.Fatal(err)
	}
	o := liveOptions(terminal)
	o.Size = func() (int, int) {
		size, err := unix.IoctlGetWinsize(int(terminal.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			t.Error(err)
			return 0, 0
		}
		return int(size.Col), int(size.Row)
	}
	l := console.NewLive(o)
	targets, batch := livePlan()
	l.Expect(targets)
	l.Consume(batch)
	if err := l.Run(ended()); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 1<<16)
	n, err := master.Read(seen)
	for err == nil && !strings.Contains(string(seen[:n]), "\x1b[?25h") {
		var more int
		more, err = master.Read(seen[n:])
		n += more
	}
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "live_terminal.txt", visible(string(seen[:n])))
}

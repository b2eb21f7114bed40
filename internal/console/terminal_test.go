package console_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"netsonde/internal/console"
	"netsonde/internal/lab"
)

// TestTerminalHungUp writes to a terminal whose other side has gone.
func TestTerminalHungUp(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		lab.Skip(t, fmt.Sprintf("needs a pseudo-terminal: %v", err))
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		lab.Skip(t, fmt.Sprintf("needs a pseudo-terminal: %v", err))
	}
	defer terminal.Close()
	master.Close()
	c := console.New(console.Options{
		Results: terminal, Diagnostics: console.NewDiagnostics(io.Discard, false, clock),
	})
	c.Consume(hostRound("x"))
	if err := c.Run(ended()); !errors.Is(err, console.ErrClosed) {
		t.Errorf("Run: %v, want ErrClosed", err)
	}
}

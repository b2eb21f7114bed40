package reference_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal makes a terminal and returns both its sides: what is written to
// other is read from main, until other is closed everywhere.
func terminal(t *testing.T) (main, other *os.File) {
	t.Helper()
	main, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { main.Close() })
	raw, err := main.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	problem := raw.Control(func(file uintptr) {
		if err = unix.IoctlSetPointerInt(int(file), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(file), unix.TIOCGPTN)
		}
	})
	if problem != nil || err != nil {
		t.Fatal(problem, err)
	}
	other, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return main, other
}

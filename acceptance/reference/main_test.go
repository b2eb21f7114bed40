package reference_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// parallel is how many rows run at once: they mostly wait.
const parallel = "12"

// world is what the rows share: the built program, and a network that no row
// may change.
type world struct {
	binary string
	shared *lab.Reference
	rows   atomic.Int64
}

// TestReference runs every row. It needs root and namespaces.
func TestReference(t *testing.T) {
	if err := flag.Set("test.parallel", parallel); err != nil {
		t.Fatal(err)
	}
	w := &world{shared: lab.NewReference(lab.ForTest(t)), binary: build(t)}
	started := time.Now()
	t.Run("rows", func(t *testing.T) {
		for _, section := range []struct {
			name string
			run  func(*testing.T, *world)
		}{
			{"1 command line", commandLine},
			{"2 input format 3.x", inputFormat3},
			{"3 polling and timing", polling},
			{"4 text output", textOutput},
			{"5 JSON output", jsonOutput},
			{"6 route trace", routeTrace},
			{"7 port scan", portScan},
			{"8 ping", pings},
			{"9 stderr", standardError},
			{"10 signals", signals},
			{"11 input format 4.x", inputFormat4},
			{"connvitals", connvitals},
		} {
			t.Run(section.name, func(t *testing.T) { section.run(t, w) })
		}
	})
	fmt.Printf("%d rows of the reference in %v\n", w.rows.Load(), time.Since(started).Round(time.Second))
}

// build compiles the program and gives it the names that it answers to. The
// directory is open to everyone, for the rows without rights.
func build(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for at := directory; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary := filepath.Join(directory, "netsonde")
	command := exec.CommandContext(ctx, "go", "build", "-o", binary, "netsonde/cmd/netsonde")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, text)
	}
	for _, name := range []string{"connmonitor", "connvitals"} {
		if err := os.Symlink(binary, filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

package reference_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// parallel is how many rows run at once: they mostly wait.
const parallel = "12"

// world is what the rows share: the built program, and a network that no row
// may change.
type world struct {
	// directory holds the program under each of its names.
	directory string
	shared    *lab.Reference
	rows      atomic.Int64
}

// TestReference runs every row. It needs root and namespaces.
func TestReference(t *testing.T) {
	if err := flag.Set("test.parallel", parallel); err != nil {
		t.Fatal(err)
	}
	w := &world{
		shared:    lab.NewReference(lab.ForTest(t)),
		directory: filepath.Dir(built.Program(t, "connmonitor", "connvitals")),
	}
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

package loss_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

const (
	wireHosts = 20
	wireEvery = 100 * time.Millisecond
	wireRun   = 8 * time.Second
	// farOff is an error that no busy machine makes while the kernel stamps.
	farOff = 5 * time.Millisecond
	// boundHolds is of how many in 1,000 round trips the program's bound must hold:
	// it says of 990, of which 1,600 are a sample.
	boundHolds = 985
)

// TestRoundTripsAreThoseOfTheWire compares the RTTs that the program tells with
// those that a tap at its interface has seen, over a wire of 0, 1 and 10 ms. It
// needs root and /dev/net/tun.
func TestRoundTripsAreThoseOfTheWire(t *testing.T) {
	binary := program(t)
	for _, delay := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			network := lab.ForTest(t)
			if err := lab.CanWire(); err != nil {
				lab.Skip(t, err.Error())
			}
			monitor, hosts := network.Node("monitor"), network.Node("hosts")
			wire := network.Wire(monitor, hosts, 1)
			wire.Addresses("10.96.0.1/24", "10.96.0.2/24")
			wire.Forth(lab.Effects{Delay: delay})
			hosts.Unlimited()
			hosts.Local("10.95.0.0/24")
			monitor.Route("10.95.0.0/24", "10.96.0.2")
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- wire.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("the wire ended with %v", err)
				}
			}()
			compareRoundTrips(t, binary, monitor, delay)
		})
	}
}

func compareRoundTrips(t *testing.T, binary string, monitor *lab.Node, delay time.Duration) {
	t.Helper()
	seen, err := openTap(monitor, "hosts")
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	file := filepath.Join(directory, "wire.yaml")
	text := fmt.Sprintf("defaults:\n  ping: {every: %v}\n  probes: [ping]\ntargets: [10.95.0.1-%d]\n", wireEvery, wireHosts)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(directory, "jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	command := exec.Command(binary, "run", "--output", "jsonl", file)
	command.Stdout = output
	if err := monitor.Start(command); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wireRun)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("it ends with %v", err)
	}
	if err := seen.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	told, err := read(output)
	if err != nil {
		t.Fatal(err)
	}
	var errors []time.Duration
	stamps := map[string]int{}
	wrong := 0
	for target, lines := range told.targets {
		for _, one := range lines {
			wire, ok := seen.roundTrip(target, one.at)
			if !ok || one.RTT == nil {
				continue
			}
			rtt := time.Duration(math.Round(*one.RTT * float64(time.Millisecond)))
			stamps[fmt.Sprint(one.Timestamps)]++
			errors = append(errors, (rtt - wire).Abs())
			if rtt < delay || (rtt-wire).Abs() > farOff && one.Timestamps == "kernel" {
				if wrong++; wrong <= examples {
					t.Errorf("%v at %v: told %v, the tap saw %v", target, clock(one.at), rtt, wire)
				}
			}
		}
	}
	if len(errors) < wireHosts*int(wireRun/wireEvery)/2 {
		t.Fatalf("%d round trips could be compared", len(errors))
	}
	slices.Sort(errors)
	t.Logf("%d round trips over %v: error %v in the median, %v in the 99th percentile, %v at most; stamps %v",
		len(errors), delay, errors[len(errors)/2], errors[len(errors)*99/100], errors[len(errors)-1], stamps)
	if h := told.health; h != nil && h.ErrorBound != nil {
		bound := time.Duration(*h.ErrorBound * float64(time.Millisecond))
		within, _ := slices.BinarySearch(errors, bound+1)
		t.Logf("the program says that 99 of 100 are within %v: %.2f %% are", bound, 100*float64(within)/float64(len(errors)))
		if within*1000 < len(errors)*boundHolds {
			t.Errorf("%d of %d are within the %v that the program says", within, len(errors), bound)
		}
	} else {
		t.Error("the program does not say how far off they may be")
	}
	if wrong > 0 {
		t.Errorf("%d of %d are wrong", wrong, len(errors))
	}
}

// roundTrip is what the tap saw of the echo to a target that was about to leave
// at a time.
func (t *tap) roundTrip(target netip.Addr, at int64) (time.Duration, bool) {
	for i, p := range t.all {
		if p.out && p.kind == echoRequest && p.target == target && p.at >= at {
			if time.Duration(p.at-at) > wireEvery {
				return 0, false
			}
			for _, q := range t.all[i:] {
				if !q.out && q.kind == echoReply && q.echo == p.echo {
					return time.Duration(q.at - p.at), true
				}
			}
			return 0, false
		}
	}
	return 0, false
}

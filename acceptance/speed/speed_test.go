// Package speed_test measures the built program as its users meet it. There
// are only benchmarks here: nothing fails for being slow.
package speed_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

// peakMemory is the most memory in MiB that a process has had resident. What
// the kernel tells of a process that has ended includes its parent's, from
// before the exec.
func peakMemory(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); n == 1 {
			return kilobytes / 1024
		}
	}
	b.Fatalf("process %d tells no peak memory", pid)
	return 0
}

// BenchmarkMonitor runs 20,000 addresses of this machine with one ping each
// and a second of sleep. One iteration is one run of ten seconds.
func BenchmarkMonitor(b *testing.B) {
	const hosts, runTime = 20_000, 10 * time.Second
	binary := built.Program(b)
	node := lab.ForTest(b).Node("monitor")
	file := filepath.Join(b.TempDir(), "hosts")
	var lines strings.Builder
	lines.WriteString("1 0 0 1 41 0 1 1000\n")
	addr := netip.MustParseAddr("127.1.0.1")
	for range hosts {
		fmt.Fprintln(&lines, addr)
		addr = addr.Next()
	}
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	var busy, memory, lost, blocks, missed float64
	for b.Loop() {
		var out bytes.Buffer
		command := exec.Command(binary, "connmonitor", file)
		command.Stdout = &out
		if err := node.Start(command); err != nil {
			b.Fatal(err)
		}
		time.Sleep(runTime)
		memory = max(memory, peakMemory(b, command.Process.Pid))
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			b.Fatalf("the monitor ended with %v", err)
		}
		busy += (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds() / runTime.Seconds()
		rounds := map[string]int{}
		most := 0
		scanner := bufio.NewScanner(&out)
		for scanner.Scan() {
			var block struct {
				Addr string
				Ping struct{ Loss float64 }
			}
			if err := json.Unmarshal(scanner.Bytes(), &block); err != nil {
				b.Fatalf("%s: %v", scanner.Bytes(), err)
			}
			blocks++
			if block.Ping.Loss > 0 {
				lost++
			}
			rounds[block.Addr]++
			most = max(most, rounds[block.Addr])
		}
		// The last round may be cut by the end.
		missed += float64(hosts - len(rounds))
		for _, n := range rounds {
			if n < most-1 {
				missed++
			}
		}
	}
	n := float64(b.N)
	b.ReportMetric(100*busy/n, "%core")
	b.ReportMetric(memory, "MiB")
	b.ReportMetric(blocks/n, "blocks/run")
	b.ReportMetric(lost, "lost")
	b.ReportMetric(missed, "hosts-missed")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSweep pings the 65,534 hosts of a network on loopback once each, from
// the start of the process to its end. All are up.
func BenchmarkSweep(b *testing.B) {
	const hosts = 1<<16 - 2
	binary := built.Program(b)
	node := lab.ForTest(b).Node("client")
	var busy time.Duration
	for b.Loop() {
		var out bytes.Buffer
		command := exec.Command(binary, "ping", "-c", "1", "-q", "--json", "--rate", "max", "127.0.0.0/16")
		command.Stdout = &out
		if err := node.Run(command); err != nil {
			b.Fatalf("the sweep ended with %v: %s", err, &out)
		}
		busy += command.ProcessState.UserTime() + command.ProcessState.SystemTime()
		var summary struct{ Received int }
		if err := json.Unmarshal(out.Bytes(), &summary); err != nil || summary.Received != hosts {
			b.Fatalf("the sweep told %s", &out)
		}
	}
	probes := float64(b.N) * hosts
	b.ReportMetric(probes/b.Elapsed().Seconds(), "probes/s")
	b.ReportMetric(float64(busy.Nanoseconds())/probes, "cpu-ns/probe")
}

// BenchmarkTrace traces a host behind 14 routers, of which the eighth is
// silent, from the start of the process to its end.
func BenchmarkTrace(b *testing.B) {
	const routers, silent = 14, 8
	binary := built.Program(b)
	network := lab.ForTest(b)
	nodes := []*lab.Node{network.Node("client")}
	for i := 1; i <= routers; i++ {
		nodes = append(nodes, network.Node(fmt.Sprintf("router%d", i)))
	}
	nodes = append(nodes, network.Node("server"))
	last := len(nodes) - 1
	for i := range last {
		network.Link(nodes[i], nodes[i+1]).Addresses(fmt.Sprintf("10.80.%d.1/24", i), fmt.Sprintf("10.80.%d.2/24", i))
	}
	for i, node := range nodes {
		node.Unlimited()
		if i > 0 && i < last {
			node.Forward()
		}
		for j := range last {
			switch {
			case j > i:
				node.Route(fmt.Sprintf("10.80.%d.0/24", j), fmt.Sprintf("10.80.%d.2", i))
			case j < i-1:
				node.Route(fmt.Sprintf("10.80.%d.0/24", j), fmt.Sprintf("10.80.%d.1", i-1))
			}
		}
	}
	nodes[silent].Silent()
	target := fmt.Sprintf("10.80.%d.2", last-1)
	var slowest time.Duration
	for b.Loop() {
		var out bytes.Buffer
		command := exec.Command(binary, "connvitals", "-Pt", target)
		command.Stdout = &out
		started := time.Now()
		if err := nodes[0].Run(command); err != nil {
			b.Fatalf("the trace ended with %v", err)
		}
		slowest = max(slowest, time.Since(started))
		hops := strings.Split(strings.TrimSpace(out.String()), "\n")[1:]
		if len(hops) != last || hops[silent-1] != "*" || strings.Count(out.String(), "*") != 1 {
			b.Fatalf("the trace showed\n%s", out.String())
		}
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}

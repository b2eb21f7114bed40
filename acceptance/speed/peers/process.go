package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/lab"
)

const (
	// longestRun ends a peer that never does.
	longestRun = 10 * time.Minute
	// peakEvery is how often the memory of a process is looked at.
	peakEvery = 10 * time.Millisecond
)

// finished is a process that has ended.
type finished struct {
	// wall is from before its start to after its end, cpu what it used in user
	// and system mode, its children's included.
	wall, cpu time.Duration
	// peak is the most memory in bytes that it had resident.
	peak           float64
	code           int
	output, errors []byte
}

// seconds and microseconds are how figures want them.
func (f *finished) seconds() float64      { return f.wall.Seconds() }
func (f *finished) milliseconds() float64 { return f.wall.Seconds() * 1e3 }

// cpuEach is the processor time in microseconds for each of n.
func (f *finished) cpuEach(n int) float64 { return f.cpu.Seconds() * 1e6 / float64(n) }

// finish runs a program inside a node to its end. Any exit code is well; a
// program that is killed is not.
func (b *bench) finish(node *lab.Node, program string, arguments ...string) (*finished, error) {
	ctx, cancel := context.WithTimeout(b.ctx, longestRun)
	defer cancel()
	var output, complaints bytes.Buffer
	command := exec.CommandContext(ctx, program, arguments...)
	command.Stdout, command.Stderr = &output, &complaints
	command.Dir = b.directory
	started := time.Now()
	if err := node.Start(command); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	peaks := make(chan float64)
	go func() { peaks <- watchPeak(command.Process.Pid, ended) }()
	err := command.Wait()
	wall := time.Since(started)
	close(ended)
	peak := <-peaks
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
		return nil, fmt.Errorf("%s: %w\n%s", command, err, complaints.Bytes())
	}
	return &finished{
		wall: wall, peak: peak,
		cpu:    command.ProcessState.UserTime() + command.ProcessState.SystemTime(),
		code:   command.ProcessState.ExitCode(),
		output: output.Bytes(), errors: complaints.Bytes(),
	}, nil
}

// watchPeak looks at the memory of a process until it ends. What the kernel
// tells afterwards includes its parent's, from before the exec.
func watchPeak(pid int, ended <-chan struct{}) (peak float64) {
	ticker := time.NewTicker(peakEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return peak
		case <-ticker.C:
			peak = max(peak, peakMemory(pid))
		}
	}
}

// peakMemory is the most memory in bytes that a process has had resident, 0
// when it has ended.
func peakMemory(pid int) float64 {
	// Without a file there is no process any more.
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); n == 1 {
			return kilobytes * 1024
		}
	}
	return 0
}

// processorTime is what a process has used so far. The kernel counts it in
// hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	// The name in parentheses may have blanks; utime and stime are the fields
	// 14 and 15 of all, 11 and 12 after it (proc(5)).
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is cut short", pid)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// has reports whether a peer is installed, and remarks it if not.
func (b *bench) has(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	b.table.remark(b.row.name, "%s is missing here and was not measured: install Debian's package", program)
	return false
}

// occupy keeps every core busy until release is called.
func (b *bench) occupy(cores int) (release func(), err error) {
	var loops []*exec.Cmd
	release = func() {
		for _, loop := range loops {
			_ = loop.Process.Kill()
			_ = loop.Wait() // killed
		}
	}
	for range cores {
		loop := exec.CommandContext(b.ctx, "sh", "-c", "while :; do :; done")
		loop.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
		if err := loop.Start(); err != nil {
			release()
			return nil, fmt.Errorf("keep a core busy: %w", err)
		}
		loops = append(loops, loop)
	}
	return release, nil
}

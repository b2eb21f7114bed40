package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"netsonde/internal/lab"
)

// monitorProcess is netsonde run, with every outcome to a file.
type monitorProcess struct {
	command    *exec.Cmd
	output     *os.File
	complaints bytes.Buffer
	ended      chan error
}

// startMonitor pings so many addresses from the first on.
func (b *bench) startMonitor(node *lab.Node, first netip.Addr, targets int, every time.Duration) (*monitorProcess, error) {
	last := first
	for addr := range addresses(first, targets) {
		last = addr
	}
	configuration := filepath.Join(b.directory, "monitor.yaml")
	// All addresses are of a few networks, to which so many packets would not go.
	if err := writeFile(configuration, fmt.Sprintf("budget: {network: %d}\ngroups:\n  - name: all\n    probes: [ping: {every: %v}]\n    targets: [%v-%v]\n", crowdRate, every, first, last)); err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(b.directory, "monitor.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("a file for the results: %w", err)
	}
	m := &monitorProcess{output: output, ended: make(chan error, 1)}
	m.command = exec.CommandContext(b.ctx, b.binary, "run", "--output", "jsonl", configuration)
	m.command.Stdout, m.command.Stderr = output, &m.complaints
	if err := node.Start(m.command); err != nil {
		m.close()
		return nil, err
	}
	go func() { m.ended <- m.command.Wait() }()
	return m, nil
}

// end lets the monitor drain, after which its output can be read from the start;
// or kills it when what was done with it has failed.
func (m *monitorProcess) end(failed error) error {
	if failed == nil {
		failed = m.command.Process.Signal(syscall.SIGTERM)
	}
	if failed != nil {
		_ = m.command.Process.Kill()
		return fmt.Errorf("the monitor: %w\n%s", errors.Join(failed, <-m.ended), m.complaints.Bytes())
	}
	var err error
	select {
	case err = <-m.ended:
	case <-time.After(drainWithin):
		_ = m.command.Process.Kill()
		err = fmt.Errorf("it does not end: %w", <-m.ended)
	}
	if err == nil {
		_, err = m.output.Seek(0, 0)
	}
	if err != nil {
		return fmt.Errorf("the monitor: %w\n%s", err, m.complaints.Bytes())
	}
	return nil
}

// close takes the file away. A second close does nothing.
func (m *monitorProcess) close() {
	m.output.Close()
	os.Remove(m.output.Name())
}

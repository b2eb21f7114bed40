// Package systemd_test installs the program on a machine that runs systemd and
// puts it through a service's life.
package systemd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
)

// configuration is what a fresh installation's netsonde.service watches.
const configuration = "/etc/netsonde/netsonde.yaml"

// program is the built binary, and another that differs in its bytes only.
func program(t *testing.T) (directory string) {
	t.Helper()
	first := built.Program(t)
	content, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(first), "upgrade"), append(content, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(first)
}

func TestLifeUnderSystemd(t *testing.T) {
	c := newContainer(t, program(t))
	c.must("rm", "-rf", "/etc/connmonitor.conf", "/etc/netsonde")
	c.must("/mnt/netsonde", "install")
	c.step("the units are what systemd expects", unitsVerified)
	c.step("connmonitor starts with its default", connmonitorStarts)
	c.step("connmonitor reloads a changed file", connmonitorReloads)
	c.step("connmonitor prefers the file in /etc", connmonitorPrefersEtc)
	c.step("connmonitor's log is rotated", logRotated)
	c.step("netsonde starts with its default", netsondeStarts)
	c.step("netsonde runs with no more rights than it needs", netsondeConfined)
	c.step("netsonde reloads a changed file", netsondeReloads)
	c.step("the watchdog restarts a netsonde that hangs", watchdogRestarts)
	c.step("an upgrade does not disturb what runs", upgraded)
	c.step("stopping is quick and clean", stopped)
	c.step("a mistake in the configuration is not tried again", mistakeStays)
	c.step("uninstalling leaves nothing", uninstalled)
	c.step("a prefix of one's own", prefixed)
}

// step runs one part of the life; without it the next make no sense.
func (c *container) step(name string, body func(*container)) {
	c.Helper()
	passed := c.Run(name, func(t *testing.T) { body(&container{T: t, leader: c.leader}) })
	if !passed {
		c.FailNow()
	}
}

func unitsVerified(c *container) {
	complaints := c.must("systemd-analyze", "verify",
		"/usr/local/lib/systemd/system/connmonitor.service", "/usr/local/lib/systemd/system/netsonde.service")
	if complaints != "" {
		c.Error(complaints)
	}
}

func connmonitorStarts(c *container) {
	c.must("systemctl", "start", "connmonitor")
	if got := c.must("cat", "/var/run/connmonitor.conf"); got != "1 1 1 10 41 40 1 500\nlocalhost" {
		c.Errorf("the default configuration is %q", got)
	}
	c.contains("/var/log/connmonitor.err", "EE: FileNotFoundError: ")
	c.contains("/var/log/connmonitor.log", `{"addr":"127.0.0.1","name":"localhost","ping":{"min":`)
}

func connmonitorReloads(c *container) {
	before := c.property("connmonitor", "MainPID")
	c.write("/var/run/connmonitor.conf", "1 0 0 1 8 1 0 100\n127.0.0.2\n")
	c.must("systemctl", "reload", "connmonitor")
	c.contains("/var/log/connmonitor.log", "\n127.0.0.2\n")
	if after := c.property("connmonitor", "MainPID"); after != before {
		c.Errorf("process %s became %s", before, after)
	}
	c.active("connmonitor")
}

func connmonitorPrefersEtc(c *container) {
	c.write("/etc/connmonitor.conf", "1 0 0 1 8 1 0 100\n127.0.0.3\n")
	c.must("systemctl", "restart", "connmonitor")
	c.contains("/var/log/connmonitor.log", "\n127.0.0.3\n")
}

func logRotated(c *container) {
	c.must("logrotate", "--force", "/etc/logrotate.d/connmonitor")
	c.contains("/var/log/connmonitor.log.1", "127.0.0.3")
	c.contains("/var/log/connmonitor.log", "127.0.0.3")
	if c.must("head", "-c", "1", "/var/log/connmonitor.log") == "\x00" {
		c.Error("the log begins with a hole")
	}
}

func netsondeStarts(c *container) {
	c.must("netsonde", "check-config", configuration)
	c.must("systemctl", "start", "netsonde")
	c.active("netsonde")
	c.must("systemctl", "stop", "netsonde")
}

func netsondeConfined(c *container) {
	c.write(configuration, "{defaults: {ping: {every: 100ms}}, targets: [127.0.0.4]}\n")
	c.write("/run/systemd/system/netsonde.service.d/quick.conf", "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\nRestartSec=0\n")
	c.must("systemctl", "daemon-reload")
	c.must("systemctl", "start", "netsonde")
	c.journal("127.0.0.4")
	status := c.must("cat", "/proc/"+c.property("netsonde", "MainPID")+"/status")
	for _, want := range []string{"CapEff:\t0000000000002000", "CapBnd:\t0000000000002000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(status, want+"\n") {
			c.Errorf("no %q in:\n%s", want, status)
		}
	}
	if strings.Contains(status, "\nUid:\t0\t") {
		c.Error("it runs as root")
	}
}

func netsondeReloads(c *container) {
	c.write(configuration, "{defaults: {ping: {every: 100ms}}, targets: [127.0.0.5]}\n")
	c.must("systemctl", "reload", "netsonde")
	c.journal("127.0.0.5")
	c.active("netsonde")
}

func watchdogRestarts(c *container) {
	before := c.property("netsonde", "MainPID")
	c.must("kill", "-STOP", before)
	c.await("the restart", func() error {
		if n := c.property("netsonde", "NRestarts"); n != "1" {
			return fmt.Errorf("%s restarts", n)
		}
		if state := c.property("netsonde", "ActiveState"); state != "active" {
			return fmt.Errorf("it is %s", state)
		}
		return nil
	})
	if after := c.property("netsonde", "MainPID"); after == before {
		c.Errorf("process %s is still there", after)
	}
	c.journal("Watchdog timeout")
}

func upgraded(c *container) {
	before := c.property("connmonitor", "MainPID")
	c.must("/mnt/upgrade", "install")
	c.active("connmonitor")
	if after := c.property("connmonitor", "MainPID"); after != before {
		c.Errorf("process %s became %s", before, after)
	}
	c.must("cmp", "/mnt/upgrade", "/usr/local/bin/netsonde")
	c.must("systemctl", "restart", "connmonitor")
}

func stopped(c *container) {
	for _, unit := range []string{"connmonitor", "netsonde"} {
		begun := time.Now()
		c.must("systemctl", "stop", unit)
		if took := time.Since(begun); took > 3*time.Second {
			c.Errorf("%s took %v", unit, took)
		}
		if result, code := c.property(unit, "Result"), c.property(unit, "ExecMainStatus"); result != "success" || code != "0" {
			c.Errorf("%s ended with %s, exit code %s", unit, result, code)
		}
	}
}

func mistakeStays(c *container) {
	c.write(configuration, "targest: [127.0.0.6]\n")
	if output, err := c.run("systemctl", "start", "netsonde"); err == nil {
		c.Errorf("it started: %s", output)
	}
	if code, state := c.property("netsonde", "ExecMainStatus"), c.property("netsonde", "ActiveState"); code != "2" || state != "failed" {
		c.Errorf("exit code %s, %s", code, state)
	}
}

func uninstalled(c *container) {
	c.must("systemctl", "enable", "connmonitor")
	c.must("systemctl", "start", "connmonitor")
	c.must("/usr/local/bin/netsonde", "uninstall")
	for _, unit := range []string{"connmonitor", "netsonde"} {
		if state := c.property(unit, "LoadState"); state != "not-found" {
			c.Errorf("%s is %s", unit, state)
		}
	}
	c.clean()
}

func prefixed(c *container) {
	c.must("/mnt/netsonde", "install", "--prefix", "/opt/sonde")
	c.must("systemctl", "enable", "--now", "/opt/sonde/lib/systemd/system/connmonitor.service")
	c.active("connmonitor")
	c.must("/opt/sonde/bin/netsonde", "uninstall", "--prefix", "/opt/sonde")
	c.must("test", "!", "-e", "/opt/sonde")
	c.clean()
}

// clean looks for what an installation could have left behind.
func (c *container) clean() {
	c.Helper()
	left := c.must("find", "/usr/local/bin", "/usr/local/lib", "/usr/local/share", "/etc/logrotate.d", "/etc/systemd",
		"-name", "*netsonde*", "-o", "-name", "pmonitor*", "-o", "-name", "connmonitor*", "-o", "-name", "connvitals*")
	if left != "" {
		c.Errorf("left behind:\n%s", left)
	}
}

func (c *container) active(unit string) {
	c.Helper()
	c.await(unit+" to be active", func() error {
		if state := c.property(unit, "ActiveState"); state != "active" {
			return errors.New(state)
		}
		return nil
	})
}

// journal waits for text in what netsonde and systemd said about it.
func (c *container) journal(text string) {
	c.Helper()
	c.await(fmt.Sprintf("%q in the journal", text), func() error {
		lines, err := c.run("journalctl", "--unit", "netsonde", "--output", "cat", "--no-pager")
		if err == nil && !strings.Contains(lines, text) {
			err = fmt.Errorf("it ends with %q", lines[max(0, len(lines)-400):])
		}
		return err
	})
}

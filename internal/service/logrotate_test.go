package service_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// systemd keeps the log open for appending while logrotate turns it over.
func TestLogrotate(t *testing.T) {
	logrotate := need(t, "logrotate")
	i := newInstallation(t)
	i.install()
	logs := t.TempDir()
	rules := i.read("etc/logrotate.d/connmonitor")
	if n := strings.Count(rules, "/var/log/"); n != 2 {
		t.Fatalf("%d logs are rotated", n)
	}
	conf := filepath.Join(t.TempDir(), "rules")
	i.write(conf, strings.ReplaceAll(rules, "/var/log", logs), 0o644)

	name := filepath.Join(logs, "connmonitor.log")
	log, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	rotate := func(line string) {
		t.Helper()
		if _, err := log.WriteString(line); err != nil {
			t.Fatal(err)
		}
		state := filepath.Join(filepath.Dir(conf), "state")
		if output, err := exec.Command(logrotate, "--force", "--state", state, conf).CombinedOutput(); err != nil || len(output) > 0 {
			t.Fatalf("logrotate: %v\n%s", err, output)
		}
	}
	rotate("one\n")
	rotate("two\n")
	if _, err := log.WriteString("three\n"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"connmonitor.log": "three\n", "connmonitor.log.1": "two\n"} {
		// The log must not begin with a hole as long as what was cut.
		if got, err := os.ReadFile(filepath.Join(logs, path)); string(got) != want || err != nil {
			t.Errorf("%s holds %q, %v", path, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(logs, "connmonitor.log.2.gz")); err != nil {
		t.Error(err)
	}
}

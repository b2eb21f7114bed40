package systemd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// boot makes a copy of this machine's files that lives in memory and starts
// systemd in it, with nothing else running. All mounts are its own and go when
// it ends. $1 is an empty directory, $2 one that it shows as /mnt.
const boot = `set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$1/root"
exec systemd-nspawn --quiet --directory="$1/root" --bind-ro="$2:/mnt" --machine="netsonde-$$" \
	--register=no --keep-unit --link-journal=no --private-network --console=pipe --boot \
	systemd.unit=basic.target
`

// container is a machine of its own that runs systemd.
type container struct {
	*testing.T
	// leader is its first process, as this machine numbers it.
	leader string
}

// newContainer boots one that shows shared as /mnt. It needs root, overlayfs
// and systemd-nspawn.
func newContainer(t *testing.T, shared string) *container {
	t.Helper()
	if os.Geteuid() != 0 {
		lab.Skip(t, "needs root: it boots systemd in a container")
	}
	if _, err := exec.LookPath("systemd-nspawn"); err != nil {
		lab.Skip(t, "needs systemd-nspawn (package systemd-container)")
	}
	var console bytes.Buffer
	command := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", boot, "boot", t.TempDir(), shared)
	command.Stdout, command.Stderr = &console, &console
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	c := &container{T: t}
	t.Cleanup(func() {
		c.run("systemctl", "poweroff", "--force")
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			command.Process.Kill()
			<-ended
		}
	})
	children := fmt.Sprintf("/proc/%d/task/%d/children", command.Process.Pid, command.Process.Pid)
	c.await("systemd to be up", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the container ended (%v):\n%s", err, &console)
		default:
		}
		list, err := os.ReadFile(children)
		if err != nil || len(list) == 0 {
			return errors.New("no process yet")
		}
		c.leader = strings.Fields(string(list))[0]
		// What fails to start in a copy of just any machine is not our concern.
		state, _ := c.run("systemctl", "is-system-running")
		if state != "running" && state != "degraded" {
			return fmt.Errorf("systemd is %q", state)
		}
		return nil
	})
	return c
}

// run runs a command inside and returns what it printed, trimmed.
func (c *container) run(arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, "nsenter",
		append([]string{"--target", c.leader, "--all", "--"}, arguments...)...).CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// must is run for what has to succeed.
func (c *container) must(arguments ...string) string {
	c.Helper()
	output, err := c.run(arguments...)
	if err != nil {
		c.Fatalf("%s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
	return output
}

func (c *container) write(path, content string) {
	c.Helper()
	c.must("mkdir", "-p", filepath.Dir(path))
	c.must("sh", "-c", `printf %s "$2" >"$1"`, "write", path, content)
}

// property is one of a unit's, as systemctl show names it.
func (c *container) property(unit, name string) string {
	c.Helper()
	return c.must("systemctl", "show", "--property", name, "--value", unit)
}

// contains waits until a file holds text.
func (c *container) contains(path, text string) {
	c.Helper()
	c.await(fmt.Sprintf("%q in %s", text, path), func() error {
		content, err := c.run("cat", path)
		if err == nil && !strings.Contains(content, text) {
			err = fmt.Errorf("it ends with %q", content[max(0, len(content)-400):])
		}
		return err
	})
}

// await tries until there is no error, for at most 30 s.
func (c *container) await(what string, try func() error) {
	c.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			c.Fatalf("waited for %s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// baseHosts is the hosts file of a fresh node.
const baseHosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"

// privateFiles gives the calling thread's mount namespace a /sys that shows its
// network, and files under /etc of its own, so that names come from a hosts
// file and nowhere else. It returns that file, open for rewriting.
//
// The files live on a tmpfs without a name: it is mounted over /sys only while
// they are made, because that directory exists everywhere.
func privateFiles() (hosts *os.File, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	const scratch = "/sys"
	if err := unix.Mount("lab", scratch, "tmpfs", 0, "mode=0755"); err != nil {
		return nil, fmt.Errorf("private files: %w", err)
	}
	for name, text := range map[string]string{
		"hosts":         baseHosts,
		"nsswitch.conf": "hosts: files\n",
		"resolv.conf":   "",
	} {
		source := filepath.Join(scratch, name)
		if err := os.WriteFile(source, []byte(text), 0o644); err != nil { //nolint:gosec // every user of the node reads it
			return nil, fmt.Errorf("private %s: %w", name, err)
		}
		err := unix.Mount(source, "/etc/"+name, "", unix.MS_BIND, "")
		if err != nil && (name == "hosts" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("private /etc/%s: %w", name, err)
		}
	}
	if hosts, err = os.OpenFile(filepath.Join(scratch, "hosts"), os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("private hosts: %w", err)
	}
	if err := unix.Unmount(scratch, unix.MNT_DETACH); err != nil {
		return hosts, fmt.Errorf("private /sys: %w", err)
	}
	// The machine's own is uncovered now and goes too. In a user namespace it
	// is locked, and the node's is mounted over it, if that may be at all: a
	// container may hide parts of its /sys, and then the kernel refuses.
	if err := unix.Unmount(scratch, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
		return hosts, fmt.Errorf("private /sys: %w", err)
	}
	if err := unix.Mount("sysfs", scratch, "sysfs", 0, ""); err != nil && !errors.Is(err, unix.EPERM) {
		return hosts, fmt.Errorf("private /sys: %w", err)
	}
	return hosts, nil
}

// Hosts replaces the names that the node knows beside localhost: lines of a
// hosts file, "address name…". A name may stand on several lines.
func (n *Node) Hosts(lines ...string) {
	n.step("hosts", func() error {
		text := []byte(baseHosts)
		for _, line := range lines {
			text = append(append(text, line...), '\n')
		}
		if err := n.hosts.Truncate(0); err != nil {
			return fmt.Errorf("empty file: %w", err)
		}
		if _, err := n.hosts.WriteAt(text, 0); err != nil {
			return fmt.Errorf("write file: %w", err)
		}
		return nil
	})
}

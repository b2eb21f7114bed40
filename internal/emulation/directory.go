package emulation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultName is that of a lab that was given none.
const DefaultName = "lab"

// maxLabName keeps a socket's path within the 108 bytes that a kernel takes.
const maxLabName = 32

// Directory is where a user's labs have their sockets: of each lab NAME there
// are NAME.lock, which its process holds, NAME.socket and NAME.log.
type Directory string

// UserDirectory returns the directory of a user, by the environment:
// NETSONDE_LAB_DIRECTORY if it is set, /run/netsonde-lab for root, else
// netsonde-lab in XDG_RUNTIME_DIR.
func UserDirectory(uid int, environment func(string) string) (Directory, error) {
	if set := environment("NETSONDE_LAB_DIRECTORY"); set != "" {
		return Directory(set), nil
	}
	if uid == 0 {
		return "/run/netsonde-lab", nil
	}
	if runtime := environment("XDG_RUNTIME_DIR"); runtime != "" {
		return Directory(filepath.Join(runtime, "netsonde-lab")), nil
	}
	return "", errors.New("no directory for sockets: set XDG_RUNTIME_DIR or NETSONDE_LAB_DIRECTORY to one that only you may write to")
}

func (d Directory) path(name, suffix string) string {
	return filepath.Join(string(d), name+suffix)
}

// CheckName returns an error for what cannot be a lab's name.
func CheckName(name string) error {
	allowed := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	}
	if name == "" || len(name) > maxLabName || strings.IndexFunc(name, func(c rune) bool { return !allowed(c) }) >= 0 {
		return fmt.Errorf("%q is no name for a lab: give 1 to %d letters, digits, - or _", name, maxLabName)
	}
	return nil
}

// Names returns the labs that have left something in the directory, running or not.
func (d Directory) Names() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the labs: %w", err)
	}
	var names []string
	for _, entry := range entries {
		for _, suffix := range []string{".lock", ".socket", ".log"} {
			name, ok := strings.CutSuffix(entry.Name(), suffix)
			if ok && CheckName(name) == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// errUp tells that the lab's process lives.
var errUp = errors.New("it is up already: take it down first, or give this one another --name")

// lock makes this process the only one that holds the lab's name. It takes
// over what a process that died has left.
func (d Directory) lock(name string) (*os.File, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of labs: %w", err)
	}
	path := d.path(name, ".lock")
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock lab %s: %w", name, err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = errUp
			}
			return nil, errors.Join(fmt.Errorf("lab %s: %w", name, err), file.Close())
		}
		// The last holder may have removed the file after it was opened here.
		ours, err := file.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("lock lab %s: %w", name, err), file.Close())
		}
		if theirs, err := os.Lstat(path); err == nil && os.SameFile(ours, theirs) {
			return file, nil
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("lock lab %s: %w", name, err)
		}
	}
}

// remove takes a lab's files away, the log only if it is not to be kept, and
// the directory with its last file. The lock is held.
func (d Directory) remove(name string, keepLog bool) error {
	var problems []error
	suffixes := []string{".socket", ".lock"}
	if !keepLog {
		suffixes = append(suffixes, ".log")
	}
	for _, suffix := range suffixes {
		if err := os.Remove(d.path(name, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Errorf("clean up after lab %s: %w", name, err))
		}
	}
	// It stays when there are other labs.
	_ = os.Remove(string(d))
	return errors.Join(problems...)
}

// OpenLog opens the file for what a lab's process has to say when it breaks.
func (d Directory) OpenLog(name string) (*os.File, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of labs: %w", err)
	}
	file, err := os.OpenFile(d.path(name, ".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of lab %s: %w", name, err)
	}
	return file, nil
}

package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Layout is where the files of one installation go: directories, except Manifest.
type Layout struct {
	Programs string
	// Manuals holds the pages of section 1.
	Manuals string
	// Where each shell looks for completions that programs bring. A user's
	// zsh has no such place: its $fpath must be told of this one.
	BashCompletions, ZshCompletions, FishCompletions string

	Units string
	// Logrotate is "" where nothing writes to a log file.
	Logrotate string
	// Config holds netsonde.yaml, or netsonde.conf of earlier installations.
	Config string
	// Manifest is the file that lists what was installed.
	Manifest string
	// User tells that everything belongs to one person, who has a service
	// manager of their own.
	User bool
}

// unitPath are the paths that mean themselves in a unit and in logrotate's
// configuration, unquoted.
var unitPath = regexp.MustCompile(`^/[A-Za-z0-9._/+@-]*$`)

// SystemLayout installs for everybody under prefix, an absolute path.
// Configuration goes to /etc for /usr and /usr/local, where systemd and
// logrotate look by themselves, and to prefix/etc for any other prefix.
func SystemLayout(prefix string) (Layout, error) {
	if err := checkPath(prefix); err != nil {
		return Layout{}, err
	}
	prefix = filepath.Clean(prefix)
	etc := filepath.Join(prefix, "etc")
	if prefix == "/usr" || prefix == "/usr/local" {
		etc = "/etc"
	}
	return Layout{
		Programs: filepath.Join(prefix, "bin"),
		Manuals:  filepath.Join(prefix, "share/man/man1"),

		BashCompletions: filepath.Join(prefix, "share/bash-completion/completions"),
		ZshCompletions:  filepath.Join(prefix, "share/zsh/site-functions"),
		FishCompletions: filepath.Join(prefix, "share/fish/vendor_completions.d"),

		Units:     filepath.Join(prefix, "lib/systemd/system"),
		Logrotate: filepath.Join(etc, "logrotate.d"),
		Config:    filepath.Join(etc, "netsonde"),
		Manifest:  filepath.Join(prefix, "share/netsonde/manifest"),
	}, nil
}

// UserLayout installs for one person, whose home directory is given, below
// ~/.local and ~/.config or wherever $XDG_DATA_HOME and $XDG_CONFIG_HOME say
// (XDG Base Directory Specification 0.8).
func UserLayout(home string, getenv func(string) string) (Layout, error) {
	data, config := getenv("XDG_DATA_HOME"), getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(data) {
		data = filepath.Join(home, ".local/share")
	}
	if !filepath.IsAbs(config) {
		config = filepath.Join(home, ".config")
	}
	if err := errors.Join(checkPath(home), checkPath(data), checkPath(config)); err != nil {
		return Layout{}, err
	}
	return Layout{
		Programs: filepath.Join(home, ".local/bin"),
		Manuals:  filepath.Join(data, "man/man1"),

		BashCompletions: filepath.Join(data, "bash-completion/completions"),
		ZshCompletions:  filepath.Join(data, "zsh/site-functions"),
		FishCompletions: filepath.Join(config, "fish/completions"),

		Units:    filepath.Join(data, "systemd/user"),
		Config:   filepath.Join(config, "netsonde"),
		Manifest: filepath.Join(data, "netsonde/manifest"),
		User:     true,
	}, nil
}

func checkPath(path string) error {
	if !unitPath.MatchString(path) {
		return fmt.Errorf("install below %q: choose an absolute path of letters, digits and ._/+@- only, which systemd's units can hold", path)
	}
	return nil
}

// Systemd is what a machine has of it.
type Systemd struct {
	// Present tells that the machine starts with systemd, now or when it boots.
	Present bool
	// Running tells that there is a service manager to talk to: the system's,
	// or with a user's layout that user's.
	Running bool
}

// DetectSystemd looks for the system's service manager, or for the one of the
// user whose runtime directory ($XDG_RUNTIME_DIR) is given when user is set.
func DetectSystemd(user bool, runtimeDirectory string) Systemd {
	running := exists("/run/systemd/system") // sd_booted(3)
	present := running || exists("/usr/lib/systemd/systemd") || exists("/lib/systemd/systemd")
	if user {
		running = running && runtimeDirectory != "" && exists(filepath.Join(runtimeDirectory, "systemd"))
	}
	return Systemd{Present: present, Running: running}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

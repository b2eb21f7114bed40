package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files that connmonitor's unit reads. The first is the administrator's;
// the second is the one that connmonitor's document promises. /var/run is
// emptied at every boot.
const (
	AdministratorConfig = "/etc/connmonitor.conf"
	DocumentedConfig    = "/var/run/connmonitor.conf"
)

// DefaultConfig is what DocumentedConfig is created with.
const DefaultConfig = "1 1 1 10 41 40 1 500\nlocalhost\n"

// ConfigPath chooses the file that connmonitor's service reads:
// administrator's if there is one, readable or not, otherwise documented,
// which is created with DefaultConfig when it is missing. created tells that
// it was, so that the caller can say that edits to it were lost or will be.
// Errors are those of the file system, for documented only.
func ConfigPath(administrator, documented string) (path string, created bool, err error) {
	if _, err := os.Lstat(administrator); !errors.Is(err, fs.ErrNotExist) {
		return administrator, false, nil
	}
	if _, err := os.Lstat(documented); !errors.Is(err, fs.ErrNotExist) {
		return documented, false, nil
	}
	if err := createConfig(documented); err != nil {
		return "", false, fmt.Errorf("create the default configuration (or write one to %s): %w", administrator, err)
	}
	return documented, true, nil
}

// createConfig makes the file appear whole or not at all, and never takes the
// place of one that somebody else has just written.
func createConfig(path string) error {
	draft, err := writeDraft(filepath.Dir(path), []byte(DefaultConfig), 0o644)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

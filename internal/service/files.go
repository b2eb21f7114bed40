package service

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// packaged are the files that go with the program. @bindir@, @confdir@ and
// @mandir@ stand for the layout's directories. Units name their pages by path:
// man does not search every prefix.
//
//go:embed files
var packaged embed.FS

// item is one thing to be put in place: a file, or a link if link is set.
type item struct {
	path    string
	content []byte
	mode    fs.FileMode
	link    string
	// configuration is the administrator's once it has been changed.
	configuration bool
}

// items lists what belongs to an installation of the program in binary.
func items(layout Layout, binary string, systemd Systemd) ([]item, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read the program that is to be installed: %w", err)
	}
	list := []item{
		{path: filepath.Join(layout.Programs, "netsonde"), content: program, mode: 0o755},
		{path: filepath.Join(layout.Programs, "connmonitor"), link: "netsonde"},
		{path: filepath.Join(layout.Programs, "connvitals"), link: "netsonde"},
		{path: filepath.Join(layout.Programs, "pmonitor"), link: "netsonde"},
		packagedItem(layout, "netsonde.1", layout.Manuals, "netsonde.1"),
		{path: filepath.Join(layout.Manuals, "connmonitor.1"), link: "netsonde.1"},
		{path: filepath.Join(layout.Manuals, "connvitals.1"), link: "netsonde.1"},
		{path: filepath.Join(layout.Manuals, "pmonitor.1"), link: "netsonde.1"},
	}
	if !systemd.Present {
		return list, nil
	}
	conf := packagedItem(layout, "netsonde.conf", layout.Config, "netsonde.conf")
	conf.configuration = true
	if layout.User {
		return append(list, conf, packagedItem(layout, "netsonde-user.service", layout.Units, "netsonde.service")), nil
	}
	rotation := packagedItem(layout, "connmonitor.logrotate", layout.Logrotate, "connmonitor")
	rotation.configuration = true
	return append(list, conf, rotation,
		packagedItem(layout, "netsonde.service", layout.Units, "netsonde.service"),
		packagedItem(layout, "connmonitor.service", layout.Units, "connmonitor.service"),
	), nil
}

// packagedItem is the packaged file name, to be put into directory as base.
func packagedItem(layout Layout, name, directory, base string) item {
	content, err := packaged.ReadFile("files/" + name)
	if err != nil {
		panic("service: not packaged: " + name) // the names above are all embedded
	}
	text := strings.NewReplacer("@bindir@", layout.Programs, "@confdir@", layout.Config, "@mandir@", layout.Manuals).Replace(string(content))
	return item{path: filepath.Join(directory, base), content: []byte(text), mode: 0o644}
}

// put makes the item appear whole or not at all. The rename also replaces a
// program that is running, which keeps its own copy.
func (i item) put() error {
	if err := os.MkdirAll(filepath.Dir(i.path), 0o755); err != nil {
		return err
	}
	if i.link != "" {
		return i.putLink()
	}
	draft, err := writeDraft(filepath.Dir(i.path), i.content, i.mode)
	if err != nil {
		return err
	}
	if err := os.Rename(draft, i.path); err != nil {
		os.Remove(draft)
		return err
	}
	return nil
}

// putLink names the draft of a link itself: there is no os.CreateTemp for links.
func (i item) putLink() error {
	draft := filepath.Join(filepath.Dir(i.path), fmt.Sprintf(".netsonde-link-%d", os.Getpid()))
	if err := os.Symlink(i.link, draft); err != nil {
		return err
	}
	if err := os.Rename(draft, i.path); err != nil {
		os.Remove(draft)
		return err
	}
	return nil
}

// writeDraft writes a new hidden file into directory, safe on the disk, and
// returns its path.
func writeDraft(directory string, content []byte, mode fs.FileMode) (path string, err error) {
	f, err := os.CreateTemp(directory, ".netsonde-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return f.Name(), nil
}

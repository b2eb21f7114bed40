package service

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// packaged are the files that go with the program. @bindir@, @configuration@
// and @mandir@ stand for where things are put. Units name their pages by path:
// man does not search every prefix.
//
//go:embed files
var packaged embed.FS

// overviewName is the page that names all the others.
const overviewName = "netsonde.1"

// Overview is that page: netsonde(1).
func Overview() []byte { return packagedFile(overviewName) }

func packagedFile(name string) []byte {
	content, err := packaged.ReadFile("files/" + name)
	if err != nil {
		panic("service: not packaged: " + name) // only embedded names are asked for
	}
	return content
}

// item is one thing to be put in place: a file, or a link if link is set.
type item struct {
	path    string
	content []byte
	mode    fs.FileMode
	link    string
	// configuration is the administrator's once it has been changed.
	configuration bool
}

// items lists what belongs to the installation.
func (o Options) items() ([]item, error) {
	program, err := os.ReadFile(o.Binary)
	if err != nil {
		return nil, fmt.Errorf("read the program that is to be installed: %w", err)
	}
	list := []item{{path: filepath.Join(o.Layout.Programs, "netsonde"), content: program, mode: 0o755}}
	page := func(name string, content []byte) {
		list = append(list, item{path: filepath.Join(o.Layout.Manuals, name), content: content, mode: 0o644})
	}
	page(overviewName, Overview())
	for _, name := range []string{"connmonitor", "connvitals", "pmonitor"} {
		list = append(list,
			item{path: filepath.Join(o.Layout.Programs, name), link: "netsonde"},
			item{path: filepath.Join(o.Layout.Manuals, name+".1"), link: overviewName})
	}
	for _, manual := range o.Manuals {
		if manual.Name != overviewName {
			page(manual.Name, manual.Content)
		}
	}
	for _, completion := range []item{
		{path: filepath.Join(o.Layout.BashCompletions, "netsonde"), content: o.Completions.Bash, mode: 0o644},
		{path: filepath.Join(o.Layout.ZshCompletions, "_netsonde"), content: o.Completions.Zsh, mode: 0o644},
		{path: filepath.Join(o.Layout.FishCompletions, "netsonde.fish"), content: o.Completions.Fish, mode: 0o644},
	} {
		if len(completion.content) > 0 {
			list = append(list, completion)
		}
	}
	if o.Systemd.Present {
		list = append(list, o.serviceItems()...)
	}
	return list, nil
}

// serviceItems are the units and what they need.
func (o Options) serviceItems() []item {
	layout := o.Layout
	configuration := o.configurationItem()
	marks := strings.NewReplacer("@bindir@", layout.Programs, "@configuration@", configuration.path, "@mandir@", layout.Manuals)
	from := func(name, directory, base string) item {
		return item{path: filepath.Join(directory, base), content: []byte(marks.Replace(string(packagedFile(name)))), mode: 0o644}
	}
	if layout.User {
		return []item{configuration, from("netsonde-user.service", layout.Units, "netsonde.service")}
	}
	rotation := from("connmonitor.logrotate", layout.Logrotate, "connmonitor")
	rotation.configuration = true
	return []item{
		configuration, rotation,
		from("netsonde.service", layout.Units, "netsonde.service"),
		from("connmonitor.service", layout.Units, "connmonitor.service"),
	}
}

// configurationItem is the file that netsonde.service watches. Installations
// from before the native format keep theirs until there is a native one.
func (o Options) configurationItem() item {
	native := item{path: filepath.Join(o.Layout.Config, "netsonde.yaml"), content: o.Configuration, mode: 0o644, configuration: true}
	earlier := item{path: filepath.Join(o.Layout.Config, "netsonde.conf"), content: packagedFile("netsonde.conf"), mode: 0o644, configuration: true}
	if !exists(native.path) && exists(earlier.path) {
		return earlier
	}
	return native
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

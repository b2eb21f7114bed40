package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Options are what Install and Uninstall are to do.
type Options struct {
	Layout  Layout
	Systemd Systemd
	// Binary is the program to install.
	Binary string
	// Manuals are pages of section 1 beside the overview, which Install brings.
	Manuals     []File
	Completions Completions
	// Configuration is the native file that a fresh installation's service
	// begins with. Without systemd it is not used.
	Configuration []byte
	// DryRun only says what would be done.
	DryRun bool
	// Replace lets Install take the place of programs, pages and units of the
	// same names that came from elsewhere. They cannot be brought back.
	Replace bool
	// Out is told every step, a line each.
	Out io.Writer
}

// File is one that the caller makes, by its name without a directory.
type File struct {
	Name    string
	Content []byte
}

// Completions are scripts by which a shell completes calls of netsonde; an
// empty one is not installed.
type Completions struct {
	Bash, Zsh, Fish []byte
}

// Install puts the program and what belongs to it in place, or upgrades an
// earlier installation, also while that one runs. It never overwrites
// configuration that was changed. Before anything is changed it reports all
// files in the way at once; after an error half-way it can be run again.
func Install(ctx context.Context, o Options) error {
	wanted, err := o.items()
	if err != nil {
		return err
	}
	old, err := readManifest(o.Layout.Manifest)
	if err != nil {
		return err
	}
	next, todo, err := o.decide(wanted, old)
	if err != nil {
		return err
	}
	stale := old.without(next)
	next = append(next, missingDirectories(wanted, o.Layout.Manifest)...)
	for _, r := range old {
		if r.kind == recordDirectory && !next.knows(r.path) {
			next = append(next, r)
		}
	}
	if !o.DryRun {
		// With both lists on the disk, an uninstallation after a crash here
		// finds the files of either version.
		if err := slices.Concat(old, next).write(o.Layout.Manifest); err != nil {
			return permissionHint(err)
		}
	}
	for _, i := range todo {
		o.say("install %s", i.path)
		if o.DryRun {
			continue
		}
		if err := i.put(); err != nil {
			return permissionHint(fmt.Errorf("install %s: %w", i.path, err))
		}
	}
	if err := o.remove(stale); err != nil {
		return err
	}
	if !o.DryRun {
		if err := next.write(o.Layout.Manifest); err != nil {
			return err
		}
	}
	if !o.Systemd.Present {
		_, err := fmt.Fprintf(o.Out, "no unit: this machine does not start with systemd; have its own init run %s\n", filepath.Join(o.Layout.Programs, "netsonde"))
		return err
	}
	if err := o.systemctl(ctx, "daemon-reload"); err != nil || o.DryRun {
		return err
	}
	return o.sayNext()
}

// sayNext tells how a service is started now and at every boot.
func (o Options) sayNext() error {
	watched := o.configurationItem().path
	if o.Layout.User {
		_, err := fmt.Fprintf(o.Out, "next: systemctl --user enable --now netsonde, which reads %s; restart it after an upgrade\n", watched)
		return err
	}
	_, err := fmt.Fprintf(o.Out, "next: systemctl enable --now %s, which reads %s,\n  or: systemctl enable --now %s, in connmonitor's place; restart after an upgrade\n",
		o.Layout.unit("netsonde"), watched, o.Layout.unit("connmonitor"))
	return err
}

// unit is how systemctl is told of one that it is to enable. Where systemd does
// not look by itself the file has to be named.
func (l Layout) unit(name string) string {
	if l.Units == "/usr/lib/systemd/system" || l.Units == "/usr/local/lib/systemd/system" {
		return name
	}
	return filepath.Join(l.Units, name+".service")
}

// decide compares what is wanted with what is there. next is the manifest
// afterwards, todo what has to be written for it.
func (o Options) decide(wanted []item, old manifest) (next manifest, todo []item, err error) {
	var inTheWay []error
	for _, i := range wanted {
		there, ok, err := found(i.path)
		switch {
		case err != nil:
			inTheWay = append(inTheWay, err)
		case ok && there == i.record():
			next = append(next, there)
		case ok && i.configuration && !slices.Contains(old, there):
			o.say("keep %s: it was changed", i.path)
			for _, r := range old {
				if r.path == i.path {
					next = append(next, r)
				}
			}
		case ok && !old.knows(i.path) && !o.Replace:
			inTheWay = append(inTheWay, fmt.Errorf("%s is not from an earlier installation of netsonde: move it away, or give --replace", i.path))
		default:
			next = append(next, i.record())
			todo = append(todo, i)
		}
	}
	return next, todo, errors.Join(inTheWay...)
}

// without returns the files and links of m whose paths next does not know.
func (m manifest) without(next manifest) manifest {
	return slices.DeleteFunc(slices.Clone(m), func(r record) bool {
		return r.kind == recordDirectory || next.knows(r.path)
	})
}

// missingDirectories are those that will be made for the items, the outer first.
func missingDirectories(wanted []item, manifestPath string) manifest {
	var m manifest
	for _, path := range append([]string{manifestPath}, paths(wanted)...) {
		var chain manifest
		for dir := filepath.Dir(path); !exists(dir) && !m.knows(dir); dir = filepath.Dir(dir) {
			chain = append(chain, record{kind: recordDirectory, mark: "-", path: dir})
		}
		slices.Reverse(chain)
		m = append(m, chain...)
	}
	return m
}

func paths(list []item) []string {
	all := make([]string, len(list))
	for n, i := range list {
		all[n] = i.path
	}
	return all
}

// systemctl runs one of its commands where a service manager runs.
func (o Options) systemctl(ctx context.Context, arguments ...string) error {
	if !o.Systemd.Running {
		return nil
	}
	if o.Layout.User {
		arguments = append([]string{"--user"}, arguments...)
	}
	command := exec.CommandContext(ctx, "systemctl", arguments...)
	o.say("run %s", command)
	if o.DryRun {
		return nil
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", command, err, output)
	}
	return nil
}

func (o Options) say(format string, arguments ...any) {
	if o.DryRun {
		format = "would " + format
	}
	fmt.Fprintf(o.Out, format+"\n", arguments...)
}

func permissionHint(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w (run it as root, or install for yourself with --user)", err)
	}
	return err
}

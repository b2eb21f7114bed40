package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Uninstall stops the services and removes exactly what Install put there.
// What was changed since stays, and is named; so do logs and the
// configurations that Install did not write. Binary and Replace are not used.
func Uninstall(ctx context.Context, o Options) error {
	installed, err := readManifest(o.Layout.Manifest)
	if err != nil {
		return err
	}
	if len(installed) == 0 {
		return fmt.Errorf("nothing to uninstall: there is no %s (give the --user or --prefix of the installation)", o.Layout.Manifest)
	}
	for _, r := range installed {
		if filepath.Dir(r.path) != o.Layout.Units || !exists(r.path) {
			continue
		}
		// A unit that systemd was never shown cannot be disabled, and a failure
		// here must not keep the rest in place.
		if err := o.systemctl(ctx, "disable", "--now", filepath.Base(r.path)); err != nil {
			o.say("go on: %v", err)
		}
	}
	if err := o.remove(installed); err != nil {
		return err
	}
	if !o.DryRun {
		if err := os.Remove(o.Layout.Manifest); err != nil {
			return permissionHint(fmt.Errorf("remove the list of what was installed: %w", err))
		}
	}
	if err := o.removeDirectories(installed); err != nil {
		return err
	}
	return o.systemctl(ctx, "daemon-reload")
}

// remove takes away the files and links of m that are still as they were installed.
func (o Options) remove(m manifest) error {
	for _, r := range m {
		if r.kind == recordDirectory {
			continue
		}
		there, ok, err := found(r.path)
		if err != nil {
			return permissionHint(fmt.Errorf("remove %s: %w", r.path, err))
		}
		if !ok {
			continue
		}
		if !slices.Contains(m, there) {
			o.say("keep %s: it was changed", r.path)
			continue
		}
		o.say("remove %s", r.path)
		if o.DryRun {
			continue
		}
		if err := os.Remove(r.path); err != nil {
			return permissionHint(err)
		}
	}
	return nil
}

// removeDirectories takes away the directories of m that are empty now. The
// manifest lists an outer directory before its inner ones.
func (o Options) removeDirectories(m manifest) error {
	for _, r := range slices.Backward(m) {
		if r.kind != recordDirectory {
			continue
		}
		if o.DryRun {
			o.say("remove %s if it is empty", r.path)
			continue
		}
		switch left, err := os.ReadDir(r.path); {
		case errors.Is(err, fs.ErrNotExist) || len(left) > 0:
		case err != nil:
			return permissionHint(err)
		default:
			if err := os.Remove(r.path); err != nil {
				return permissionHint(err)
			}
			o.say("remove %s", r.path)
		}
	}
	return nil
}

package service

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The kinds of a manifest's records.
const (
	recordFile      = "file"
	recordLink      = "link"
	recordDirectory = "directory"
)

// record is one thing that an installation made. Its line in the manifest is
// "kind mark path".
type record struct {
	kind string
	// mark is a file's SHA-256, a link's target, "-" for a directory.
	mark string
	path string
}

// manifest is what an installation made. A path may stand in it twice, with
// the mark of the old version and of the new, while an upgrade is under way.
type manifest []record

// readManifest returns an empty manifest when there is no file.
func readManifest(path string) (manifest, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of what is installed: %w", err)
	}
	var m manifest
	for number, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 || !filepath.IsAbs(fields[2]) || !slices.Contains([]string{recordFile, recordLink, recordDirectory}, fields[0]) {
			return nil, fmt.Errorf("%s:%d: not a record of an installation: restore the file, or remove it and install again with --replace", path, number+1)
		}
		m = append(m, record{kind: fields[0], mark: fields[1], path: fields[2]})
	}
	return m, nil
}

func (m manifest) write(path string) error {
	var text strings.Builder
	for _, r := range m {
		fmt.Fprintf(&text, "%s %s %s\n", r.kind, r.mark, r.path)
	}
	if err := (item{path: path, content: []byte(text.String()), mode: 0o644}).put(); err != nil {
		return fmt.Errorf("write the list of what is installed: %w", err)
	}
	return nil
}

func (m manifest) knows(path string) bool {
	return slices.ContainsFunc(m, func(r record) bool { return r.path == path })
}

// found returns the record of what is at path now; ok is false for nothing
// and for what is neither a file nor a link.
func found(path string) (r record, ok bool, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return record{}, false, nil
	case err != nil:
		return record{}, false, err
	case info.Mode().IsRegular():
		content, err := os.ReadFile(path)
		if err != nil {
			return record{}, false, err
		}
		return fileRecord(path, content), true, nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return record{kind: recordLink, mark: target, path: path}, err == nil, err
	default:
		return record{}, false, fmt.Errorf("%s is neither a file nor a link: move it away first", path)
	}
}

func fileRecord(path string, content []byte) record {
	return record{kind: recordFile, mark: fmt.Sprintf("%x", sha256.Sum256(content)), path: path}
}

func (i item) record() record {
	if i.link != "" {
		return record{kind: recordLink, mark: i.link, path: i.path}
	}
	return fileRecord(i.path, i.content)
}

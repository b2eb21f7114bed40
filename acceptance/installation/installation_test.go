// Package installation_test installs the built program below a directory and
// looks at what came with it: manual pages and shells' completions.
package installation_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// installed is an installation below a prefix of its own.
type installed struct {
	*testing.T
	binary, prefix string
}

func install(t *testing.T) *installed {
	t.Helper()
	i := &installed{T: t, binary: built.Program(t), prefix: filepath.Join(t.TempDir(), "prefix")}
	i.run("install")
	return i
}

// run runs a command of the program for the prefix and returns what it printed.
func (i *installed) run(command string, options ...string) string {
	i.Helper()
	call := exec.Command(i.binary, append([]string{command, "--prefix", i.prefix}, options...)...)
	output, err := call.CombinedOutput()
	if err != nil {
		i.Fatalf("%s: %v\n%s", call, err, output)
	}
	return string(output)
}

// tree is every file and link below the prefix with when it was written.
func (i *installed) tree() string {
	i.Helper()
	var list strings.Builder
	err := filepath.WalkDir(i.prefix, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && filepath.Base(path) != "manifest" { // written again by every installation
			list.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		i.Fatal(err)
	}
	return list.String()
}

func TestInstallingAgainChangesNothing(t *testing.T) {
	i := install(t)
	before := i.tree()
	if output := i.run("install"); strings.Contains(output, "install "+i.prefix) {
		t.Errorf("installed again:\n%s", output)
	}
	if after := i.tree(); after != before {
		t.Errorf("now:\n%s\nbefore:\n%s", after, before)
	}
	i.run("uninstall")
	if _, err := os.Stat(i.prefix); err == nil {
		t.Errorf("left behind:\n%s", i.tree())
	}
}

func TestDryRunListsPagesAndCompletions(t *testing.T) {
	i := &installed{T: t, binary: built.Program(t), prefix: filepath.Join(t.TempDir(), "prefix")}
	output := i.run("install", "--dry-run")
	for _, file := range []string{
		"share/man/man1/netsonde.1", "share/man/man1/netsonde-run.1", "share/man/man1/netsonde-import-connmonitor.1",
		"share/bash-completion/completions/netsonde", "share/zsh/site-functions/_netsonde",
		"share/fish/vendor_completions.d/netsonde.fish",
	} {
		if !strings.Contains(output, "would install "+i.prefix+"/"+file+"\n") {
			t.Errorf("no %s in:\n%s", file, output)
		}
	}
	if _, err := os.Stat(i.prefix); err == nil {
		t.Errorf("made:\n%s", i.tree())
	}
}

func TestManualPages(t *testing.T) {
	man, err := exec.LookPath("man")
	if err != nil {
		lab.Skip(t, "needs man (package man-db)")
	}
	i := install(t)
	pages, err := filepath.Glob(filepath.Join(i.prefix, "share/man/man1/*"))
	if len(pages) < 40 || err != nil {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	command := exec.Command(man, append([]string{"--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z"}, pages...)...)
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANROFFSEQ=", "MANWIDTH=80")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	if err := command.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("man: %v\n%s", err, &complaints)
	}
}

// Packages are made of what "man" writes.
func TestPagesForPackagesAreTheSame(t *testing.T) {
	i := install(t)
	directory := filepath.Join(t.TempDir(), "man1")
	if output, err := exec.Command(i.binary, "man", directory).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	pages, err := filepath.Glob(filepath.Join(i.prefix, "share/man/man1/netsonde*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		want, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(directory, filepath.Base(page))); !bytes.Equal(got, want) || err != nil {
			t.Errorf("%s differs: %v", filepath.Base(page), err)
		}
	}
}

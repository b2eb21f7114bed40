package service_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/service"
)

const (
	nativeFile  = "etc/netsonde/netsonde.yaml"
	earlierFile = "etc/netsonde/netsonde.conf"
)

// has makes the files that an installation before the native format had.
func (i *installation) has(names ...string) {
	i.Helper()
	for _, name := range names {
		path := filepath.Join(i.prefix, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			i.Fatal(err)
		}
		i.write(path, "mine\n", 0o600)
	}
}

// watched is the file that the installed unit runs.
func (i *installation) watched() string {
	i.Helper()
	_, path, _ := strings.Cut(i.read("lib/systemd/system/netsonde.service"), "/netsonde run "+i.prefix+"/")
	path, _, _ = strings.Cut(path, "\n")
	return path
}

func TestTheServiceKeepsItsConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		there []string
		want  string
	}{
		"a fresh installation":      {nil, nativeFile},
		"an earlier one":            {[]string{earlierFile}, earlierFile},
		"an earlier one moved over": {[]string{earlierFile, nativeFile}, nativeFile},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstallation(t)
			i.has(c.there...)
			for range 2 { // an upgrade decides the same
				i.install()
				if got := i.watched(); got != c.want {
					t.Errorf("the service watches %q, want %q", got, c.want)
				}
				if !strings.Contains(i.out.String(), "which reads "+filepath.Join(i.prefix, c.want)) {
					t.Errorf("not said what is watched:\n%s", &i.out)
				}
			}
			for _, file := range []string{nativeFile, earlierFile} {
				there := slices.Contains(i.files(), file)
				if want := file == c.want || slices.Contains(c.there, file); there != want {
					t.Errorf("%s is there: %v", file, there)
				}
			}
			i.uninstall()
			for _, file := range c.there {
				if got := i.read(file); got != "mine\n" {
					t.Errorf("%s holds %q", file, got)
				}
			}
		})
	}
}

// Whoever moves over has the old file taken away if it is as it came.
func TestMovingToTheNativeFile(t *testing.T) {
	asItCame, err := os.ReadFile("files/netsonde.conf")
	if err != nil {
		t.Fatal(err)
	}
	for content, stays := range map[string]bool{string(asItCame): false, "mine\n": true} {
		i := newInstallation(t)
		i.has(earlierFile)
		i.write(filepath.Join(i.prefix, earlierFile), content, 0o644)
		i.install()
		i.has(nativeFile)
		i.install()
		if got := i.watched(); got != nativeFile {
			t.Errorf("the service watches %s", got)
		}
		if there := slices.Contains(i.files(), earlierFile); there != stays {
			t.Errorf("the old file with %.10q… is there: %v", content, there)
		}
	}
}

// The first upgrade that brings the pages and completions finds none of them
// in its manifest, and the next replaces those that are as they were.
func TestUpgradeOfPagesAndCompletions(t *testing.T) {
	i := newInstallation(t)
	manuals, completions := i.Manuals, i.Completions
	i.Manuals, i.Completions = nil, service.Completions{}
	i.install()
	i.Manuals, i.Completions = manuals, completions
	i.install()
	manuals[1].Content, i.Completions.Zsh = []byte("run again\n"), []byte("zsh again\n")
	i.out.Reset()
	i.install()
	if page, zsh := i.read("share/man/man1/netsonde-run.1"), i.read("share/zsh/site-functions/_netsonde"); page != "run again\n" || zsh != "zsh again\n" {
		t.Errorf("%q and %q are not replaced", page, zsh)
	}
	if n := strings.Count(i.out.String(), "install "+i.prefix); n != 2 {
		t.Errorf("%d files written again, 2 changed:\n%s", n, &i.out)
	}
	i.write(filepath.Join(i.prefix, "share/man/man1/netsonde-run.1"), "mine\n", 0o644)
	i.uninstall()
	if got := i.read("share/man/man1/netsonde-run.1"); got != "mine\n" || len(i.files()) != 4 {
		t.Errorf("left behind %q", i.files())
	}
}

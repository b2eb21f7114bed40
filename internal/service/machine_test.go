package service_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/internal/service"
)

// need skips the test unless the machine has the tool. Under
// NETSONDE_LAB=require a missing tool is a failure.
func need(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err == nil {
		return path
	}
	if os.Getenv("NETSONDE_LAB") == "require" {
		t.Fatalf("needs %s: %v", tool, err)
	}
	t.Skipf("needs %s, which is not installed", tool)
	return ""
}

// installation is one below a prefix of its own, on a machine that starts
// with systemd but does not run it.
type installation struct {
	*testing.T
	prefix string
	out    bytes.Buffer
	service.Options
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	prefix := t.TempDir()
	layout, err := service.SystemLayout(prefix)
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{T: t, prefix: prefix}
	i.Options = service.Options{
		Layout:  layout,
		Systemd: service.Systemd{Present: true},
		Binary:  filepath.Join(t.TempDir(), "netsonde"),
		Manuals: []service.File{
			{Name: "netsonde.1", Content: []byte("not this one\n")},
			{Name: "netsonde-run.1", Content: []byte("run\n")},
		},
		Completions:   service.Completions{Bash: []byte("bash\n"), Zsh: []byte("zsh\n"), Fish: []byte("fish\n")},
		Configuration: []byte("targets: [localhost]\n"),
		Out:           &i.out,
	}
	i.build("first")
	return i
}

// build makes a program that prints its version.
func (i *installation) build(version string) {
	i.Helper()
	i.write(i.Binary, "#!/bin/sh\necho "+version+"\n", 0o755)
}

func (i *installation) write(path, content string, mode os.FileMode) {
	i.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		i.Fatal(err)
	}
}

func (i *installation) install() {
	i.Helper()
	if err := service.Install(context.Background(), i.Options); err != nil {
		i.Fatal(err)
	}
}

func (i *installation) uninstall() {
	i.Helper()
	if err := service.Uninstall(context.Background(), i.Options); err != nil {
		i.Fatal(err)
	}
}

func (i *installation) read(path string) string {
	i.Helper()
	content, err := os.ReadFile(filepath.Join(i.prefix, path))
	if err != nil {
		i.Fatal(err)
	}
	return string(content)
}

// files lists what is below the prefix, links with their targets.
func (i *installation) files() []string {
	i.Helper()
	list := []string{}
	err := filepath.WalkDir(i.prefix, func(path string, entry os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, i.prefix+"/")
		switch {
		case err != nil:
			return err
		case entry.Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			list = append(list, name+" -> "+target)
			return err
		case path != i.prefix:
			list = append(list, name)
		}
		return nil
	})
	if err != nil {
		i.Fatal(err)
	}
	return list
}

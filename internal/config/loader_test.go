package config_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netsonde/internal/config"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, l *config.Loader) (names, told []string) {
	t.Helper()
	c, diagnostics, err := l.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range c.Plan.Targets {
		names = append(names, target.Name)
	}
	for _, d := range diagnostics {
		if d.Severity != config.Host {
			t.Errorf("severity %s: %s", d.Severity, d.Text)
		}
		told = append(told, d.Text)
	}
	return names, told
}

// A target file that is half written keeps its last good content; one that is
// gone is gone.
func TestTargetFilesKeepTheLastGood(t *testing.T) {
	folder := t.TempDir()
	main, list := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "t.json")
	write(t, main, "file_sd: [{files: ['*.json']}]\ntargets: [fixed.example]\n")
	l := config.NewLoader(main)
	for _, step := range []struct{ text, names, told string }{
		{`[{"targets": ["a.example"]}]`, "fixed.example a.example", ""},
		{`[{"targets": ["a.example", "b.exa`, "fixed.example a.example", "t.json:1:33: no target file: the file ends too early"},
		{``, "fixed.example a.example", "t.json:1:1: no target file: the file ends too early"},
		{`[{"targets": ["a.example", "b.example"]}] x`, "fixed.example a.example", "t.json:1:42: no target file"},
		{`[{"targets": ["a.example"], "label": {}}]`, "fixed.example a.example", `t.json:1:`},
		{`[{"targets": ["b.example", "b.example", "x y", "c:0", "fixed.example"]}]`, "fixed.example b.example", "t.json:1:41: host \"x y\": has white space"},
		{"[{\"targets\": [\"b.example\",\n  \"b.example\"]}]", "fixed.example b.example", `t.json:2:3: the name "b.example" is taken at ` + list + ":1:15: give one"},
		{`{"targets": []}`, "fixed.example b.example", "t.json:1:"},
		{`[]`, "fixed.example", ""},
	} {
		write(t, list, step.text)
		names, told := load(t, l)
		if got := strings.Join(names, " "); got != step.names {
			t.Errorf("%s: %s, want %s", step.text, got, step.names)
		}
		if (step.told == "") != (len(told) == 0) || !slices.ContainsFunc(append(told, ""), func(s string) bool { return strings.Contains(s, step.told) }) {
			t.Errorf("%s: told %q, want %q", step.text, told, step.told)
		}
	}
	write(t, list, `[{"targets": ["c.example"]}]`)
	load(t, l)
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	if names, told := load(t, l); strings.Join(names, " ") != "fixed.example" || told != nil {
		t.Errorf("the file is gone: %v, %v", names, told)
	}
}

// Run tells when a target file changes, comes or goes, once each, and nothing
// otherwise.
func TestLoaderRun(t *testing.T) {
	folder := t.TempDir()
	main, list := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "t.yml")
	write(t, main, "file_sd: [{files: ['*.yml']}]\n")
	l := config.NewLoader(main)
	load(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	changed, ended := make(chan struct{}), make(chan error)
	go func() { ended <- l.Run(ctx, time.Millisecond, func() { changed <- struct{}{} }) }()
	await := func(what string) {
		t.Helper()
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: not told", what)
		}
	}
	write(t, filepath.Join(folder, "new"), "- targets: [a.example]\n")
	if err := os.Rename(filepath.Join(folder, "new"), list); err != nil {
		t.Fatal(err)
	}
	await("a new file")
	if names, _ := load(t, l); strings.Join(names, " ") != "a.example" {
		t.Errorf("%v", names)
	}
	// Another file of the same length and time is another file.
	info, err := os.Stat(list)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(folder, "new")
	write(t, other, "- targets: [b.example]\n")
	if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, list); err != nil {
		t.Fatal(err)
	}
	await("a replaced file")
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	await("a removed file")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Files that cannot be read are told, whatever the reason.
func TestUnreadableNativeFiles(t *testing.T) {
	folder := t.TempDir()
	closed := filepath.Join(folder, "closed.yaml")
	write(t, closed, "targets: [a.example]\n")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(folder, "conf.yaml")
	if err := os.Mkdir(named, 0o700); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(folder, "c.yaml")
	write(t, main, "include: [/dev/null, gone.yaml]\ntargets: [b.example]\n")
	for path, want := range map[string]string{
		folder + "/none.yaml": "open " + folder + "/none.yaml: no such file: check the path",
		folder:                "Is a directory",
		named:                 "open " + named + ": a directory: name a file in it",
		main:                  "cannot include /dev/null: no plain file",
	} {
		if _, _, err := config.NewLoader(path).Load(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if os.Getuid() == 0 {
		return // who is root may read all
	}
	if _, _, err := config.NewLoader(closed).Load(context.Background()); err == nil || !strings.Contains(err.Error(), ": permission denied: run as") {
		t.Error(err)
	}
}

// An entry that the probes do not fit, or a YAML file that is just being
// written, takes nothing else away.
func TestTargetsThatDoNotFitAreLeftOut(t *testing.T) {
	folder := t.TempDir()
	main, list := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "t.yml")
	write(t, main, "file_sd: [{files: ['*.yml'], probes: [ping, tcp]}]\ntargets: [fixed.example]\n")
	l := config.NewLoader(main)
	for _, step := range []struct{ text, names, told string }{
		{"- targets: [a.example, 'b.example:443', c.example]\n", "fixed.example b.example:443", "t.yml:1:13: tcp needs a port"},
		{"", "fixed.example b.example:443", "t.yml:1:1: no target file: it is empty"},
		{"- targets: ['b.example:80']\n", "fixed.example b.example:80", ""},
		{"[]", "fixed.example", ""},
	} {
		write(t, list, step.text)
		names, told := load(t, l)
		if got := strings.Join(names, " "); got != step.names {
			t.Errorf("%q: targets %s, want %s", step.text, got, step.names)
		}
		if got := strings.Join(told, "\n"); (got == "") != (step.told == "") || !strings.Contains(got, step.told) {
			t.Errorf("%q: told %s, want %s", step.text, got, step.told)
		}
	}
}

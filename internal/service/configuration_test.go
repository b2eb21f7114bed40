package service_test

import (
	"os"
	"path/filepath"
	"testing"

	"netsonde/internal/service"
)

func TestConfigPath(t *testing.T) {
	for name, c := range map[string]struct {
		administrator, documented bool
		want                      string
		created                   bool
	}{
		"neither":    {false, false, "run.conf", true},
		"documented": {false, true, "run.conf", false},
		"etc":        {true, false, "etc.conf", false},
		"etc wins":   {true, true, "etc.conf", false},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			etc, run := filepath.Join(directory, "etc.conf"), filepath.Join(directory, "run.conf")
			for path, there := range map[string]bool{etc: c.administrator, run: c.documented} {
				if !there {
					continue
				}
				if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			path, created, err := service.ConfigPath(etc, run)
			if path != filepath.Join(directory, c.want) || created != c.created || err != nil {
				t.Fatalf("ConfigPath = %q, %v, %v", path, created, err)
			}
			want := "mine"
			if c.created {
				want = "1 1 1 10 41 40 1 500\nlocalhost\n"
			}
			if content, err := os.ReadFile(path); string(content) != want || err != nil {
				t.Errorf("the file holds %q, %v", content, err)
			}
			if left, err := filepath.Glob(filepath.Join(directory, ".*")); len(left) > 0 || err != nil {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
}

// A link that points nowhere is the administrator's mistake, to be told when
// the file is read, not hidden by the default.
func TestConfigPathWithDanglingLink(t *testing.T) {
	etc := filepath.Join(t.TempDir(), "etc.conf")
	if err := os.Symlink("nowhere", etc); err != nil {
		t.Fatal(err)
	}
	if path, created, err := service.ConfigPath(etc, "/nonexistent/run.conf"); path != etc || created || err != nil {
		t.Errorf("ConfigPath = %q, %v, %v", path, created, err)
	}
}

func TestConfigPathWhereNothingCanBeCreated(t *testing.T) {
	if path, created, err := service.ConfigPath("/nonexistent/etc.conf", "/nonexistent/run.conf"); err == nil {
		t.Errorf("ConfigPath = %q, %v", path, created)
	}
}

package config_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netsonde/internal/config"
)

var updateBroken = flag.Bool("update-broken", false, "write what is told about the broken files into testdata")

// Each broken file is told with exactly the words beside it. The path is that
// of the folder, so that it is the same for everybody.
func TestBrokenFiles(t *testing.T) {
	t.Chdir("testdata/native/broken")
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
			c, diagnostics, err := config.NewLoader(file).Load(context.Background())
			if err == nil || c != nil {
				t.Fatal("it is taken")
			}
			var told strings.Builder
			for _, d := range diagnostics {
				told.WriteString(d.Detail() + "\n")
				if d.Severity != config.Fatal || d.Line < 1 || d.Column < 1 || d.File == "" {
					t.Errorf("%+v", d)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *updateBroken {
				if err := os.WriteFile(golden, []byte(told.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil || told.String() != string(want) {
				t.Errorf("told:\n%s\nwant (%v):\n%s", told.String(), err, want)
			}
		})
	}
}

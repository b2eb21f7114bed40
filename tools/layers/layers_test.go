package layers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestTheModuleKeepsItsLayers(t *testing.T) {
	m, err := Load(absolute(t, root), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range m.Violations() {
		t.Error(violation)
	}
}

// violations are what is planted.
var violations = map[string]struct {
	file, code string
	// layers and linter are what they must say; "" if it is not theirs to see.
	layers, linter string
}{
	"a package without a rule": {"internal/extra/extra.go", "// Package extra is extra.\npackage extra\n",
		"netsonde/internal/extra: no strict depguard rule", ""},
	"a package named util": {"internal/util/util.go", "// Package util is anything.\npackage util\n",
		`"util" says nothing`, ""},
	"a second importer": {"internal/console/planted.go", "package console\n\nimport _ \"github.com/coreos/go-systemd/v22/daemon\"\n",
		"github.com/coreos/go-systemd/v22: imported by netsonde/internal/console and netsonde/internal/service", "go-systemd"},
	"a third-party package in the core": {"planted.go", "package netsonde\n\nimport _ \"github.com/goccy/go-yaml\"\n",
		"imported by netsonde and netsonde/internal/config", "goccy"},
	"an init function": {"internal/config/planted.go", "package config\n\nfunc init() {}\n",
		"internal/config/planted.go:3:1: an init function", "gochecknoinits"},
	"a counter of the package": {"internal/check/planted_counter.go", "package check\n\nvar planted int\n\nfunc count() { planted++ }\n",
		"internal/check/planted_counter.go:5:16: planted, a variable of a package, is written to", ""},
	"a table that is written to": {"internal/check/planted_table.go", "package check\n\nvar plantedTable = map[string]int{}\n\nfunc learn() { plantedTable[\"x\"] = 1 }\n",
		"internal/check/planted_table.go:5:16: plantedTable, a variable", ""},
	"a lock of the package": {"internal/check/planted_lock.go", "package check\n\nimport \"sync\"\n\nvar plantedLock sync.Mutex\n",
		"internal/check/planted_lock.go:5:5: plantedLock is state of the package", ""},
	"another package's variable": {"internal/check/planted_foreign.go", "package check\n\nimport \"net/http\"\n\nfunc spoil() { http.DefaultClient = nil }\n",
		"internal/check/planted_foreign.go:5:16: DefaultClient, a variable", ""},
	"a goroutine in the core": {"internal/probe/planted.go", "package probe\n\nfunc start() { go func() {}() }\n",
		"internal/probe/planted.go:3:16: the core is pure: it starts no goroutine", ""},
	"a clock in the core": {"internal/probe/planted.go", "package probe\n\nimport \"time\"\n\nfunc now() time.Time { return time.Now() }\n",
		"", "the core is handed the time"},
	"a file in the core": {"internal/packet/planted.go", "package packet\n\nimport _ \"os\"\n",
		"", "the core is pure"},
	"the codec above the engine": {"internal/packet/planted.go", "package packet\n\nimport _ \"netsonde/internal/config\"\n",
		"", `import 'netsonde/internal/config' is not allowed from list 'packet'`},
	"an adapter in an adapter": {"internal/console/planted.go", "package console\n\nimport _ \"netsonde/internal/config\"\n",
		"", `import 'netsonde/internal/config' is not allowed from list 'console'`},
	"the agent in an adapter": {"internal/socket/planted.go", "package socket\n\nimport _ \"netsonde/internal/agent\"\n",
		"", `import 'netsonde/internal/agent' is not allowed from list 'socket'`},
	"an adapter in the agent": {"internal/agent/planted.go", "package agent\n\nimport _ \"netsonde/internal/config\"\n",
		"", `import 'netsonde/internal/config' is not allowed from list 'agent'`},
	"the command with the simulated network": {"cmd/netsonde/planted.go", "package main\n\nimport _ \"netsonde/internal/simnet\"\n",
		"", `import 'netsonde/internal/simnet' is not allowed from list 'command'`},
}

// TestPlantedViolationsAreReported plants them all at once, since reading the
// module takes seconds; each report names its file.
func TestPlantedViolationsAreReported(t *testing.T) {
	directory := absolute(t, root)
	files := map[string][]byte{}
	for _, planted := range violations {
		if planted.layers != "" {
			files[filepath.Join(directory, planted.file)] = []byte(planted.code)
		}
	}
	m, err := Load(directory, files)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(m.Violations(), "\n")
	for name, planted := range violations {
		if !strings.Contains(got, planted.layers) {
			t.Errorf("%s: reported:\n%s\nwant: %s", name, got, planted.layers)
		}
	}
}

func TestPlantedViolationsAreLinted(t *testing.T) {
	linter := filepath.Join(absolute(t, root), "bin", "golangci-lint")
	if _, err := os.Stat(linter); err != nil {
		if os.Getenv("NETSONDE_LAB") == "require" {
			t.Fatalf("the linter is not built (make lint): %v", err)
		}
		t.Skip("the linter is not built (make lint)")
	}
	for name, planted := range violations {
		if planted.linter == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := plant(t, planted.file, planted.code)
			command := exec.Command(linter, "run", "--allow-parallel-runners",
				"--enable-only=depguard,forbidigo,gochecknoinits", "./"+filepath.Dir(planted.file))
			command.Dir = directory
			output, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(output), planted.linter) {
				t.Errorf("the linter (%v) reported:\n%s\nwant: %s", err, output, planted.linter)
			}
		})
	}
}

func TestModuleWithoutRulesIsRefused(t *testing.T) {
	directory := plant(t, ".golangci.yml", "version: \"2\"\n")
	if _, err := Load(directory, nil); err == nil {
		t.Error("taken")
	}
}

// plant copies the module's Go files and adds one.
func plant(t *testing.T, file, code string) string {
	t.Helper()
	copied := t.TempDir()
	from := absolute(t, root)
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name == "tools" || name == "bin" || name == ".git" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(copied, name), 0o755)
		}
		if !entry.Type().IsRegular() || strings.HasSuffix(name, "_test.go") || entry.Name() == "netsonde" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(copied, name), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	return copied
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

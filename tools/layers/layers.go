// Package layers checks what the linter cannot see by itself: that the rules
// of the architecture cover the whole module, and that its production code
// keeps no state in packages.
package layers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"gopkg.in/yaml.v3"
)

// Module is a loaded module: its production packages, without tests.
type Module struct {
	root     string
	path     string
	packages []*packages.Package
	// files are the patterns of files that have a strict depguard rule.
	files map[string]bool
}

// Load reads the module in the directory root, and the linter's rules there.
// planted are files that it takes as if they were there, by their paths; nil for
// none.
func Load(root string, planted map[string][]byte) (*Module, error) {
	m := &Module{root: root, files: map[string]bool{}}
	if err := m.loadRules(); err != nil {
		return nil, err
	}
	var err error
	m.packages, err = packages.Load(&packages.Config{
		Dir:     root,
		Overlay: planted,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedModule |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax,
	}, "./...")
	if err != nil {
		return nil, fmt.Errorf("load the module in %s: %w", root, err)
	}
	var broken []error
	for _, p := range m.packages {
		for _, e := range p.Errors {
			broken = append(broken, e)
		}
		if p.Module != nil {
			m.path = p.Module.Path
		}
	}
	// Folders of tests only are no production packages.
	m.packages = slices.DeleteFunc(m.packages, func(p *packages.Package) bool { return len(p.GoFiles) == 0 })
	if len(m.packages) == 0 {
		broken = append(broken, fmt.Errorf("no packages in %s", root))
	}
	return m, errors.Join(broken...)
}

func (m *Module) loadRules() error {
	var configuration struct {
		Linters struct {
			Enable   []string
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Mode  string `yaml:"list-mode"`
						Files []string
					}
				}
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(m.root, ".golangci.yml"))
	if err != nil {
		return fmt.Errorf("read the linter's rules: %w", err)
	}
	if err := yaml.Unmarshal(text, &configuration); err != nil {
		return fmt.Errorf("read the linter's rules: %w", err)
	}
	if !slices.Contains(configuration.Linters.Enable, "depguard") {
		return errors.New(".golangci.yml does not enable depguard")
	}
	for _, rule := range configuration.Linters.Settings.Depguard.Rules {
		if rule.Mode != "strict" {
			continue
		}
		for _, pattern := range rule.Files {
			m.files[pattern] = true
		}
	}
	return nil
}

// Violations lists what breaks a rule, in the words in which it is reported.
func (m *Module) Violations() []string {
	found := slices.Concat(m.withoutRule(), m.badNames(), m.sharedDependencies())
	for _, p := range m.packages {
		found = append(found, packageState(m.root, p)...)
		if m.pure(p) {
			found = append(found, goroutines(m.root, p)...)
		}
	}
	slices.Sort(found)
	return found
}

// directory is the package's folder as the linter's patterns name it.
func (m *Module) directory(p *packages.Package) string {
	return strings.TrimPrefix(strings.TrimPrefix(p.PkgPath, m.path), "/")
}

func (m *Module) pure(p *packages.Package) bool {
	return slices.Contains([]string{"", "internal/packet", "internal/probe", "internal/topology"}, m.directory(p))
}

func (m *Module) withoutRule() (found []string) {
	for _, p := range m.packages {
		pattern := "${config-path}/" + strings.TrimPrefix(m.directory(p)+"/*.go", "/")
		if !m.files[pattern] {
			found = append(found, fmt.Sprintf("%s: no strict depguard rule names %s", p.PkgPath, pattern))
		}
	}
	return found
}

// badNames finds packages named after no noun of the field.
func (m *Module) badNames() (found []string) {
	refused := []string{"util", "utils", "common", "helper", "helpers", "types", "models", "manager", "pkg", "misc", "shared"}
	for _, p := range m.packages {
		for _, name := range strings.Split(m.directory(p), "/") {
			if slices.Contains(refused, name) {
				found = append(found, fmt.Sprintf("%s: %q says nothing about what is in it", p.PkgPath, name))
			}
		}
	}
	return found
}

// sharedDependencies finds third-party modules that several packages import.
func (m *Module) sharedDependencies() (found []string) {
	importers := map[string][]string{}
	for _, p := range m.packages {
		seen := map[string]bool{}
		for _, imported := range p.Imports {
			if imported.Module == nil || imported.Module.Path == m.path {
				continue
			}
			module := imported.Module.Path
			if !seen[module] && !strings.HasPrefix(module, "golang.org/x/") {
				seen[module] = true
				importers[module] = append(importers[module], p.PkgPath)
			}
		}
	}
	for module, by := range importers {
		if len(by) > 1 {
			slices.Sort(by)
			found = append(found, fmt.Sprintf("%s: imported by %s; one package is enough", module, strings.Join(by, " and ")))
		}
	}
	return found
}

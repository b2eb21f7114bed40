package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"netsonde"
)

const (
	// nativeBytes is the most bytes of a native file or a target file.
	nativeBytes = 128 << 20
	// includeDepth is how deep files may include one another.
	includeDepth = 16
	// fileLimit is the most files that one configuration may be made of.
	fileLimit = 10_000
	// ownFault begins what is told of a mistake in this package.
	ownFault = "a mistake in this program, please report it with the file: "
	// resolveEvery is how often names are looked up again.
	resolveEvery = time.Minute
)

// Budget is the most packets a second that a plan may send, loopback exempt.
type Budget struct {
	// Rate is for all destinations together.
	Rate int
	// Destination is for one address or name.
	Destination int
	// Network is for a /24 of IPv4 or a /48 of IPv6.
	Network int
}

// Configuration is what a file says.
type Configuration struct {
	Plan *netsonde.Plan
	// Native is set for a file of the native format. What follows is empty
	// without it.
	Native bool
	Budget Budget
	// Files are the native files that were read, the first one first.
	Files []string
	// TargetFiles are the patterns of the files below file_sd.
	TargetFiles []string
}

// surroundings are what a native file sees beside its own text.
type surroundings struct {
	// read returns a file's text and a name that no other file has.
	read func(path string) (text []byte, identity string, err error)
	// identify returns that name alone.
	identify func(path string) string
	// glob returns the files of a pattern, in order.
	glob func(pattern string) ([]string, error)
	// lookup returns an environment variable.
	lookup func(name string) (string, bool)
	// targets returns what a target file holds.
	targets func(path string) (targetFile, []Diagnostic)
}

// nativeReader makes a configuration of a native file and of those it includes.
type nativeReader struct {
	ctx         context.Context
	around      surroundings
	description Description
	mappings    map[string]Mapping
	sources     []*yamlSource
	// told are the diagnostics of target files, discovered those files' lines and
	// what is wrong with single entries.
	told       []Diagnostic
	discovered []*yamlSource
	included   map[string]string
	builder    builder
	labelSets  labelSets
	result     *Configuration
	// discoveries read target files, whose targets come last.
	discoveries []func()
	// full is set when it has been told that there are too many targets.
	full bool
	// budgetNodes are the keys of the budget.
	budgetNodes map[string]ast.Node
	// unevidenced is set when no evidence is to be gathered.
	unevidenced bool
}

// nativeFile is one file of the format.
type nativeFile struct {
	*yamlSource
	number int32
	// identity tells the file from others, chain is the identities of those that
	// include it, and itself.
	identity string
	chain    []string
	lifted   map[int]listedTargets
}

// parseNative reads a native file's text.
func parseNative(ctx context.Context, name string, text []byte, around surroundings) (*Configuration, []Diagnostic, error) {
	r := &nativeReader{
		ctx: ctx, around: around, description: Describe(), mappings: map[string]Mapping{}, included: map[string]string{},
		budgetNodes: map[string]ast.Node{}, labelSets: labelSets{},
		result: &Configuration{
			Native: true, Plan: &netsonde.Plan{ResolveEvery: resolveEvery},
			Budget: Budget{Rate: 10_000, Destination: 100, Network: 2000},
		},
	}
	for _, m := range r.description.Mappings {
		r.mappings[m.Name] = m
	}
	if err := guarded(func() error {
		r.file(name, text, around.identify(name), nil, builtInScope(r.description))
		for _, discover := range r.discoveries {
			discover()
		}
		return nil
	}); err != nil {
		r.sources[0].addAt(1, 1, ownFault+err.Error(), err)
	}
	diagnostics, err := r.finish()
	if err != nil {
		return nil, diagnostics, err
	}
	return r.result, diagnostics, nil
}

func (r *nativeReader) mappingOf(name string) Mapping { return r.mappings[name] }

// finish checks what can be checked only of the whole, and sorts what was told.
func (r *nativeReader) finish() ([]Diagnostic, error) {
	r.checkNames()
	r.result.Plan.Targets = slices.Clone(r.builder.targets)
	for _, s := range r.discovered {
		r.told = append(r.told, s.sorted()...)
	}
	main := r.sources[0]
	wrong := func() bool {
		return slices.ContainsFunc(r.sources, func(s *yamlSource) bool { return len(s.problems) > 0 })
	}
	if !wrong() && len(r.builder.targets) == 0 && len(r.result.TargetFiles) == 0 {
		main.addAt(1, 1, "nothing is watched: give targets: [192.0.2.1] for example", nil)
	}
	if !wrong() {
		cost := CostOf(r.result.Plan)
		r.checkBudget(cost)
		if !r.unevidenced {
			r.result.Plan.Evidence = allowance(r.result.Budget, cost)
		}
	}
	var fatal []Diagnostic
	for _, s := range r.sources {
		fatal = append(fatal, s.sorted()...)
	}
	if len(fatal) > diagnosticLimit+1 {
		fatal = append(fatal[:diagnosticLimit], Diagnostic{File: main.name, Severity: Fatal, Text: main.name + ": there may be more; they are not shown"})
	}
	all := append(fatal, r.told...) //nolint:gocritic // both are this function's own
	if len(all) > 2*diagnosticLimit {
		all = all[:2*diagnosticLimit]
	}
	if len(fatal) > 0 {
		return all, Errors(fatal)
	}
	return all, nil
}

// file reads one file within a scope; chain is the files that include it.
func (r *nativeReader) file(name string, text []byte, identity string, chain []string, outer *scope) {
	s, plain := newYAMLSource(name, text)
	s.lookup = r.around.lookup
	f := &nativeFile{yamlSource: s, number: int32(len(r.sources)), identity: identity, chain: append(slices.Clip(chain), identity)} //nolint:gosec // fileLimit is less
	r.sources = append(r.sources, s)
	r.result.Files = append(r.result.Files, name)
	if s.checkText(); len(s.problems) > 0 {
		return
	}
	if s.body, f.lifted = s.parseLifted(plain); s.body == nil {
		return
	}
	m := r.mappingOf("file")
	fields := s.mapping(s.body, names(m)...)
	sc := outer.inner()
	r.defaults(s, fields.values["defaults"], sc)
	keys := slices.Clone(m.Keys)
	// Targets come in the order of the file.
	slices.SortStableFunc(keys, func(a, b Key) int {
		return cmp.Compare(lineOf(fields.values[a.Name]), lineOf(fields.values[b.Name]))
	})
	for _, key := range keys {
		node := fields.values[key.Name]
		if node == nil {
			continue
		}
		if len(chain) > 0 && slices.Contains([]string{"node", "resolve", "budget", "evidence"}, key.Name) {
			s.wrong(node, fmt.Errorf("%s stands only in the file that includes the others", key.Name))
			continue
		}
		switch key.Name {
		case "node":
			r.node(s, key, node)
		case "resolve":
			if v, ok := s.value(key, node); ok {
				r.result.Plan.ResolveEvery = time.Duration(v.number)
			}
		case "budget":
			r.budget(s, node)
		case "evidence":
			if v, ok := s.value(key, node); ok {
				r.unevidenced = v.text != "true"
			}
		case "include":
			for _, element := range r.listed(s, key, node) {
				r.include(f, element, sc)
			}
		case "file_sd":
			for _, element := range r.listed(s, key, node) {
				r.discover(f, element, sc)
			}
		case "groups":
			for _, element := range r.listed(s, key, node) {
				r.group(f, element, sc)
			}
		case "targets":
			r.targets(f, node, sc)
		}
	}
}

// listed reads a list of at most as many elements as its key may have.
func (r *nativeReader) listed(s *yamlSource, key Key, node ast.Node) []ast.Node {
	list := s.list(node)
	if int64(len(list)) > key.Most {
		s.wrong(list[key.Most], fmt.Errorf("more than %d below %s: put some into a file that include names", key.Most, key.Name))
		return nil
	}
	return list
}

// lineOf is where a node begins, 0 if it is none.
func lineOf(node ast.Node) int {
	if position := beginning(node); position != nil {
		return position.Line
	}
	return 0
}

func (r *nativeReader) node(s *yamlSource, key Key, node ast.Node) {
	v, ok := s.value(key, node)
	if !ok {
		return
	}
	if err := checkName(v.text); err != nil {
		s.wrong(node, err)
		return
	}
	r.result.Plan.Node = v.text
}

func (r *nativeReader) budget(s *yamlSource, node ast.Node) {
	m := r.mappingOf("budget")
	fields := s.mapping(node, names(m)...)
	r.budgetNodes[""] = node
	for _, key := range m.Keys {
		value := fields.values[key.Name]
		if value == nil {
			continue
		}
		v, ok := s.value(key, value)
		if !ok {
			continue
		}
		r.budgetNodes[key.Name] = value
		switch key.Name {
		case "rate":
			r.result.Budget.Rate = int(v.number)
		case "destination":
			r.result.Budget.Destination = int(v.number)
		case "network":
			r.result.Budget.Network = int(v.number)
		}
	}
}

// checkBudget tells where the plan sends more than its budget.
func (r *nativeReader) checkBudget(cost Cost) {
	budget := r.result.Budget
	check := func(key string, sent float64, limit int, what string) {
		if sent <= float64(limit) {
			return
		}
		node := r.budgetNodes[key]
		if node == nil {
			node = r.budgetNodes[""]
		}
		if node != nil && r.sources[0].told[node] {
			return
		}
		err := fmt.Errorf("%s %s packets/s, more than the budget of %d: probe less often (every), or set budget: {%s: %d}",
			what, writeRate(sent), limit, key, int(sent)+1)
		if node == nil {
			r.sources[0].addAt(1, 1, err.Error(), err)
			return
		}
		r.sources[0].add(beginning(node), err.Error(), err)
	}
	check("rate", cost.Budgeted, budget.Rate, "the plan sends")
	check("destination", cost.Destination.PacketsSent, budget.Destination, cost.Destination.To+" is sent")
	check("network", cost.Network.PacketsSent, budget.Network, cost.Network.To+" is sent")
}

// allowance is what a plan leaves of its budget, for evidence. Of each there is
// some packet a second, so that little comes late rather than never.
func allowance(budget Budget, cost Cost) *netsonde.Allowance {
	rest := func(limit int, sent float64) int { return max(limit-int(math.Ceil(sent)), 1) }
	return &netsonde.Allowance{
		All:         rest(budget.Rate, cost.Budgeted),
		Network:     rest(budget.Network, cost.Network.PacketsSent),
		Destination: rest(budget.Destination, cost.Destination.PacketsSent),
	}
}

// writeRate writes a rate with the digits that matter.
func writeRate(rate float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", rate), ".0")
}

// group reads a group of targets.
func (r *nativeReader) group(f *nativeFile, node ast.Node, outer *scope) {
	if f.plain(node) == nil {
		if !f.told[node] {
			f.wrong(node, errors.New("an empty group: give targets"))
		}
		return
	}
	fields := f.mapping(node, names(r.mappingOf("group"))...)
	sc := r.scopeOf(f.yamlSource, fields, outer)
	if name := fields.values["name"]; name != nil {
		if text, ok := f.scalar(name); ok {
			if err := checkName(text); err != nil {
				f.wrong(name, err)
			}
		}
	}
	switch targets := fields.values["targets"]; {
	case targets != nil:
		r.targets(f, targets, sc)
	case !f.told[node]:
		f.wrong(node, errors.New("a group without targets: give targets: [192.0.2.1] for example"))
	}
}

// scopeOf reads defaults, probes and labels of a group.
func (r *nativeReader) scopeOf(s *yamlSource, fields yamlMapping, outer *scope) *scope {
	sc := outer.inner()
	r.defaults(s, fields.values["defaults"], sc)
	if node := fields.values["probes"]; node != nil {
		sc.probes = r.probes(s, node)
	}
	sc.labels = r.labels(s, fields.values["labels"], outer.labels)
	return sc
}

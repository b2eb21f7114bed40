package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"netsonde"
)

// options are the values given for the keys of a probe.
type options map[string]nativeValue

// probeEntry is an entry of a list of probes.
type probeEntry struct {
	source *yamlSource
	node   ast.Node
	kind   string
	given  options
	// broken is set when something of it was told to be wrong.
	broken bool
}

// scope is a place whose defaults hold for the targets within: a group, a file,
// a file that includes it. The outermost holds what is built in.
type scope struct {
	outer *scope
	all   options
	kinds map[string]options
	// probes are those of targets that name none, nil for the outer scope's.
	probes []probeEntry
	labels map[string]string
	// recipe is made of the probes once a target needs it.
	recipe *recipe
	// simpleLabels are the labels of simple entries by their text.
	simpleLabels map[string]map[string]string
	// checks are the parameters of checks by what they say, in the outermost
	// scope.
	checks map[string]*netsonde.CheckParameters
}

// inner makes a scope within, with an outer one's labels.
func (sc *scope) inner() *scope { return &scope{outer: sc, labels: sc.labels} }

// usual returns the probes of targets that name none.
func (sc *scope) usual() []probeEntry {
	for ; sc != nil; sc = sc.outer {
		if sc.probes != nil {
			return sc.probes
		}
	}
	return nil
}

// found is a value and how far from the probe it was found: 0 is at the probe,
// 1 at the target, 2 in the nearest scope; builtIn is in no file.
type found struct {
	nativeValue
	distance int
	is       bool
}

const builtIn = 1 << 20

// lookup finds what holds for a key of a probe in this scope.
func (sc *scope) lookup(kind, key string) found {
	distance := 2
	for ; sc.outer != nil; sc = sc.outer {
		if v, is := sc.kinds[kind][key]; is {
			return found{v, distance, true}
		}
		if v, is := sc.all[key]; is {
			return found{v, distance, true}
		}
		distance++
	}
	v, is := sc.kinds[kind][key]
	return found{v, builtIn, is}
}

// builtInScope holds the defaults of the description.
func builtInScope(d Description) *scope {
	sc := &scope{kinds: map[string]options{}, checks: map[string]*netsonde.CheckParameters{}}
	for _, kind := range d.Kinds {
		m, _ := d.Mapping(kind)
		given := options{}
		for _, key := range m.Keys {
			if key.Default == "" || key.Default[0] == '(' {
				continue
			}
			v := nativeValue{text: key.Default}
			if v.parse(key) == nil {
				given[key.Name] = v
			}
		}
		sc.kinds[kind] = given
	}
	sc.probes = []probeEntry{{kind: "ping"}}
	return sc
}

// defaults reads a mapping of defaults into a scope.
func (r *nativeReader) defaults(s *yamlSource, node ast.Node, sc *scope) {
	if node == nil || s.plain(node) == nil {
		return
	}
	m := r.mappingOf("defaults")
	fields := s.mapping(node, names(m)...)
	sc.all, sc.kinds = options{}, map[string]options{}
	for _, key := range m.Keys {
		value := fields.values[key.Name]
		switch {
		case value == nil:
		case key.Name == "probes":
			sc.probes = r.probes(s, value)
		case key.Mapping != "":
			sc.kinds[key.Name] = r.options(s, key.Mapping, value)
		default:
			if v, ok := s.value(key, value); ok {
				sc.all[key.Name] = v
			}
		}
	}
}

// options reads the keys of a kind of probe.
func (r *nativeReader) options(s *yamlSource, kind string, node ast.Node) options {
	if node == nil || s.plain(node) == nil {
		return nil
	}
	m := r.mappingOf(kind)
	fields := s.mapping(node, names(m)...)
	given := make(options, len(fields.values))
	for _, key := range m.Keys {
		value := fields.values[key.Name]
		if value == nil {
			continue
		}
		v, ok := s.value(key, value)
		if !ok {
			continue
		}
		if err := checkOption(kind, key.Name, v.text); err != nil {
			v.wrong(err)
			continue
		}
		given[key.Name] = v
	}
	return given
}

// probes reads a list of probes. It is never nil.
func (r *nativeReader) probes(s *yamlSource, node ast.Node) []probeEntry {
	entries := []probeEntry{}
	list, ok := s.plain(node).(*ast.SequenceNode)
	if !ok {
		if !s.told[node] {
			s.wrong(node, errors.New("give a list of probes: [ping] for example"))
		}
		return entries
	}
	if len(list.Values) == 0 {
		s.wrong(node, errors.New("no probes: name at least one, or leave the key out"))
	}
	for i, element := range list.Values {
		if i == probeLimit {
			s.wrong(element, fmt.Errorf("more than %d probes of one target", probeLimit))
			break
		}
		if entry, ok := r.probe(s, element); ok {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (r *nativeReader) probe(s *yamlSource, node ast.Node) (entry probeEntry, ok bool) {
	entry = probeEntry{source: s, node: node}
	var pairs []*ast.MappingValueNode
	switch n := s.plain(node).(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		if entry.kind, ok = s.scalar(node); ok {
			ok = r.knownKind(s, node, entry.kind)
		}
		return entry, ok
	}
	if len(pairs) == 0 {
		s.wrong(node, errors.New("which kind of probe? Give one such as ping"))
		return entry, false
	}
	entry.node = pairs[0].Key
	entry.kind = pairs[0].Key.GetToken().Value
	if !r.knownKind(s, pairs[0].Key, entry.kind) {
		return entry, false
	}
	if len(pairs) > 1 {
		s.wrong(pairs[1].Key, fmt.Errorf("an entry is one probe: begin another with \"-\", or indent what belongs to %s by two more spaces", entry.kind))
		return entry, false
	}
	before := len(s.problems)
	entry.given = r.options(s, entry.kind, pairs[0].Value)
	entry.broken = len(s.problems) > before
	return entry, true
}

func (r *nativeReader) knownKind(s *yamlSource, node ast.Node, kind string) bool {
	if slices.Contains(r.description.Kinds, kind) {
		return true
	}
	s.wrong(node, hinted(fmt.Errorf("unknown kind of probe %q", excerpt(kind)), kind, r.description.Kinds))
	return false
}

// labels reads labels and adds them to those of the place around.
func (r *nativeReader) labels(s *yamlSource, node ast.Node, around map[string]string) map[string]string {
	if node == nil {
		return around
	}
	var pairs []*ast.MappingValueNode
	switch n := s.plain(node).(type) {
	case nil:
		return around
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		s.wrong(node, errors.New("give labels with their values: {site: ams} for example"))
		return around
	}
	all := make(map[string]string, len(around)+len(pairs))
	for name, text := range around {
		all[name] = text
	}
	own := map[string]bool{}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		switch {
		case !isVariable(name) || len(name) > 2 && name[:2] == "__":
			s.wrong(pair.Key, fmt.Errorf("the label %q: give letters, digits and _, no digit first, no __ first", excerpt(name)))
			continue
		case own[name]:
			s.wrong(pair.Key, fmt.Errorf("the label %q is there twice", excerpt(name)))
			continue
		}
		own[name] = true
		if text, ok := s.scalar(pair.Value); ok {
			if err := checkPrintable(text); err != nil {
				s.wrong(pair.Value, fmt.Errorf("the label %q: %w", name, err))
				continue
			}
			all[name] = text
		}
	}
	if len(all) > labelLimit {
		s.wrong(node, fmt.Errorf("more than %d labels of one target", labelLimit))
	}
	return r.labelSets.shared(all)
}

func names(m Mapping) []string {
	known := make([]string, len(m.Keys))
	for i, key := range m.Keys {
		known[i] = key.Name
	}
	return known
}

// kindOf returns the kind that a word stands for.
func kindOf(word string) netsonde.Kind {
	for kind := netsonde.KindPing; kind <= netsonde.KindSSH; kind++ {
		if kind.String() == word {
			return kind
		}
	}
	return 0
}

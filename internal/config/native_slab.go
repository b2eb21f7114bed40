package config

import (
	"maps"
	"slices"
	"strings"

	"netsonde"
)

// slab hands out places of few large pieces of memory: a million small ones
// would each cost a rounding up and a place in the collector's books.
type slab[T any] struct{ free []T }

// slabLength is how many places a piece has.
const slabLength = 1024

// take returns n places that nothing else uses.
func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		s.free = make([]T, max(n, slabLength))
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}

// textSlab keeps short texts behind one another.
type textSlab struct{ piece *strings.Builder }

// keep returns a copy of two texts, one behind the other.
func (s *textSlab) keep(text, suffix string) string {
	const length = 64 << 10
	size := len(text) + len(suffix)
	if s.piece == nil || s.piece.Cap()-s.piece.Len() < size {
		s.piece = &strings.Builder{}
		s.piece.Grow(max(length, size))
	}
	from := s.piece.Len()
	s.piece.WriteString(text)
	s.piece.WriteString(suffix)
	return s.piece.String()[from:]
}

// labelSets are the sets of labels by what they say: targets share them.
type labelSets map[string]map[string]string

// shared returns the set that says the same.
func (l labelSets) shared(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return labels
	}
	var key []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		key = append(append(append(append(key, name...), 0), labels[name]...), 0)
	}
	if known, is := l[string(key)]; is {
		return known
	}
	// A part of a file's text would keep all of it in memory.
	kept := make(map[string]string, len(labels))
	for name, text := range labels {
		kept[strings.Clone(name)] = strings.Clone(text)
	}
	l[string(key)] = kept
	return kept
}

// builder makes targets of layouts.
type builder struct {
	targets []*netsonde.Target
	// places say where each target stands.
	places []place
	texts  textSlab
	slots  slab[netsonde.Target]
	groups slab[netsonde.Group]
	probes slab[netsonde.Probe]
	// planned is how many probes the targets have.
	planned uint64
}

// place is where something stands: a file by its number, those of targets
// negative, line and column.
type place struct{ file, line, column int32 }

// expect makes room for some more targets.
func (b *builder) expect(targets int) {
	b.targets = slices.Grow(b.targets, targets)
	b.places = slices.Grow(b.places, targets)
}

// add appends a target. A name that is the host shares its bytes.
func (b *builder) add(name, host string, l *layout, at place) *netsonde.Target {
	t := &b.slots.take(1)[0]
	t.Name = b.texts.keep(name, l.suffix)
	if name == host {
		t.Host = t.Name[:len(host)]
	} else {
		t.Host = b.texts.keep(host, "")
	}
	t.Family = l.family
	t.Output = netsonde.Output{Dialect: netsonde.DialectNative}
	t.Groups = b.groups.take(len(l.groups))
	probes := b.probes.take(l.probes)
	for i, group := range l.groups {
		own := probes[:len(group.Probes):len(group.Probes)]
		probes = probes[len(own):]
		for j, probe := range group.Probes {
			probe.ID = netsonde.NewProbeID(t.Name, l.family, probe)
			own[j] = probe
		}
		group.Probes = own
		t.Groups[i] = group
	}
	b.targets = append(b.targets, t)
	b.places = append(b.places, at)
	return t
}

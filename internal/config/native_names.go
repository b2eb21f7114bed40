package config

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"

	"netsonde"
)

// checkNames tells the names that stand twice. A target of a target file gives
// way, since whoever wrote it may not have seen this file.
func (r *nativeReader) checkNames() {
	b := &r.builder
	if len(b.targets) == 0 {
		return
	}
	// A table of places, dropped afterwards: a map would keep a million strings.
	size := 1 << bits.Len(uint(2*len(b.targets)))
	table, seed := make([]int32, size), maphash.MakeSeed()
	var gone []int
	clashes := clashes{known: map[[2]place]int{}}
	for i, t := range b.targets {
		slot := int(maphash.String(seed, t.Name) & uint64(size-1)) //nolint:gosec // a part of the hash
		for table[slot] != 0 && b.targets[table[slot]-1].Name != t.Name {
			slot = (slot + 1) & (size - 1)
		}
		if table[slot] == 0 {
			table[slot] = int32(i + 1) //nolint:gosec // targetLimit is less
			continue
		}
		first, second := b.places[table[slot]-1], b.places[i]
		clashes.add(t.Name, first, second)
		if second.file < 0 {
			gone = append(gone, i)
		}
	}
	for i := range clashes.all {
		r.twice(&clashes.all[i])
	}
	if gone == nil {
		return
	}
	kept := make([]*netsonde.Target, 0, len(b.targets))
	for i, t := range b.targets {
		if _, is := slices.BinarySearch(gone, i); !is {
			kept = append(kept, t)
		}
	}
	b.targets = kept
}

// clash is names that stand at the same two places.
type clash struct {
	name          string
	names         int
	first, second place
}

// clashes are those of a plan, in the order of their second places. Two
// networks may share many names, which are one mistake.
type clashes struct {
	all   []clash
	known map[[2]place]int
}

// clashLimit is the most clashes that are kept; what can be told is less.
const clashLimit = 10 * diagnosticLimit

func (c *clashes) add(name string, first, second place) {
	key := [2]place{first, second}
	i, is := c.known[key]
	switch {
	case is:
		c.all[i].names++
	case len(c.all) < clashLimit:
		c.known[key] = len(c.all)
		c.all = append(c.all, clash{name, 1, first, second})
	}
}

// twice tells of names that stand at two places.
func (r *nativeReader) twice(c *clash) {
	first, second := r.sourceOf(c.first), r.sourceOf(c.second)
	there := fmt.Sprintf("at %s:%d:%d", first.name, c.first.line, c.first.column)
	text := fmt.Sprintf("the name %q is taken %s: give one of them another name", excerpt(c.name), there)
	if c.names > 1 {
		text = fmt.Sprintf("%d names are taken %s, the first is %q: leave out what is there twice", c.names, there, excerpt(c.name))
	}
	second.addAt(int(c.second.line), int(c.second.column), text, nil)
}

// sourceOf is the file of a place: files of targets are counted from -1 down.
func (r *nativeReader) sourceOf(at place) *yamlSource {
	if at.file < 0 {
		return r.discovered[-at.file-1]
	}
	return r.sources[at.file]
}

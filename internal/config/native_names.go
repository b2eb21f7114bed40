package config

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
	"strconv"

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
	for i, t := range b.targets {
		slot := int(maphash.String(seed, t.Name) & uint64(size-1)) //nolint:gosec // a part of the hash
		for table[slot] != 0 && b.targets[table[slot]-1].Name != t.Name {
			slot = (slot + 1) & (size - 1)
		}
		if table[slot] == 0 {
			table[slot] = int32(i + 1) //nolint:gosec // targetLimit is less
			continue
		}
		if r.twice(t.Name, b.places[table[slot]-1], b.places[i]) {
			gone = append(gone, i)
		}
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

// twice tells a name that stands at two places, and reports whether the second
// target is left out for it.
func (r *nativeReader) twice(name string, first, second place) (gone bool) {
	switch gone = second.file < 0; {
	case gone && len(r.told) >= diagnosticLimit, !gone && r.sources[second.file].full():
		return gone
	}
	there := "in a target file"
	if first.file >= 0 {
		there = "at " + r.sources[first.file].name + ":" + strconv.Itoa(int(first.line)) + ":" + strconv.Itoa(int(first.column))
	}
	text := fmt.Sprintf("the name %q is taken %s: give one of them another name", excerpt(name), there)
	if second.file < 0 {
		file := r.result.Files[0]
		r.told = append(r.told, Diagnostic{File: file, Severity: Host, Text: file + ": a target file: " + text})
		return true
	}
	r.sources[second.file].addAt(int(second.line), int(second.column), text, nil)
	return false
}

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"netsonde/internal/hosts"
)

// nativeEntry is what a target's entry says beside its host.
type nativeEntry struct {
	// name is "" where the host is the name.
	name   string
	recipe *recipe
	labels map[string]string
	stable bool
	port   uint16
	at     place
	wrong  func(error)
}

// targets reads a list of targets.
func (r *nativeReader) targets(f *nativeFile, node ast.Node, sc *scope) {
	list := f.list(node)
	if len(list) == 0 {
		if !f.told[node] {
			f.wrong(node, errors.New("no targets: give [192.0.2.1] for example"))
		}
		return
	}
	if position := beginning(list[0]); len(list) == 1 && position != nil {
		if lifted, is := f.lifted[position.Line]; is {
			r.builder.expect(min(lifted.last-lifted.first+1, targetLimit))
			f.eachListed(lifted,
				func(host string, line, column int) bool {
					at := place{f.number, int32(line), int32(column)} //nolint:gosec // nativeBytes is less
					r.plainTarget(f, host, sc, at)
					return r.goesOn(f.yamlSource)
				},
				func(t *simpleTarget, line int) (taken, goOn bool) {
					taken = r.simpleTarget(f, t, line, sc)
					return taken, r.goesOn(f.yamlSource)
				},
				func(node ast.Node) bool {
					r.target(f, node, sc)
					return r.goesOn(f.yamlSource)
				})
			return
		}
	}
	for _, element := range list {
		if r.target(f, element, sc); !r.goesOn(f.yamlSource) {
			return
		}
	}
}

// goesOn reports whether to read on.
func (r *nativeReader) goesOn(s *yamlSource) bool {
	return !s.full() && !r.full && r.ctx.Err() == nil
}

// usualRecipe is that of targets without probes of their own.
func (sc *scope) usualRecipe() *recipe {
	if sc.recipe == nil {
		sc.recipe = sc.compile(sc.usual(), found{})
	}
	return sc.recipe
}

// plainTarget reads an entry that is only a host.
func (r *nativeReader) plainTarget(f *nativeFile, host string, sc *scope, at place) {
	r.hosts(host, nativeEntry{
		recipe: sc.usualRecipe(), labels: sc.labels, at: at,
		wrong: func(err error) { f.addAt(int(at.line), int(at.column), err.Error(), err) },
	})
}

// target reads an entry of a list of targets.
func (r *nativeReader) target(f *nativeFile, node ast.Node, sc *scope) {
	position := beginning(node)
	at := place{file: f.number, line: 1, column: 1}
	if position != nil {
		at.line, at.column = int32(position.Line), int32(position.Column) //nolint:gosec // nativeBytes is less
	}
	switch f.plain(node).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		if host, ok := f.scalar(node); ok {
			r.hosts(host, nativeEntry{
				recipe: sc.usualRecipe(), labels: sc.labels, at: at,
				wrong: func(err error) { f.wrong(node, err) },
			})
		}
		return
	}
	before := len(f.problems)
	fields := f.mapping(node, names(r.mappingOf("target"))...)
	e := nativeEntry{recipe: sc.usualRecipe(), at: at, labels: r.labels(f.yamlSource, fields.values["labels"], sc.labels)}
	value := func(name string) (nativeValue, bool) {
		node := fields.values[name]
		if node == nil {
			return nativeValue{}, false
		}
		key, _ := r.mappingOf("target").Key(name)
		return f.value(key, node)
	}
	if v, ok := value("stable"); ok {
		e.stable = v.number == 1
	}
	family, named := value("family")
	if probes := fields.values["probes"]; probes != nil || named {
		entries := sc.usual()
		if probes != nil {
			entries = r.probes(f.yamlSource, probes)
		}
		e.recipe = sc.compile(entries, found{family, 1, named})
	}
	host, hosted := value("host")
	name, ok := value("name")
	switch {
	case ok:
		if err := checkName(name.text); err != nil {
			name.wrong(err)
			return
		}
		e.name = name.text
		if !hosted {
			host = name
		}
	case !hosted && fields.values["host"] == nil && len(f.problems) == before:
		f.wrong(node, errors.New("a target without a host: give host: 192.0.2.1 for example"))
	}
	if host.node == nil {
		return
	}
	e.wrong = host.wrong
	r.hosts(host.text, e)
}

// hosts makes a target of each host of an expression.
func (r *nativeReader) hosts(expression string, e nativeEntry) {
	set, err := hosts.Parse(expression)
	if err != nil {
		e.wrong(err)
		return
	}
	count := set.Count()
	room := uint64(targetLimit - min(len(r.builder.targets), targetLimit))
	switch {
	case count > room:
		if r.full {
			return
		}
		r.full = true
		e.wrong(fmt.Errorf("%q makes %s targets, and all together may be %d: watch a part of it, such as a /24, or split it over several monitors",
			excerpt(expression), writeCount(count), targetLimit))
		return
	case r.builder.planned+count*e.recipe.size > planLimit:
		if r.full {
			return
		}
		r.full = true
		e.wrong(fmt.Errorf("%q makes %d probes with %d a host, and all together may be %d: give fewer hosts, probes or flows",
			excerpt(expression), count*e.recipe.size, e.recipe.size, planLimit))
		return
	case count > 1 && e.name != "" && e.name != expression:
		e.wrong(fmt.Errorf("%q is %d hosts and cannot have one name: leave the name out, and each is named as its host", excerpt(expression), count))
		return
	}
	r.builder.planned += count * e.recipe.size
	if count > 1 {
		e.name = ""
		r.builder.expect(int(count)) //nolint:gosec // targetLimit is not less
	}
	switch {
	case !set.Literal():
		for host := range set.All() {
			r.one(host, netip.Addr{}, e)
		}
	case count == 1:
		for addr := range set.Addresses() {
			host := expression
			if strings.ContainsAny(host, "/[-") {
				host = addr.String()
			}
			r.one(host, addr, e)
		}
	default:
		var text []byte
		layouts := []layout(nil)
		for addr := range set.Addresses() {
			if layouts == nil {
				if layouts = e.layoutsOf(addr); layouts == nil {
					return
				}
			}
			text = addr.AppendTo(text[:0])
			host := string(text)
			r.add(host, host, layouts, e)
		}
	}
}

// one makes the targets of one host.
func (r *nativeReader) one(host string, addr netip.Addr, e nativeEntry) {
	name := e.name
	if name == "" {
		name = host
	}
	r.add(name, host, e.layoutsOf(addr), e)
}

func (r *nativeReader) add(name, host string, layouts []layout, e nativeEntry) {
	for i := range layouts {
		t := r.builder.add(name, host, &layouts[i], e.at)
		t.Labels, t.Stable = e.labels, e.stable
	}
}

// writeCount writes a count that may have been cut.
func writeCount(count uint64) string {
	if count == 1<<64-1 {
		return "more than 18446744073709551614"
	}
	return fmt.Sprint(count)
}

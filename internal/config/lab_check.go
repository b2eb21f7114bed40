package config

import (
	"errors"

	"github.com/goccy/go-yaml/ast"

	"netsonde/internal/topology"
)

// check tells what is wrong with the plan as a whole, where it stands in the
// file. Without the names of all nodes most of it would be a consequence.
func (r *labReader) check() {
	if r.nameless || r.full() {
		return
	}
	err := r.plan.Check()
	if err == nil {
		return
	}
	var joined interface{ Unwrap() []error }
	problems := []error{err}
	if errors.As(err, &joined) {
		problems = joined.Unwrap()
	}
	// What could not be read is zero in the plan, and that was told.
	unread := map[ast.Node]bool{}
	for node := range r.told {
		unread[node] = true
	}
	for _, problem := range problems {
		var element *topology.ElementError
		if !errors.As(problem, &element) {
			r.wrong(nil, problem)
			continue
		}
		if node := r.place(element); node == nil || !unread[node] {
			r.wrong(node, element.Err)
		}
	}
}

// place finds an element of the plan, or its field, in the file: a shape's
// nodes and links come before the file's own.
func (r *labReader) place(e *topology.ElementError) ast.Node {
	m := r.file
	if e.List != "" {
		place := e.Place - r.shaped[e.List]
		if place < 0 {
			return r.file.values["shape"]
		}
		m = r.elements[e.List][place]
	}
	if node := m.values[e.Field]; node != nil {
		return node
	}
	return m.node
}

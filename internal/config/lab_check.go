package config

import (
	"errors"
	"fmt"

	"netsonde/internal/topology"
)

// check finds what is wrong with the plan as a whole, and where it stands in
// the file: a shape's nodes and links come before the file's own.
func (r *labReader) check() {
	err := r.plan.Check()
	if err == nil {
		return
	}
	var joined interface{ Unwrap() []error }
	problems := []error{err}
	if errors.As(err, &joined) {
		problems = joined.Unwrap()
	}
	for _, problem := range problems {
		var element *topology.ElementError
		if !errors.As(problem, &element) {
			r.wrong("$", problem)
			continue
		}
		r.wrong(r.path(element), element.Err)
	}
}

// path finds an element of the plan in the file.
func (r *labReader) path(e *topology.ElementError) string {
	place := e.Place - r.shaped[e.List]
	if place < 0 {
		return "$.shape"
	}
	path := fmt.Sprintf("$.%s[%d]", e.List, place)
	if e.Field != "" {
		if field := path + "." + e.Field; r.source.has(field) {
			return field
		}
	}
	return path
}

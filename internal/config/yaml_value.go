package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// aliasLimit bounds what stands for what: an alias may stand for itself.
const aliasLimit = 16

// yamlMapping is a mapping's fields by their names.
type yamlMapping struct {
	node   ast.Node
	values map[string]ast.Node
}

// plain returns the value that a node stands for, nil for none.
func (s *yamlSource) plain(node ast.Node) ast.Node {
	whole := node
	for range aliasLimit {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			anchored, known := s.anchors[n.Value.GetToken().Value]
			if !known {
				s.wrong(whole, errors.New("there is no anchor of this name"))
				return nil
			}
			node = anchored
		case *ast.NullNode:
			return nil
		default:
			return node
		}
	}
	s.wrong(whole, errors.New("what this stands for cannot be found"))
	return nil
}

// mapping reads a mapping that may have the known fields.
func (s *yamlSource) mapping(node ast.Node, known ...string) yamlMapping {
	m := yamlMapping{node: node, values: map[string]ast.Node{}}
	s.merge(m, node, known, aliasLimit)
	return m
}

// merge adds the fields that a mapping lacks, and after them those of the one
// that "<<" names.
func (s *yamlSource) merge(m yamlMapping, node ast.Node, known []string, depth int) {
	var pairs []*ast.MappingValueNode
	switch n := s.plain(node).(type) {
	case nil:
		return
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		s.wrong(node, fmt.Errorf("give fields: %s", strings.Join(known, ", ")))
		return
	}
	seen := map[string]bool{}
	var merged ast.Node
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		_, merges := pair.Key.(*ast.MergeKeyNode)
		switch {
		case s.full():
			return
		case s.told[pair.Key]:
		case seen[name]:
			s.wrong(pair.Key, fmt.Errorf("the field %q is there twice", name))
		case merges:
			merged = pair.Value
		case !slices.Contains(known, name):
			s.wrong(pair.Key, hinted(fmt.Errorf("unknown field %q", excerpt(name)), name, known))
		case m.values[name] == nil:
			m.values[name] = pair.Value
		}
		seen[name] = true
	}
	switch {
	case merged != nil && depth == 0:
		s.wrong(merged, errors.New("too many mappings are merged"))
	case merged != nil:
		s.merge(m, merged, known, depth-1)
	}
}

// list reads a list.
func (s *yamlSource) list(node ast.Node) []ast.Node {
	switch n := s.plain(node).(type) {
	case nil:
		return nil
	case *ast.SequenceNode:
		return n.Values
	}
	s.wrong(node, errors.New("give a list"))
	return nil
}

// text reads a single value as it is written; "" is none.
func (s *yamlSource) text(node ast.Node) string {
	switch n := s.plain(node).(type) {
	case nil:
		return ""
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	}
	s.wrong(node, errors.New("give a single value"))
	return ""
}

// flag reads true or false; false is also none.
func (s *yamlSource) flag(node ast.Node) bool {
	switch n := s.plain(node).(type) {
	case nil:
		return false
	case *ast.BoolNode:
		return n.Value
	}
	s.wrong(node, errors.New("give true or false"))
	return false
}

// number reads a whole number from least to most; 0 is also none.
func (s *yamlSource) number(node ast.Node, least, most uint64) uint64 {
	value := s.plain(node)
	if value == nil {
		return 0
	}
	if n, ok := value.(*ast.IntegerNode); ok {
		number, signed := uint64(0), false
		switch v := n.Value.(type) {
		case uint64:
			number = v
		case int64:
			number, signed = uint64(max(v, 0)), v < 0
		}
		if !signed && number >= least && number <= most {
			return number
		}
	}
	s.wrong(node, fmt.Errorf("%q is out of range: give a whole number from %d to %d", excerpt(value.GetToken().Value), least, most))
	return 0
}

// duration reads a time such as "20ms", of 0 to most; 0 is also none.
func (s *yamlSource) duration(node ast.Node, what string, most time.Duration) time.Duration {
	text := s.text(node)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		s.wrong(node, fmt.Errorf("%q is no time: give one such as 20ms", excerpt(text)))
	case d < 0 && most == math.MaxInt64:
		s.wrong(node, fmt.Errorf("a %s of %v: give 0 or more", what, d))
	case d < 0 || d > most:
		s.wrong(node, fmt.Errorf("a %s of %v: give 0 to %v", what, d, most))
	default:
		return d
	}
	return 0
}

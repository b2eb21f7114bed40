package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yamlSource finds places in a YAML file for messages.
type yamlSource struct {
	name  string
	lines []string
	tree  *ast.File
}

func newYAMLSource(name string, text []byte) *yamlSource {
	s := &yamlSource{name: name, lines: strings.Split(string(text), "\n")}
	// What does not parse is told by whoever decodes it.
	_ = guarded(func() (err error) {
		s.tree, err = parser.ParseBytes(text, 0)
		return err
	})
	return s
}

// decodeYAML decodes a text into a struct that names all its fields.
func decodeYAML(text []byte, into any) error {
	return guarded(func() error { return yaml.UnmarshalWithOptions(text, into, yaml.Strict()) })
}

// guarded makes an error of a panic: the library has some for texts that make
// no sense, such as a tag of no known type before a value.
func guarded(f func() error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("this YAML cannot be understood: %v", problem)
		}
	}()
	return f()
}

// find returns the node at a path such as "$.links[2].delay", or nil.
func (s *yamlSource) find(path string) ast.Node {
	p, err := yaml.PathString(path)
	if err != nil || s.tree == nil {
		return nil
	}
	var node ast.Node
	err = guarded(func() (err error) {
		node, err = p.FilterFile(s.tree)
		return err
	})
	if err != nil {
		return nil
	}
	return node
}

func (s *yamlSource) has(path string) bool { return s.find(path) != nil }

// at makes a diagnostic of what is wrong at a path.
func (s *yamlSource) at(path string, err error) Diagnostic {
	line, column := 1, 1
	if node := s.find(path); node != nil {
		line, column = beginning(node)
	}
	return s.diagnostic(line, column, err.Error(), err)
}

// beginning is where a node begins; a mapping's own token is its first colon.
func beginning(node ast.Node) (line, column int) {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return beginning(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return beginning(n.Key)
	}
	position := node.GetToken().Position
	return position.Line, position.Column
}

// diagnose makes a diagnostic of a decoder's error.
func (s *yamlSource) diagnose(err error) Diagnostic {
	var placed yaml.Error
	if !errors.As(err, &placed) || placed.GetToken() == nil || placed.GetToken().Position == nil {
		return s.diagnostic(1, 1, err.Error(), err)
	}
	position := placed.GetToken().Position
	return s.diagnostic(position.Line, position.Column, placed.GetMessage(), err)
}

// diagnostic tells the place, what is wrong, and shows the line.
func (s *yamlSource) diagnostic(line, column int, what string, cause error) Diagnostic {
	text := fmt.Sprintf("%s:%d:%d: %s", s.name, line, column, what)
	if line >= 1 && line <= len(s.lines) {
		shown := strings.ReplaceAll(strings.TrimRight(s.lines[line-1], "\r"), "\t", " ")
		text += "\n  " + excerpt(shown)
		if column >= 1 && column <= min(utf8.RuneCountInString(shown), excerptLimit) {
			text += "\n  " + strings.Repeat(" ", column-1) + "^"
		}
	}
	return Diagnostic{File: s.name, Line: line, Severity: Fatal, Text: text, cause: cause}
}

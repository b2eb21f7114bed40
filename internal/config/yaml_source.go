package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlSource is a YAML file and what is wrong with it.
type yamlSource struct {
	name  string
	lines []string
	// body is the file's one document, nil when it is empty.
	body     ast.Node
	anchors  map[string]ast.Node
	problems []yamlProblem
	// told are the nodes of which something has been told.
	told map[ast.Node]bool
}

// yamlProblem is a diagnostic with the column, counted from 1, that puts it in
// its order.
type yamlProblem struct {
	column     int
	diagnostic Diagnostic
}

// parseYAML reads a text of one document. What it cannot read it tells among
// the problems.
func parseYAML(name string, text []byte) *yamlSource {
	// A return ends a line as well; the lexer is slow at many.
	plain := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff"))
	s := &yamlSource{name: name, lines: strings.Split(plain, "\n"), anchors: map[string]ast.Node{}, told: map[ast.Node]bool{}}
	err := guarded(func() error {
		tokens := lexer.Tokenize(plain)
		if t, err := checkTokens(tokens); err != nil {
			s.add(t.Position, err.Error(), err)
			return nil
		}
		// Repeated fields are told with the rest.
		tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
		if err != nil {
			return err
		}
		s.take(tree)
		return nil
	})
	if err != nil {
		s.diagnose(err)
	}
	return s
}

// take finds the document and its anchors.
func (s *yamlSource) take(tree *ast.File) {
	for _, document := range tree.Docs {
		switch document.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.DirectiveNode:
			continue
		}
		if s.body != nil {
			s.wrong(document.Body, errors.New("a second document: a file has one"))
			return
		}
		s.body = document.Body
		ast.Walk(anchorFinder(s.anchors), s.body)
	}
}

// anchorFinder collects the nodes that have names.
type anchorFinder map[string]ast.Node

// Visit is for package ast.
func (f anchorFinder) Visit(node ast.Node) ast.Visitor {
	if anchor, ok := node.(*ast.AnchorNode); ok && anchor.Name != nil {
		f[anchor.Name.GetToken().Value] = anchor.Value
	}
	return f
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

// beginning is where a node begins; a mapping's own token is its first colon.
func beginning(node ast.Node) *token.Position {
	switch n := node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && !n.IsFlowStyle {
			return beginning(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return beginning(n.Key)
	}
	if node == nil || node.GetToken() == nil {
		return nil
	}
	return node.GetToken().Position
}

// full reports whether there are as many problems as are told.
func (s *yamlSource) full() bool { return len(s.problems) >= diagnosticLimit }

// wrong tells what is wrong at a node; nil is the file as a whole.
func (s *yamlSource) wrong(node ast.Node, err error) {
	if node != nil {
		s.told[node] = true
	}
	s.add(beginning(node), err.Error(), err)
}

// diagnose tells a parser's error.
func (s *yamlSource) diagnose(err error) {
	var placed yaml.Error
	if !errors.As(err, &placed) || placed.GetToken() == nil {
		s.add(nil, err.Error(), err)
		return
	}
	s.add(placed.GetToken().Position, placed.GetMessage(), err)
}

// add tells the place, what is wrong, and shows the line.
func (s *yamlSource) add(position *token.Position, what string, cause error) {
	if s.full() {
		return
	}
	line, column := 1, 1
	if position != nil {
		line, column = position.Line, position.Column
	}
	text := fmt.Sprintf("%s:%d:%d: %s", s.name, line, column, what)
	if line >= 1 && line <= len(s.lines) {
		shown := strings.ReplaceAll(s.lines[line-1], "\t", " ")
		text += "\n  " + excerpt(shown)
		if column >= 1 && column <= min(utf8.RuneCountInString(shown), excerptLimit) {
			text += "\n  " + strings.Repeat(" ", column-1) + "^"
		}
	}
	s.problems = append(s.problems, yamlProblem{column, Diagnostic{File: s.name, Line: line, Severity: Fatal, Text: text, cause: cause}})
}

// errors returns all that is wrong, in the order of the file.
func (s *yamlSource) errors() Errors {
	slices.SortStableFunc(s.problems, func(a, b yamlProblem) int {
		return cmp.Or(cmp.Compare(a.diagnostic.Line, b.diagnostic.Line), cmp.Compare(a.column, b.column))
	})
	var all Errors
	for i := range s.problems {
		all = append(all, s.problems[i].diagnostic)
	}
	if s.full() {
		all = append(all, Diagnostic{File: s.name, Severity: Fatal, Text: s.name + ": there may be more; they are not shown"})
	}
	return all
}

package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	problems []Diagnostic
	// told are the nodes of which something has been told.
	told map[ast.Node]bool
	// severity is that of the problems.
	severity Severity
	// lookup is where the values of variables come from; nil leaves them as
	// they stand.
	lookup func(string) (string, bool)
}

// newYAMLSource makes a source of a text, and returns the text with its lines
// ended by line feeds: a return ends a line as well, but the lexer is slow at
// many.
func newYAMLSource(name string, text []byte) (*yamlSource, string) {
	plain := strings.TrimPrefix(string(text), "\ufeff")
	if strings.Contains(plain, "\r") {
		plain = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(plain)
	}
	return &yamlSource{name: name, lines: strings.Split(plain, "\n"), severity: Fatal,
		anchors: map[string]ast.Node{}, told: map[ast.Node]bool{}}, plain
}

// parseYAML reads a text of one document. What it cannot read it tells among
// the problems.
func parseYAML(name string, text []byte) *yamlSource {
	s, plain := newYAMLSource(name, text)
	s.body = s.parse(plain, nil)
	return s
}

// parse reads one document, a part of the file whose lines stand in it where
// place says; nil is the whole file. It returns nil, and tells why, if it
// cannot.
func (s *yamlSource) parse(plain string, place func(line int) int) (body ast.Node) {
	err := guarded(func() error {
		if wordCount(plain) > 4*tokenLimit {
			return errTooLong
		}
		tokens := lexer.Tokenize(plain)
		if place != nil {
			for _, t := range tokens {
				if t.Position != nil {
					t.Position.Line = place(t.Position.Line)
				}
			}
		}
		if t, err := checkTokens(tokens); err != nil {
			s.add(t.Position, err.Error(), err)
			return nil
		}
		// Repeated fields are told with the rest.
		tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
		if err != nil {
			return err
		}
		body = s.take(tree)
		return nil
	})
	if err != nil {
		s.diagnose(err)
	}
	return body
}

// take finds the document and its anchors.
func (s *yamlSource) take(tree *ast.File) (body ast.Node) {
	for _, document := range tree.Docs {
		switch document.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.DirectiveNode:
			continue
		}
		if body != nil {
			s.wrong(document.Body, errors.New("a second document: a file has one"))
			break
		}
		body = document.Body
		ast.Walk(anchorFinder(s.anchors), body)
	}
	return body
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

// add tells the place, what is wrong, and the line.
func (s *yamlSource) add(position *token.Position, what string, cause error) {
	line, column := 1, 1
	if position != nil {
		line, column = position.Line, position.Column
	}
	s.addAt(line, column, what, cause)
}

// addAt does what add does, at a line and a column.
func (s *yamlSource) addAt(line, column int, what string, cause error) {
	if s.full() {
		return
	}
	d := Diagnostic{File: s.name, Line: line, Column: column, Severity: s.severity, cause: cause,
		Text: fmt.Sprintf("%s:%d:%d: %s", s.name, line, column, what)}
	if line >= 1 && line <= len(s.lines) {
		d.Excerpt, d.Mark = excerptAround(strings.ReplaceAll(s.lines[line-1], "\t", " "), column)
	}
	var hinted hintedError
	if errors.As(cause, &hinted) {
		d.Hint = hinted.hint
	}
	s.problems = append(s.problems, d)
}

// excerptAround cuts a line to what stands around a column, and returns where
// the column then is, 0 if it is not in the line.
func excerptAround(line string, column int) (cut string, mark int) {
	// A character has at most 4 bytes.
	if len(line) > 4*(column+excerptLimit) {
		line = line[:4*(column+excerptLimit)]
	}
	runes := []rune(line)
	if column > len(runes)+1 || column < 1 {
		column = 0
	}
	before := ""
	if column > excerptLimit {
		from := column - excerptLimit/2
		runes, column, before = runes[from:], column-from+1, "…"
	}
	return before + excerpt(string(runes)), column
}

// sorted returns all that is wrong, in the order of the file.
func (s *yamlSource) sorted() []Diagnostic {
	slices.SortStableFunc(s.problems, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	all := s.problems
	if s.full() {
		all = append(slices.Clip(all), Diagnostic{File: s.name, Severity: s.severity, Text: s.name + ": there may be more; they are not shown"})
	}
	return all
}

// errors returns all that is wrong, in the order of the file, with the lines in
// the texts.
func (s *yamlSource) errors() Errors {
	all := Errors(s.sorted())
	for i := range all {
		all[i].Text += all[i].shown()
	}
	return all
}

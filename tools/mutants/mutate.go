package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one fault that can be planted in a file and taken out again. Files
// are parsed once for each mutant, so that several can be printed at a time.
type mutant struct {
	label           string
	path            string
	files           *token.FileSet
	file            *ast.File
	change, restore func()
}

// swaps are the operators that are easily mistaken for one another.
var swaps = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.ADD: {token.SUB}, token.SUB: {token.ADD},
	token.MUL: {token.QUO}, token.QUO: {token.MUL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.AND: {token.OR}, token.OR: {token.AND}, token.XOR: {token.OR},
	token.SHL: {token.SHR}, token.SHR: {token.SHL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

// findMutants lists every fault that can be planted in a package's files.
func findMutants(root, dir string) ([]mutant, error) {
	paths, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("find the files of %s: %w", dir, err)
	}
	var mutants []mutant
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		places, err := placesIn(path, source, -1)
		if err != nil {
			return nil, err
		}
		for number := range places {
			one, err := placesIn(path, source, number)
			if err != nil {
				return nil, err
			}
			m := one[0]
			if relative, err := filepath.Rel(root, path); err == nil {
				m.label = strings.Replace(m.label, path, relative, 1)
			}
			mutants = append(mutants, m)
		}
	}
	if len(mutants) == 0 {
		return nil, fmt.Errorf("%s holds nothing to mutate", dir)
	}
	return mutants, nil
}

// placesIn parses a file and lists its faults, or the one of that number only.
func placesIn(path string, source []byte, number int) ([]mutant, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	var found []mutant
	place := 0
	add := func(at token.Pos, what string, change, restore func()) {
		if number < 0 || number == place {
			found = append(found, mutant{
				label: fmt.Sprintf("%s: %s", files.Position(at), what),
				path:  path, files: files, file: file, change: change, restore: restore,
			})
		}
		place++
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.GenDecl:
			return n.Tok != token.IMPORT
		case *ast.BinaryExpr:
			swap(&n.Op, n.OpPos, add)
		case *ast.AssignStmt:
			swap(&n.Tok, n.TokPos, add)
		case *ast.IncDecStmt:
			swap(&n.Tok, n.TokPos, add)
		case *ast.IfStmt:
			condition := n.Cond
			add(n.Pos(), "condition negated", func() {
				n.Cond = &ast.UnaryExpr{Op: token.NOT, X: &ast.ParenExpr{X: condition}}
			}, func() { n.Cond = condition })
		case *ast.BasicLit:
			literal(n, add)
		case *ast.BlockStmt:
			for i := range n.List {
				removal(n.List, i, add)
			}
		case *ast.CaseClause:
			for i := range n.Body {
				removal(n.Body, i, add)
			}
		}
		return true
	})
	return found, nil
}

func swap(operator *token.Token, at token.Pos, add func(token.Pos, string, func(), func())) {
	was := *operator
	for _, other := range swaps[was] {
		add(at, fmt.Sprintf("%s becomes %s", was, other), func() { *operator = other }, func() { *operator = was })
	}
}

// literal makes a whole number one larger.
func literal(n *ast.BasicLit, add func(token.Pos, string, func(), func())) {
	if n.Kind != token.INT {
		return
	}
	was := n.Value
	value, err := strconv.ParseInt(was, 0, 64)
	if err != nil {
		return
	}
	next := strconv.FormatInt(value+1, 10)
	add(n.Pos(), was+" becomes "+next, func() { n.Value = next }, func() { n.Value = was })
}

// removal takes out a statement that is done for its effect.
func removal(list []ast.Stmt, i int, add func(token.Pos, string, func(), func())) {
	was := list[i]
	switch s := was.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt:
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return
		}
	default:
		return
	}
	add(was.Pos(), "statement removed", func() { list[i] = &ast.EmptyStmt{Implicit: true} }, func() { list[i] = was })
}

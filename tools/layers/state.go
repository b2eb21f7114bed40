package layers

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"

	"golang.org/x/tools/go/packages"
)

// packageState finds init functions and package-level variables that can
// change: those that are written to, whose address is taken, and those that
// point to something. Tables and sentinel errors are fine.
func packageState(root string, p *packages.Package) (found []string) {
	report := func(at token.Pos, format string, arguments ...any) {
		found = append(found, position(root, p, at)+": "+fmt.Sprintf(format, arguments...))
	}
	variable := func(e ast.Expr) *types.Var { return packageVariable(p.TypesInfo, e) }
	for _, file := range p.Syntax {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					report(d.Pos(), "an init function: nothing may happen before main")
				}
			case *ast.GenDecl:
				for _, name := range declaredNames(d) {
					if v, ok := p.TypesInfo.Defs[name].(*types.Var); ok && shared(v.Type()) {
						report(name.Pos(), "%s is state of the package: pass it to who needs it", name.Name)
					}
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var written []ast.Expr
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					written = n.Lhs
				}
			case *ast.IncDecStmt:
				written = []ast.Expr{n.X}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					written = []ast.Expr{n.X}
				}
			case *ast.SelectorExpr:
				if s := p.TypesInfo.Selections[n]; s != nil && s.Kind() == types.MethodVal && takesAddress(s) {
					written = []ast.Expr{n.X}
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
					written = n.Args[:1]
				}
			}
			for _, e := range written {
				if v := variable(e); v != nil {
					report(e.Pos(), "%s, a variable of a package, is written to or pointed at", v.Name())
				}
			}
			return true
		})
	}
	return found
}

func declaredNames(d *ast.GenDecl) (names []*ast.Ident) {
	for _, spec := range d.Specs {
		if v, ok := spec.(*ast.ValueSpec); ok {
			names = append(names, v.Names...)
		}
	}
	return names
}

// shared reports whether a variable of the type is a way to change something.
func shared(t types.Type) bool {
	switch named := types.Unalias(t).(type) {
	case *types.Pointer:
		// A compiled expression is safe to share (package regexp).
		return named.Elem().String() != "regexp.Regexp"
	case *types.Chan:
		return true
	case *types.Named:
		if named.Obj().Pkg() != nil && (named.Obj().Pkg().Path() == "sync" || named.Obj().Pkg().Path() == "sync/atomic") {
			return true
		}
		_, channel := named.Underlying().(*types.Chan)
		return channel
	default:
		return false
	}
}

// packageVariable returns the package-level variable that e is, or is part of.
func packageVariable(info *types.Info, e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return packageLevel(info.Uses[x])
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if _, imported := info.Uses[id].(*types.PkgName); imported {
					return packageLevel(info.Uses[x.Sel])
				}
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func packageLevel(object types.Object) *types.Var {
	v, ok := object.(*types.Var)
	if !ok || v.IsField() || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return nil
	}
	return v
}

// takesAddress reports whether the call of a method takes its operand's address.
func takesAddress(s *types.Selection) bool {
	signature, ok := s.Obj().Type().(*types.Signature)
	if !ok || signature.Recv() == nil {
		return false
	}
	_, wantsPointer := signature.Recv().Type().(*types.Pointer)
	_, isPointer := s.Recv().Underlying().(*types.Pointer)
	return wantsPointer && !isPointer
}

// goroutines finds go statements.
func goroutines(root string, p *packages.Package) (found []string) {
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				found = append(found, position(root, p, g.Pos())+": the core is pure: it starts no goroutine")
			}
			return true
		})
	}
	return found
}

func position(root string, p *packages.Package, at token.Pos) string {
	where := p.Fset.Position(at)
	if name, err := filepath.Rel(root, where.Filename); err == nil {
		where.Filename = name
	}
	return where.String()
}

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// paths returns the files that a pattern in a file stands for.
func (r *nativeReader) paths(f *nativeFile, node ast.Node) []string {
	pattern, ok := f.scalar(node)
	if !ok {
		return nil
	}
	if pattern == "" || strings.ContainsFunc(pattern, forbidden) {
		f.wrong(node, fmt.Errorf("%+q is no path of a file", excerpt(pattern)))
		return nil
	}
	pattern = beside(f.name, pattern)
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	found, err := r.around.glob(pattern)
	if err != nil {
		f.wrong(node, fmt.Errorf("the pattern %q: %w", excerpt(pattern), err))
		return nil
	}
	return found
}

// beside makes a path that is relative to a file one that is not.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// reason is a file error without the path, which whoever tells it names.
func reason(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// include reads the files of one entry of include.
func (r *nativeReader) include(f *nativeFile, node ast.Node, sc *scope) {
	for _, path := range r.paths(f, node) {
		if len(f.chain) >= includeDepth {
			f.wrong(node, fmt.Errorf("files include one another more than %d deep", includeDepth))
			return
		}
		if len(r.sources) >= fileLimit {
			f.wrong(node, fmt.Errorf("more than %d files", fileLimit))
			return
		}
		text, identity, err := r.around.read(path)
		if err != nil {
			f.wrong(node, fmt.Errorf("cannot include %s: %w", excerpt(path), reason(err)))
			continue
		}
		if slices.Contains(f.chain, identity) {
			f.wrong(node, fmt.Errorf("%s includes itself by way of this: leave it out", excerpt(path)))
			continue
		}
		if by, is := r.included[identity]; is {
			f.wrong(node, fmt.Errorf("%s is included already, at %s: leave one out", excerpt(path), by))
			continue
		}
		where := f.name
		if position := beginning(node); position != nil {
			where = fmt.Sprintf("%s:%d:%d", f.name, position.Line, position.Column)
		}
		r.included[identity] = where
		r.file(path, text, identity, f.chain, sc)
		if r.ctx.Err() != nil {
			return
		}
	}
}

// discover reads an entry of file_sd.
func (r *nativeReader) discover(f *nativeFile, node ast.Node, outer *scope) {
	fields := f.mapping(node, names(r.mappingOf("file_sd"))...)
	sc := r.scopeOf(f.yamlSource, fields, outer)
	files := fields.values["files"]
	if files == nil {
		if !f.told[node] {
			f.wrong(node, errors.New("file_sd without files: give files: [targets/*.json] for example"))
		}
		return
	}
	list := f.list(files)
	if len(list) == 0 && !f.told[files] {
		f.wrong(files, errors.New("file_sd without files: give files: [targets/*.json] for example"))
	}
	for _, element := range list {
		pattern, ok := f.scalar(element)
		if !ok {
			continue
		}
		switch filepath.Ext(pattern) {
		case ".json", ".yml", ".yaml":
		default:
			f.wrong(element, fmt.Errorf("%q: target files end in .json, .yml or .yaml", excerpt(pattern)))
			continue
		}
		paths := r.paths(f, element)
		r.result.TargetFiles = append(r.result.TargetFiles, beside(f.name, pattern))
		r.discoveries = append(r.discoveries, func() {
			for _, path := range paths {
				r.targetFile(path, sc)
			}
		})
	}
}

// targetFile adds the targets of one target file.
func (r *nativeReader) targetFile(path string, sc *scope) {
	file, told := r.around.targets(path)
	r.told = append(r.told, told...)
	s := &yamlSource{name: path, lines: file.lines, severity: Host}
	r.discovered = append(r.discovered, s)
	number := int32(-len(r.discovered)) //nolint:gosec // there are fewer files
	for _, group := range file.groups {
		labels, err := group.labelsWithin(sc.labels)
		labels = r.labelSets.shared(labels)
		if err != nil {
			s.addAt(int(group.at.line), int(group.at.column), err.Error(), err)
		}
		for i, target := range group.targets {
			if r.ctx.Err() != nil || r.full {
				return
			}
			at := group.places[i]
			wrong := func(err error) { s.addAt(int(at.line), int(at.column), err.Error(), err) }
			host, port, err := splitPort(target)
			if err != nil {
				wrong(err)
				continue
			}
			r.hosts(host, nativeEntry{
				name: target, port: port, recipe: sc.usualRecipe(), labels: labels,
				at: place{number, at.line, at.column}, wrong: wrong,
			})
		}
	}
}

package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// position is a line and a column, from 1.
type position struct{ line, column int32 }

// targetGroup is an element of a Prometheus target file.
type targetGroup struct {
	at      position
	targets []string
	// places are those of the targets.
	places []position
	labels map[string]string
}

// targetFile is what a target file holds.
type targetFile struct {
	groups []targetGroup
	// lines are shown with what is wrong; they are not kept with the last good
	// content.
	lines []string
}

// parseTargets reads a target file: JSON or YAML, as its name says. A file that
// is not whole has no groups. The diagnostics leave nothing else out.
func parseTargets(path string, text []byte) (file targetFile, told []Diagnostic) {
	if filepath.Ext(path) == ".json" {
		return parseTargetsJSON(path, text)
	}
	return parseTargetsYAML(path, text)
}

func parseTargetsYAML(path string, text []byte) (file targetFile, told []Diagnostic) {
	s, plain := newYAMLSource(path, text)
	s.severity = Host
	if s.checkText(); len(s.problems) > 0 {
		return targetFile{}, s.sorted()
	}
	file.lines = s.lines
	var lifted map[int]listedTargets
	if s.body, lifted = s.parseLifted(plain); s.body == nil {
		if len(s.problems) == 0 {
			// As a file is that is just being written.
			s.add(nil, "no target file: it is empty; [] has no targets", nil)
		}
		return targetFile{}, s.sorted()
	}
	for _, node := range s.list(s.body) {
		fields := s.mapping(node, "targets", "labels")
		group := targetGroup{at: placeOf(node), labels: map[string]string{}}
		read := func(node ast.Node) bool {
			if host, ok := s.scalar(node); ok {
				group.targets, group.places = append(group.targets, host), append(group.places, placeOf(node))
			}
			return !s.full()
		}
		list := s.list(fields.values["targets"])
		if len(list) == 1 && beginning(list[0]) != nil && lifted[beginning(list[0]).Line].first > 0 {
			s.eachListed(lifted[beginning(list[0]).Line], func(host string, line, column int) bool {
				group.targets = append(group.targets, host)
				group.places = append(group.places, position{int32(line), int32(column)}) //nolint:gosec // nativeBytes is less
				return true
			}, nil, read)
		} else {
			for _, element := range list {
				read(element)
			}
		}
		var pairs []*ast.MappingValueNode
		switch n := s.plain(fields.values["labels"]).(type) {
		case *ast.MappingNode:
			pairs = n.Values
		case *ast.MappingValueNode:
			pairs = []*ast.MappingValueNode{n}
		}
		for _, pair := range pairs {
			if text, ok := s.scalar(pair.Value); ok {
				group.labels[pair.Key.GetToken().Value] = text
			}
		}
		file.groups = append(file.groups, group)
	}
	if len(s.problems) > 0 {
		return targetFile{}, s.sorted()
	}
	return file, nil
}

// placeOf is where a node begins.
func placeOf(node ast.Node) position {
	if at := beginning(node); at != nil {
		return position{int32(at.Line), int32(at.Column)} //nolint:gosec // nativeBytes is less
	}
	return position{1, 1}
}

// labelsWithin are the group's labels and those around it. Labels that begin
// with two underscores are Prometheus' own and are left out; so is what no
// label can be, which the error tells.
func (g *targetGroup) labelsWithin(around map[string]string) (map[string]string, error) {
	if len(g.labels) == 0 {
		return around, nil
	}
	all := make(map[string]string, len(g.labels)+len(around))
	for name, text := range around {
		all[name] = text
	}
	var problem error
	for name, text := range g.labels {
		switch err := checkPrintable(text); {
		case strings.HasPrefix(name, "__"):
		case !isVariable(name):
			problem = fmt.Errorf("the label %+q: give letters, digits and _, no digit first", excerpt(name))
		case err != nil || len(text) > textLimit:
			problem = fmt.Errorf("the label %s: its text is too long or cannot be printed", name)
		case len(all) >= labelLimit:
			problem = fmt.Errorf("more than %d labels of one target", labelLimit)
		default:
			all[name] = text
		}
	}
	return all, problem
}

// splitPort cuts the port from a target such as web.example:443 or
// [2001:db8::1]:443; 0 is none.
func splitPort(target string) (host string, port uint16, err error) {
	if _, err := netip.ParseAddr(target); err == nil || !strings.Contains(target, ":") {
		return target, 0, nil
	}
	host, digits, err := net.SplitHostPort(target)
	if err != nil {
		return "", 0, fmt.Errorf("the target %+q is neither a host nor a host and a port, as in web.example:443", excerpt(target))
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("the target %+q: its port is not a number from 1 to 65535", excerpt(target))
	}
	return host, uint16(number), nil
}

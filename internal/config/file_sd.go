package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// targetGroup is an element of a Prometheus target file.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// parseTargets reads a target file: JSON or YAML, as its name says. A file that
// is not whole has no groups. The diagnostics leave nothing else out.
func parseTargets(path string, text []byte) (groups []targetGroup, told []Diagnostic) {
	if filepath.Ext(path) != ".json" {
		return parseTargetsYAML(path, text)
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&groups)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return groups, nil
		}
		err = errors.New("something stands behind the list")
	}
	var syntax *json.SyntaxError
	offset := decoder.InputOffset()
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		offset, err = int64(len(text)), errors.New("the file ends too early")
	}
	offset = min(offset, int64(len(text)))
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	column := int(offset) - bytes.LastIndexByte(text[:offset], '\n')
	s, _ := newYAMLSource(path, text)
	s.severity = Host
	s.addAt(line, max(column-1, 1), fmt.Sprintf("no target file: %v", err), err)
	return nil, s.problems
}

func parseTargetsYAML(path string, text []byte) (groups []targetGroup, told []Diagnostic) {
	s, plain := newYAMLSource(path, text)
	s.severity = Host
	if s.checkText(); len(s.problems) > 0 {
		return nil, s.sorted()
	}
	var lifted map[int]listedTargets
	if s.body, lifted = s.parseLifted(plain); s.body == nil {
		return nil, s.sorted()
	}
	for _, node := range s.list(s.body) {
		fields := s.mapping(node, "targets", "labels")
		group := targetGroup{Labels: map[string]string{}}
		read := func(node ast.Node) bool {
			if host, ok := s.scalar(node); ok {
				group.Targets = append(group.Targets, host)
			}
			return !s.full()
		}
		list := s.list(fields.values["targets"])
		if len(list) == 1 && beginning(list[0]) != nil && lifted[beginning(list[0]).Line].first > 0 {
			s.eachListed(lifted[beginning(list[0]).Line], func(host string, _, _ int) bool {
				group.Targets = append(group.Targets, host)
				return true
			}, read)
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
				group.Labels[pair.Key.GetToken().Value] = text
			}
		}
		groups = append(groups, group)
	}
	if len(s.problems) > 0 {
		return nil, s.sorted()
	}
	return groups, nil
}

// labelsWithin are the group's labels and those around it. Labels that begin
// with two underscores are Prometheus' own and are left out; so is what no
// label can be, which the error tells.
func (g *targetGroup) labelsWithin(around map[string]string) (map[string]string, error) {
	if len(g.Labels) == 0 {
		return around, nil
	}
	all := make(map[string]string, len(g.Labels)+len(around))
	for name, text := range around {
		all[name] = text
	}
	var problem error
	for name, text := range g.Labels {
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

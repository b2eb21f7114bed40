package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// longList is how many lines a list of targets needs to be read apart from the
// file, whose parser takes more than its share of time for long lists.
const longList = 500

// pieceLines is how many lines of a long list are parsed at once.
const pieceLines = 500

// listedTargets is a list of targets that was taken out of its file: the lines
// from first to last, counted from 1, at an indentation.
type listedTargets struct{ first, last, indent int }

// checkText tells what no YAML file may hold, before its parser stumbles.
func (s *yamlSource) checkText() {
	for i, line := range s.lines {
		switch at := strings.IndexFunc(line, forbidden); {
		case !utf8.ValidString(line):
			column := 1
			for _, r := range line {
				if r == utf8.RuneError {
					break
				}
				column++
			}
			s.addAt(i+1, column, "not UTF-8: save the file as UTF-8 text", nil)
		case at >= 0:
			r, _ := utf8.DecodeRuneInString(line[at:])
			s.addAt(i+1, 1+utf8.RuneCountInString(line[:at]), fmt.Sprintf("the control character %U: remove it", r), nil)
		case line != "" && (line[0] == '\t' || line[0] == ' '):
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			if tab := strings.IndexByte(indent, '\t'); tab >= 0 && len(indent) < len(line) {
				s.addAt(i+1, tab+1, "a tab in the indentation: YAML indents with spaces", nil)
			}
		}
		if s.full() {
			return
		}
	}
}

// forbidden reports whether a character stands in no YAML file (YAML 1.2.2,
// section 5.1).
func forbidden(r rune) bool {
	return r != '\t' && r != '\u0085' && unicode.IsControl(r) || r == '\ufffe' || r == '\uffff'
}

// parseLifted parses the file with its long lists of targets taken out. In
// their place stands one entry, at the line where the list begins.
func (s *yamlSource) parseLifted(plain string) (ast.Node, map[int]listedTargets) {
	lists := longLists(s.lines)
	if len(lists) == 0 {
		return s.parse(plain, nil), nil
	}
	lifted := make(map[int]listedTargets, len(lists))
	var skeleton strings.Builder
	// origin is the line of the file for each line of the skeleton.
	var origin []int
	next := 1
	copyTo := func(end int) {
		for ; next < end; next++ {
			skeleton.WriteString(s.lines[next-1])
			skeleton.WriteByte('\n')
			origin = append(origin, next)
		}
	}
	for _, list := range lists {
		copyTo(list.first)
		skeleton.WriteString(strings.Repeat(" ", list.indent) + "- listed\n")
		origin = append(origin, list.first)
		next = list.last + 1
		lifted[list.first] = list
	}
	copyTo(len(s.lines) + 1)
	body := s.parse(skeleton.String(), func(line int) int {
		if line < 1 || line > len(origin) {
			return len(s.lines)
		}
		return origin[line-1]
	})
	return body, lifted
}

// longLists finds the lists of more than longList lines below "targets:".
func longLists(lines []string) (lists []listedTargets) {
	for i := 0; i < len(lines); i++ {
		key := strings.TrimLeft(lines[i], " -")
		if !strings.HasPrefix(key, "targets:") || !blank(key[len("targets:"):]) {
			continue
		}
		list := listedTargets{indent: -1}
		for j := i + 1; j < len(lines); j++ {
			line := lines[j]
			text := strings.TrimLeft(line, " ")
			if blank(text) {
				continue
			}
			indent, entry := len(line)-len(text), text == "-" || strings.HasPrefix(text, "- ")
			if list.indent < 0 {
				if !entry {
					break
				}
				list.first, list.indent = j+1, indent
			}
			if indent < list.indent || indent == list.indent && !entry {
				break
			}
			list.last = j + 1
		}
		if list.indent >= 0 && list.last-list.first >= longList {
			lists = append(lists, list)
			i = list.last - 1
		}
	}
	return lists
}

// blank reports whether a rest of a line says nothing.
func blank(text string) bool {
	text = strings.TrimLeft(text, " ")
	return text == "" || text[0] == '#'
}

// plainEntry returns the host of a line such as "- 192.0.2.1", and its column
// from 1, if that is all the line holds.
func plainEntry(line string, indent int) (host string, column int, ok bool) {
	if len(line) < indent+3 || line[indent:indent+2] != "- " || strings.TrimLeft(line[:indent], " ") != "" {
		return "", 0, false
	}
	text := strings.TrimLeft(line[indent+2:], " ")
	column = len(line) - len(text) + 1
	end := 0
	for end < len(text) && inHost(text[end]) {
		end++
	}
	host = text[:end]
	if rest := text[end:]; rest != "" && (rest[0] != ' ' || !blank(rest)) {
		return "", 0, false
	}
	switch {
	case host == "", host[0] == '[', host[0] == '-', host[0] == '%', host[len(host)-1] == ':', !strings.ContainsAny(host, ".:-["):
		// What YAML could take for something else than a text.
		return "", 0, false
	}
	return host, column, true
}

// inHost reports whether a byte stands in host expressions.
func inHost(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
		b == '.' || b == ':' || b == '-' || b == '_' || b == '/' || b == '%' || b == '[' || b == ']'
}

// eachListed goes through the entries of a long list in their order: a plain
// host to plain, a simple mapping to simple, which may leave it, and anything
// else to parsed. simple may be nil.
func (s *yamlSource) eachListed(list listedTargets, plain func(host string, line, column int) bool,
	simple func(t *simpleTarget, line int) (taken, goOn bool), parsed func(ast.Node) bool) {
	from := 0
	flush := func(end int) bool {
		if from == 0 {
			return true
		}
		first := from
		from = 0
		sequence, ok := s.parse(strings.Join(s.lines[first-1:end-1], "\n"), func(line int) int { return line + first - 1 }).(*ast.SequenceNode)
		if !ok {
			return !s.full()
		}
		for _, node := range sequence.Values {
			if !parsed(node) {
				return false
			}
		}
		return true
	}
	for line := list.first; line <= list.last; line++ {
		text := s.lines[line-1]
		if host, column, ok := plainEntry(text, list.indent); ok && entryEnds(s.lines, line+1, list.last, list.indent) {
			if !flush(line) || !plain(host, line, column) {
				return
			}
			continue
		}
		if simple != nil {
			if t, ok := simpleEntry(s.lines, line, list.last, list.indent); ok {
				if !flush(line) {
					return
				}
				taken, goOn := simple(&t, line)
				if !goOn {
					return
				}
				if taken {
					line += t.lines - 1
					continue
				}
			}
		}
		begins := len(text) > list.indent && text[list.indent] == '-' && strings.TrimLeft(text[:list.indent], " ") == ""
		if begins && from != 0 && line-from >= pieceLines && !flush(line) {
			return
		}
		if from == 0 && !blank(text) {
			from = line
		}
	}
	flush(list.last + 1)
}

package config

import "strings"

// simpleTarget is a mapping of a target that says only name, host and labels,
// in words that YAML takes for nothing else than texts. Most lists are made of
// such, and the parser takes ten times as long for them.
type simpleTarget struct {
	name, host, labels string
	// column is where the mapping begins, counted from 1; the others are where
	// name and host stand.
	column               int
	hostLine, hostColumn int
	nameLine, nameColumn int
	// lines is how many lines the entry has.
	lines int
}

// simpleEntry reads the entry of a list that begins at a line, counted from 1,
// of a list up to the line last. It is not ok for what the parser shall read.
func simpleEntry(lines []string, line, last, indent int) (t simpleTarget, ok bool) {
	text := lines[line-1]
	if len(text) < indent+3 || len(text) > textLimit || text[indent:indent+2] != "- " || strings.TrimLeft(text[:indent], " ") != "" {
		return t, false
	}
	rest := strings.TrimLeft(text[indent+2:], " ")
	t.column = len(text) - len(rest) + 1
	if strings.HasPrefix(rest, "{") {
		body, closed := strings.CutSuffix(strings.TrimRight(rest[1:], " "), "}")
		t.lines = 1
		if !closed || !t.fields(body, line, t.column+1) || !entryEnds(lines, line+1, last, indent) {
			return t, false
		}
		return t, t.name+t.host != ""
	}
	// Each line of a block has one field.
	for {
		if len(text) > textLimit || !t.field(strings.TrimRight(text[min(t.column-1, len(text)):], " "), line+t.lines, t.column) {
			return t, false
		}
		t.lines++
		if entryEnds(lines, line+t.lines, last, indent) {
			return t, t.name+t.host != ""
		}
		text = lines[line+t.lines-1]
		if len(text) < t.column || strings.TrimLeft(text[:t.column-1], " ") != "" || text[t.column-1] == ' ' {
			return t, false
		}
	}
}

// entryEnds reports whether another entry begins at a line, or the list is over.
func entryEnds(lines []string, line, last, indent int) bool {
	for ; line <= last; line++ {
		text := lines[line-1]
		if text == "" {
			continue
		}
		return len(text) > indent && text[indent] == '-' && strings.TrimLeft(text[:indent], " ") == ""
	}
	return true
}

// fields reads what stands between braces.
func (t *simpleTarget) fields(body string, line, column int) bool {
	for {
		end := strings.IndexByte(body, ',')
		if open := strings.IndexByte(body, '{'); open >= 0 && open < end {
			closing := strings.IndexByte(body, '}')
			if closing < open {
				return false
			}
			if end = strings.IndexByte(body[closing:], ','); end >= 0 {
				end += closing
			}
		}
		field := body
		if end >= 0 {
			field = body[:end]
		}
		if !t.field(field, line, column) {
			return false
		}
		if end < 0 {
			return true
		}
		next := strings.TrimLeft(body[end+1:], " ")
		if len(next) == len(body)-end-1 {
			return false
		}
		column += len(body) - len(next)
		body = next
	}
}

// field reads one field, which begins at a column.
func (t *simpleTarget) field(text string, line, column int) bool {
	key, value, found := strings.Cut(text, ": ")
	value = strings.TrimLeft(value, " ")
	column += len(text) - len(value)
	switch {
	case !found:
	case key == "host" && t.host == "" && simpleText(value):
		t.host, t.hostLine, t.hostColumn = value, line, column
		return true
	case key == "name" && t.name == "" && simpleText(value) && len(value) <= nameLimit:
		t.name, t.nameLine, t.nameColumn = value, line, column
		return true
	case key == "labels" && t.labels == "" && len(value) > 2 && value[0] == '{' && value[len(value)-1] == '}':
		t.labels = value[1 : len(value)-1]
		return true
	}
	return false
}

// simpleLabels reads what stands between the braces of labels.
func simpleLabels(text string) (labels map[string]string, ok bool) {
	labels = map[string]string{}
	for pair := range strings.SplitSeq(text, ", ") {
		name, value, found := strings.Cut(strings.TrimSpace(pair), ": ")
		value = strings.TrimLeft(value, " ")
		if _, twice := labels[name]; !found || twice || !simpleText(name) || !isVariable(name) || !simpleText(value) {
			return nil, false
		}
		labels[name] = value
	}
	return labels, len(labels) <= labelLimit/2
}

// simpleText reports whether YAML takes a text as it is written.
func simpleText(text string) bool {
	for i := range len(text) {
		b := text[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && (i == 0 || b != '.' && b != '-' && b != '_' && b != '/') {
			return false
		}
	}
	return text != "" && !strings.EqualFold(text, "null")
}

// simpleTarget makes the targets of a simple entry; it does nothing, and is not
// ok, when the parser shall read the entry.
func (r *nativeReader) simpleTarget(f *nativeFile, t *simpleTarget, line int, sc *scope) (ok bool) {
	labels := sc.labels
	if t.labels != "" {
		known, is := sc.simpleLabels[t.labels]
		if !is {
			own, fine := simpleLabels(t.labels)
			if !fine {
				return false
			}
			for name, text := range sc.labels {
				if _, given := own[name]; !given {
					own[name] = text
				}
			}
			if len(own) > labelLimit {
				return false
			}
			known = r.labelSets.shared(own)
			if sc.simpleLabels == nil {
				sc.simpleLabels = map[string]map[string]string{}
			}
			if len(sc.simpleLabels) < simpleLabelsKept {
				sc.simpleLabels[strings.Clone(t.labels)] = known
			}
		}
		labels = known
	}
	host, at := t.host, place{f.number, int32(t.hostLine), int32(t.hostColumn)} //nolint:gosec // nativeBytes is less
	if host == "" {
		host, at.line, at.column = t.name, int32(t.nameLine), int32(t.nameColumn) //nolint:gosec // nativeBytes is less
	}
	r.hosts(host, nativeEntry{
		name: t.name, recipe: sc.usualRecipe(), labels: labels,
		at:    place{f.number, int32(line), int32(t.column)}, //nolint:gosec // nativeBytes is less
		wrong: func(err error) { f.addAt(int(at.line), int(at.column), err.Error(), err) },
	})
	return true
}

// simpleLabelsKept is how many texts of labels are remembered.
const simpleLabelsKept = 10_000

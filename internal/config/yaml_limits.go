package config

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/token"
)

const (
	// depthLimit is the most levels of a YAML file. The parser's memory grows
	// with their square.
	depthLimit = 64
	// fieldLimit is the most fields of one mapping outside brackets. The
	// parser's time grows with their square.
	fieldLimit = 64
	// tokenLimit is the most words and signs that are parsed at once, which take
	// some 300 bytes each. 10,000 groups of 50 are as many.
	tokenLimit = 500_000
	// omittedLimit bounds the parser's work for values that are left out: for
	// each it moves all words and signs.
	omittedLimit = 2_000_000_000
)

// errTooLong refuses what would take too much memory to be parsed.
var errTooLong = fmt.Errorf("more than %d words and signs: give long lists a line for each entry or as networks and ranges, "+
	"or split the file over several by include or file_sd", tokenLimit)

// wordCount is at most how many words and signs a text has.
func wordCount(text string) int {
	count, blank := 0, true
	for i := range len(text) {
		switch text[i] {
		case ' ', '\t', '\n':
			blank = true
			continue
		case '[', ']', '{', '}', ',', ':':
			// A word may follow.
			count += 2
		default:
			if blank {
				count++
			}
		}
		blank = false
	}
	return count
}

// omits reports whether a token may have its value left out. It errs on the
// side of yes. Braces are set for what stands between them.
func omits(t *token.Token, braces bool) bool {
	next := t.Next
	for next != nil && next.Type == token.CommentType {
		next = next.Next
	}
	if next == nil || next.Position == nil {
		return true
	}
	if next.Type == token.CollectEntryType || next.Type == token.MappingEndType {
		switch t.Type {
		case token.MappingValueType:
			return true
		case token.MappingStartType, token.MappingEndType, token.SequenceEndType, token.CollectEntryType:
			return false
		}
		// A key may stand alone between braces.
		return braces && (t.Prev == nil || t.Prev.Type != token.MappingValueType)
	}
	if next.Position.Line == t.Position.Line {
		return false
	}
	switch t.Type {
	case token.SequenceEntryType, token.TagType:
		return next.Position.Column <= t.Position.Column
	case token.MappingValueType:
		key := t.Prev
		return key == nil || key.Position == nil || next.Position.Column < key.Position.Column ||
			next.Position.Column == key.Position.Column && next.Type != token.SequenceEntryType
	default:
		return t.Prev != nil && t.Prev.Type == token.AnchorType
	}
}

// yamlLevel is a column at which lines of a block begin, and how many fields
// begin there.
type yamlLevel struct{ column, fields int }

// checkTokens returns the first token at which a file becomes too deep or too
// wide to be parsed, and why; nil if it never does.
func checkTokens(tokens token.Tokens) (*token.Token, error) {
	var levels []yamlLevel
	omitted := 0
	marks, line, opened := 0, 0, true
	// brackets are the open ones, true for braces.
	var brackets []bool
	for i, t := range tokens {
		if i == tokenLimit {
			return t, errTooLong
		}
		if t.Position == nil {
			continue
		}
		if omits(t, len(brackets) > 0 && brackets[len(brackets)-1]) {
			if omitted++; omitted*len(tokens) > omittedLimit {
				return t, errors.New("too many values are left out: give each a value, or leave out what has none")
			}
		}
		first := t.Position.Line != line
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets = append(brackets, t.Type == token.MappingStartType)
		case token.SequenceEndType, token.MappingEndType:
			brackets = brackets[:max(len(brackets)-1, 0)]
		}
		// Tags and anchors nest in each other; an anchor's name is a token too.
		named := t.Prev != nil && t.Prev.Type == token.AnchorType
		switch {
		case t.Type == token.TagType || t.Type == token.AnchorType:
			marks++
		case !named:
			marks = 0
		}
		if len(brackets) == 0 {
			// What stands behind "-" or "?" is a level of its own on the line.
			if first || opened {
				levels = enter(levels, t.Position.Column)
			}
			opened = t.Type == token.SequenceEntryType || t.Type == token.MappingKeyType
			if t.Type == token.MappingValueType && len(levels) > 0 {
				levels[len(levels)-1].fields++
				if levels[len(levels)-1].fields > fieldLimit {
					return t, fmt.Errorf("a mapping of more than %d fields", fieldLimit)
				}
			}
		}
		if len(brackets)+len(levels)+marks > depthLimit {
			return t, fmt.Errorf("nested deeper than %d levels", depthLimit)
		}
	}
	return nil, nil
}

// enter leaves the levels to the right of a column and is at that column.
func enter(levels []yamlLevel, column int) []yamlLevel {
	for len(levels) > 0 && levels[len(levels)-1].column > column {
		levels = levels[:len(levels)-1]
	}
	if len(levels) == 0 || levels[len(levels)-1].column < column {
		levels = append(levels, yamlLevel{column: column})
	}
	return levels
}

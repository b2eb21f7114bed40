package config

import (
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
	// tokenLimit is the most words and signs of a file: the parser's time grows
	// with the square of the values that are left out. The largest lab needs
	// some 90,000.
	tokenLimit = 120_000
)

// yamlLevel is a column at which lines of a block begin, and how many fields
// begin there.
type yamlLevel struct{ column, fields int }

// checkTokens returns the first token at which a file becomes too deep or too
// wide to be parsed, and why; nil if it never does.
func checkTokens(tokens token.Tokens) (*token.Token, error) {
	var levels []yamlLevel
	if len(tokens) > tokenLimit {
		return tokens[tokenLimit], fmt.Errorf("more than %d words and signs", tokenLimit)
	}
	brackets, marks, line, opened := 0, 0, 0, true
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		first := t.Position.Line != line
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(brackets-1, 0)
		}
		// Tags and anchors nest in each other; an anchor's name is a token too.
		named := t.Prev != nil && t.Prev.Type == token.AnchorType
		switch {
		case t.Type == token.TagType || t.Type == token.AnchorType:
			marks++
		case !named:
			marks = 0
		}
		if brackets == 0 {
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
		if brackets+len(levels)+marks > depthLimit {
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

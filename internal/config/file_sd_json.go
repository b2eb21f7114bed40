package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// jsonWords reads a JSON text word by word and knows where each stands.
type jsonWords struct {
	decoder *json.Decoder
	text    []byte
	// counted is up to where lines and columns were counted, both from 0.
	counted int
	at      position
}

// next returns a word and its place.
func (w *jsonWords) next() (json.Token, position, error) {
	at := int(w.decoder.InputOffset())
	word, err := w.decoder.Token()
	if err != nil {
		return nil, position{}, err //nolint:wrapcheck // whoever tells it names the file
	}
	for at < len(w.text)-1 && strings.IndexByte(" \t\r\n,:", w.text[at]) >= 0 {
		at++
	}
	return word, w.placeOf(at), nil
}

// placeOf is the place of a byte, none before the last that was asked for.
func (w *jsonWords) placeOf(offset int) position {
	for ; w.counted < offset; w.counted++ {
		switch b := w.text[w.counted]; {
		case b == '\n':
			w.at = position{line: w.at.line + 1}
		case utf8.RuneStart(b):
			w.at.column++
		}
	}
	return position{w.at.line + 1, w.at.column + 1}
}

// misplaced is a mistake at a place of a JSON text.
type misplaced struct {
	position
	error
}

// each reads a list or an object: begin reads what stands at each word. Null is
// an empty one.
func (w *jsonWords) each(open json.Delim, what string, begin func(word json.Token, at position) error) error {
	word, at, err := w.next()
	switch {
	case err != nil:
		return err
	case word == nil:
		return nil
	case word != open:
		return misplaced{at, fmt.Errorf("give %s", what)}
	}
	for w.decoder.More() {
		word, at, err := w.next()
		if err != nil {
			return err
		}
		if err := begin(word, at); err != nil {
			return err
		}
	}
	_, _, err = w.next()
	return err
}

// parseTargetsJSON reads a target file in JSON.
func parseTargetsJSON(path string, text []byte) (file targetFile, told []Diagnostic) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	s, _ := newYAMLSource(path, text)
	s.severity = Host
	w := &jsonWords{decoder: json.NewDecoder(bytes.NewReader(text)), text: text}
	groups, err := w.groups()
	if err == nil {
		if _, err = w.decoder.Token(); errors.Is(err, io.EOF) {
			return targetFile{groups, s.lines}, nil
		}
		err = errors.New("something stands behind the list")
	}
	var syntax *json.SyntaxError
	var placed misplaced
	offset := w.decoder.InputOffset()
	switch {
	case errors.As(err, &placed):
		s.addAt(int(placed.line), int(placed.column), fmt.Sprintf("no target file: %v", placed.error), placed.error)
		return targetFile{}, s.problems
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		offset, err = int64(len(text)), errors.New("the file ends too early")
	}
	offset = min(offset, int64(len(text)))
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	column := int(offset) - bytes.LastIndexByte(text[:offset], '\n')
	s.addAt(line, max(column-1, 1), fmt.Sprintf("no target file: %v", err), err)
	return targetFile{}, s.problems
}

// groups reads the list of groups.
func (w *jsonWords) groups() (groups []targetGroup, err error) {
	err = w.each('[', "a list of groups", func(word json.Token, at position) error {
		group := targetGroup{at: at}
		if word != json.Delim('{') && word != nil {
			return misplaced{at, errors.New(`give a group: {"targets": ["192.0.2.1"]}`)}
		}
		for word != nil && w.decoder.More() {
			key, at, err := w.next()
			if err != nil {
				return err
			}
			switch name := fmt.Sprint(key); {
			case strings.EqualFold(name, "targets"):
				err = w.targets(&group)
			case strings.EqualFold(name, "labels"):
				err = w.labels(&group)
			default:
				err = misplaced{at, fmt.Errorf("unknown field %q", excerpt(name))}
			}
			if err != nil {
				return err
			}
		}
		groups = append(groups, group)
		if word == nil {
			return nil
		}
		_, _, err := w.next()
		return err
	})
	return groups, err
}

func (w *jsonWords) targets(group *targetGroup) error {
	return w.each('[', "a list of targets", func(word json.Token, at position) error {
		text, is := word.(string)
		if !is {
			return misplaced{at, errors.New("a target is a text between quotes")}
		}
		group.targets, group.places = append(group.targets, text), append(group.places, at)
		return nil
	})
}

func (w *jsonWords) labels(group *targetGroup) error {
	group.labels = map[string]string{}
	return w.each('{', "labels with their values", func(name json.Token, _ position) error {
		word, at, err := w.next()
		if err != nil {
			return err
		}
		text, is := word.(string)
		if !is {
			return misplaced{at, errors.New("a label's value is a text between quotes")}
		}
		group.labels[fmt.Sprint(name)] = text
		return nil
	})
}

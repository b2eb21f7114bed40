package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// lineLimit bounds a line in bytes, so that a file without line ends is never
// held in memory, nor read to an end that it may not have.
const lineLimit = 64 << 10

// errLineTooLong stops the reading at a line above lineLimit.
var errLineTooLong = errors.New("line too long")

// lineReader hands out the lines of a file that say something: comments are cut,
// and a line left empty is passed over.
type lineReader struct {
	scanner *bufio.Scanner
	report  *reporter
	// number is the line that was read last, from 1.
	number int
}

func newLineReader(r io.Reader, report *reporter) *lineReader {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, lineLimit+len("\r\n"))
	scanner.Split(splitLine)
	return &lineReader{scanner: scanner, report: report}
}

// next returns the words of the next line, and false at the end of the file or
// where reading on makes no sense. It reports what is no text.
func (l *lineReader) next() (words []string, more bool) {
	for l.scanner.Scan() {
		l.number++
		line := l.scanner.Bytes()
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if bytes.IndexByte(line, 0) >= 0 {
			l.report.badFormat(l.number, "a NUL byte; this is no text file, and the rest of it was not read")
			return nil, false
		}
		if !utf8.Valid(line) {
			l.report.badFormat(l.number, "not UTF-8; save the file as UTF-8 text")
			continue
		}
		if words = cutComment(strings.Fields(string(line))); len(words) > 0 {
			return words, true
		}
	}
	switch err := l.scanner.Err(); {
	case errors.Is(err, errLineTooLong):
		l.report.badFormat(l.number+1, "longer than %d bytes; the rest of the file was not read", lineLimit)
	case err != nil:
		l.report.add(unreadable(l.report.file, fmt.Errorf("reading the configuration: %w", err)))
	}
	return nil, false
}

// cutComment cuts the words of a line at the first that begins with "#".
func cutComment(words []string) []string {
	for i, word := range words {
		if word[0] == '#' {
			return words[:i]
		}
	}
	return words
}

// splitLine is a bufio.SplitFunc for lines that end in "\n", "\r\n" or "\r",
// as Python's universal newlines do.
func splitLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	end := bytes.IndexAny(data, "\r\n")
	if end > lineLimit || end < 0 && len(data) > lineLimit {
		return 0, nil, errLineTooLong
	}
	switch {
	case end < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case end < 0:
		return 0, nil, nil
	case data[end] == '\n':
		return end + 1, data[:end], nil
	case end+1 == len(data) && !atEOF:
		return 0, nil, nil
	case end+1 < len(data) && data[end+1] == '\n':
		return end + 2, data[:end], nil
	default:
		return end + 1, data[:end], nil
	}
}

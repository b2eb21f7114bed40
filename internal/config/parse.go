package config

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"netsonde"
)

// Parse reads a configuration from r, in the native format or in connmonitor's
// 3.x or 4.x; name stands for it in messages. The package's documentation says
// how they are told apart.
//
// The diagnostics are everything that is wrong, in the order of the lines; of
// each severity the first 100 are kept and the rest are counted. If any is
// Fatal the plan is nil and the error is the fatal ones as Errors; otherwise
// there is a plan, which may be without targets (see ErrNoHosts).
//
// Lines end in LF, CRLF or CR; a byte order mark and a missing line end are
// fine. Of connmonitor's formats: words are separated by any white space. A
// word that begins with "#" starts a comment. A line has at most 64 KiB and is
// UTF-8; reading stops at a longer one and at a NUL byte. A bare number is never
// a host. What a native file names is beside it: in the folder of name.
func Parse(name string, r io.Reader) (*netsonde.Plan, []Diagnostic, error) {
	return planOf(parse(context.Background(), name, r, localSurroundings()))
}

func parse(ctx context.Context, name string, r io.Reader, around surroundings) (*Configuration, []Diagnostic, error) {
	if hasNativeName(name) {
		return readNative(ctx, name, r, around)
	}
	report := &reporter{file: name}
	// What was read to see the format is read again if it is the native one.
	var begun bytes.Buffer
	source := &switchedReader{reader: r, copy: &begun}
	lines := newLineReader(source, report)
	plan := newPlanner()
	words, more := lines.next()
	source.copy = nil
	switch {
	case !more && report.counts[Fatal] == 0:
		report.badFormat(0, "no header line and no hosts; the file is empty")
	case !more:
	case beginsNative(words):
		return readNative(ctx, name, io.MultiReader(&begun, r), around)
	case isNumber(words[0]):
		parse3(words, lines, report, plan)
	default:
		parse4(words, lines, report, plan)
	}
	diagnostics, err := report.result()
	if err != nil {
		return nil, diagnostics, err
	}
	return &Configuration{Plan: plan.plan, Files: []string{name}}, diagnostics, nil
}

// hasNativeName reports whether a file is native by its name.
func hasNativeName(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".yaml" || extension == ".yml"
}

// beginsNative reports whether the words of a file's first line that says
// something are those of a native one. A host with a colon at its end is an
// IPv6 address, which has another colon.
func beginsNative(words []string) bool {
	first := words[0]
	key, _, _ := strings.Cut(first, ":")
	switch {
	case first == "---", first == "-", first[0] == '{', first[0] == '%':
		return true
	case len(first) > len(key):
		return first == key+":" && isVariable(strings.ReplaceAll(key, "-", "_"))
	case len(words) > 1:
		// "key : value" is YAML too.
		return words[1] == ":"
	default:
		return false
	}
}

// switchedReader copies what it reads as long as there is a copy.
type switchedReader struct {
	reader io.Reader
	copy   *bytes.Buffer
}

// Read reads from the reader.
func (s *switchedReader) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if s.copy != nil {
		s.copy.Write(p[:n])
	}
	return n, err //nolint:wrapcheck // it is the reader's
}

// readNative reads a native file to its end.
func readNative(ctx context.Context, name string, r io.Reader, around surroundings) (*Configuration, []Diagnostic, error) {
	text, err := io.ReadAll(io.LimitReader(r, nativeBytes+1))
	if err == nil && len(text) > nativeBytes {
		err = fmt.Errorf("longer than %d bytes", nativeBytes)
	}
	if err != nil {
		return fail(name, fmt.Errorf("reading the configuration: %w", err))
	}
	return parseNative(ctx, name, text, around)
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"netsonde/internal/hosts"
)

const (
	// longestHostLine is the longest line of a file of hosts, in bytes.
	longestHostLine = 4096
	// mostHostErrors are told before the rest of a file is given up.
	mostHostErrors = 20
)

// read parses what stands on the command line and in the files that it names.
func (o *oneShot) read(expressions []string) error {
	if len(expressions) == 0 {
		return errors.New("no host given: name one, or a file of them as @FILE")
	}
	var wrong []error
	for _, expression := range expressions {
		if path, file := strings.CutPrefix(expression, "@"); file {
			wrong = append(wrong, o.readFile(path))
			continue
		}
		wrong = append(wrong, o.add(expression))
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	if o.total == 0 {
		return errors.New("the files name no host: write one a line")
	}
	return nil
}

func (o *oneShot) add(expression string) error {
	set, err := hosts.Parse(expression)
	if err != nil {
		return err
	}
	o.sets = append(o.sets, set)
	if count := set.Count(); o.total > math.MaxUint64-count {
		o.total = math.MaxUint64
	} else {
		o.total += count
	}
	return nil
}

func (o *oneShot) readFile(path string) error {
	if path == standardInput {
		return o.readLines("standard input", o.program.stdin)
	}
	if path == "" {
		return errors.New("@ names no file: write @FILE, or @- for standard input")
	}
	file, err := os.Open(path)
	if err != nil {
		return failureError{fmt.Errorf("open the file of hosts: %w", err)}
	}
	defer file.Close()
	return o.readLines(path, file)
}

// readLines reads one host a line, and tells all that is wrong with them.
func (o *oneShot) readLines(name string, file io.Reader) error {
	var wrong []error
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, longestHostLine)
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := o.add(text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", name, number, err))
		}
		if len(wrong) == mostHostErrors {
			return errors.Join(append(wrong, fmt.Errorf("%s: the rest was not read", name))...)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		wrong = append(wrong, fmt.Errorf("%s:%d: the line is longer than %d bytes: write one host a line", name, number+1, longestHostLine))
	case err != nil:
		wrong = append(wrong, failureError{fmt.Errorf("read %s: %w", name, err)})
	}
	return errors.Join(wrong...)
}

package main

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
)

// pythonLog writes log lines in the form of Python's logging module, which
// readers of pmonitor's logs know:
//
//	INFO:root:sample target: 192.0.2.1
//
// What cannot be printed is escaped, so that a message is one line and has no
// power over a terminal. Attributes and groups are not printed.
type pythonLog struct {
	mu     sync.Mutex
	stream io.Writer
	// failed is told the first error of stream, by Handle; it may be nil.
	failed func(error)
}

// Enabled reports that everything is written.
func (l *pythonLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle writes one line, in one Write.
func (l *pythonLog) Handle(_ context.Context, record slog.Record) error {
	level := record.Level.String()
	if record.Level == slog.LevelWarn {
		level = "WARNING"
	}
	line := append([]byte(level), ":root:"...)
	for _, r := range record.Message {
		if strconv.IsPrint(r) {
			line = append(line, string(r)...)
			continue
		}
		quoted := strconv.QuoteRune(r)
		line = append(line, quoted[1:len(quoted)-1]...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.stream.Write(append(line, '\n'))
	if err != nil && l.failed != nil {
		l.failed(err)
		// A full disk would fail with every line.
		l.failed = nil
	}
	return err
}

// WithAttrs returns the same log.
func (l *pythonLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup returns the same log.
func (l *pythonLog) WithGroup(string) slog.Handler { return l }
